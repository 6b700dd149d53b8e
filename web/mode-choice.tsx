/** Who is heard without being asked. Follows the event, not the click. */
import type { Press } from './press.ts';
import type { TalkMode } from './state.ts';
import { MODE_WORDS } from './words.ts';

const MODES: readonly TalkMode[] = ['open', 'questions', 'lecture'];

interface Props {
  readonly mode: TalkMode;
  readonly usable: boolean;
  readonly press: Press;
}

export function ModeChoice({ mode, usable, press }: Props) {
  return (
    <label class="choice">
      <span class="unseen">Who may talk</span>
      <select
        value={mode}
        disabled={!usable}
        onChange={(event) => {
          press('POST', '/mode', { mode: event.currentTarget.value });
          // Until its event comes the old one holds.
          event.currentTarget.value = mode;
        }}
      >
        {MODES.map((one) => (
          <option key={one} value={one}>
            {MODE_WORDS[one]}
          </option>
        ))}
      </select>
    </label>
  );
}
