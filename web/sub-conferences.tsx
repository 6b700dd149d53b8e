/** Who talks apart in which sub-conference, and the way back; and the dialog that sends somebody there. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Press } from './press.ts';
import type { Conferee } from './state.ts';
import { nameOf, subName } from './words.ts';

/** As the server has them (signaling/conference/messages.ts); 0 is the conference itself. */
const SUB_CONFERENCES = 9;

interface Props {
  readonly conferees: readonly Conferee[];
  readonly usable: boolean;
  readonly press: Press;
}

export function SubConferences({ conferees, usable, press }: Props) {
  const used = [...new Set(conferees.map(({ sub }) => sub))].filter((sub) => sub > 0).toSorted();
  if (used.length === 0) return null;
  return (
    <section class="box apart" aria-labelledby="apart-title">
      <h2 id="apart-title">Sub-conferences</h2>
      <ul class="lines">
        {used.map((sub) => {
          const members = conferees.filter((one) => one.sub === sub);
          return (
            <li key={sub}>
              <span>
                <strong>Sub-conference {sub}:</strong>{' '}
                {members.map((one) => `${one.ordinal}, ${nameOf(one)}`).join('; ')}
              </span>
              <button
                type="button"
                disabled={!usable}
                aria-label={`Bring back everybody from sub-conference ${sub}`}
                onClick={() => {
                  for (const { ordinal } of members) {
                    press('POST', `/conferees/${ordinal}/sub-conference`, { sub: 0 });
                  }
                }}
              >
                Bring back
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

interface SendProps extends Props {
  readonly whom: Conferee;
  readonly onDone: () => void;
}

export function SendDialog({ whom, conferees, usable, press, onDone }: SendProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [sub, setSub] = useState(whom.sub === 0 ? 1 : 0);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const size = (one: number): string => {
    const count = conferees.filter((conferee) => conferee.sub === one).length;
    return count === 0 ? 'nobody is there' : `${count} there`;
  };
  return (
    <dialog ref={dialog} aria-labelledby="send-title" onClose={onDone}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          press('POST', `/conferees/${whom.ordinal}/sub-conference`, { sub });
          dialog.current?.close();
        }}
      >
        <h2 id="send-title">
          Move {whom.ordinal}, {nameOf(whom)}
        </h2>
        <p>Those in a sub-conference hear one another alone. The caller hears where it is moved.</p>
        <label class="field">
          To
          <select value={sub} onChange={({ currentTarget }) => setSub(Number(currentTarget.value))}>
            {Array.from({ length: SUB_CONFERENCES + 1 }, (_, one) => one)
              .filter((one) => one !== whom.sub)
              .map((one) => (
                <option key={one} value={one}>
                  {subName(one)} ({size(one)})
                </option>
              ))}
          </select>
        </label>
        <div class="tools">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={!usable}>
            Move
          </button>
        </div>
      </form>
    </dialog>
  );
}
