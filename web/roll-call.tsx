/** The roll call: everybody who entered, by ordinal, also those who have left; from the event log. */
import type { Api } from './api.ts';
import { useLogDialog } from './log-dialog.ts';
import type { Press } from './press.ts';
import { type Conference, EMPTY, type NumberedEvent, reduce } from './state.ts';
import { nameOf } from './words.ts';

interface Entry {
  readonly ordinal: number;
  readonly name: string;
  readonly role: string;
  readonly enteredMs: number;
  leftMs: number | undefined;
}

interface Props {
  readonly api: Api;
  readonly conference: Conference;
  readonly usable: boolean;
  readonly press: Press;
}

export function RollCall({ api, conference, usable, press }: Props) {
  const { dialog, found, status, open } = useLogDialog(api, conference.id, rollOf);

  return (
    <>
      <button type="button" onClick={() => void open()}>
        Roll call
      </button>
      <dialog ref={dialog} aria-labelledby="roll-title">
        <h2 id="roll-title">Roll call</h2>
        <p role="status">{status}</p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
        <section class="scroll" tabIndex={0} aria-label="Everybody who entered">
          <table>
            <thead>
              <tr>
                <th scope="col">No.</th>
                <th scope="col">Name or number</th>
                <th scope="col">Entered</th>
                <th scope="col">Left</th>
              </tr>
            </thead>
            <tbody>
              {(found ?? []).map(({ ordinal, name, role, enteredMs, leftMs }) => (
                <tr key={ordinal}>
                  <td>{ordinal}</td>
                  <td>
                    {name}
                    {role === 'host' ? ' (host)' : ''}
                  </td>
                  <td>{clock(enteredMs)}</td>
                  <td>{leftMs === undefined ? 'is here' : clock(leftMs)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        <div class="tools">
          <button type="button" disabled={!usable} onClick={() => press('POST', '/roll-call')}>
            Read it out to everybody
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </dialog>
    </>
  );
}

const clock = (atMs: number): string =>
  new Date(atMs).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

export function rollOf(events: readonly NumberedEvent[]): readonly Entry[] {
  const roll = new Map<number, Entry>();
  let state = EMPTY;
  for (const event of events) {
    state = reduce(state, { type: 'event', ...event });
    const present = state.conferences.get(event.conferenceId)?.conferees ?? new Map();
    for (const [ordinal, conferee] of present) {
      if (roll.has(ordinal)) continue;
      const name = nameOf(conferee);
      roll.set(ordinal, {
        ordinal,
        name,
        role: conferee.role,
        enteredMs: event.atMs,
        leftMs: undefined,
      });
    }
    if (
      event.event.kind !== 'dial' &&
      'ordinal' in event.event &&
      !present.has(event.event.ordinal)
    ) {
      const entry = roll.get(event.event.ordinal);
      if (entry !== undefined) entry.leftMs ??= event.atMs;
    }
  }
  return [...roll.values()];
}
