/** Raised hands, the longest waiting first. */
import type { Press } from './press.ts';
import type { Conferee } from './state.ts';
import { nameOf } from './words.ts';

interface Props {
  readonly conferees: readonly Conferee[];
  readonly usable: boolean;
  readonly press: Press;
}

export function Hands({ conferees, usable, press }: Props) {
  const raised = conferees
    .filter(({ handRaisedAt }) => handRaisedAt !== null)
    .toSorted((a, b) => (a.handRaisedAt ?? '').localeCompare(b.handRaisedAt ?? ''));
  if (raised.length === 0) return null;
  return (
    <section class="box hands" aria-labelledby="hands-title">
      <h2 id="hands-title">Raised hands</h2>
      <ol class="lines">
        {raised.map((conferee) => {
          const { ordinal } = conferee;
          const who = `${ordinal}, ${nameOf(conferee)}`;
          return (
            <li key={ordinal}>
              <span>
                <strong>{ordinal}</strong> {nameOf(conferee)}
              </span>
              <span class="row-tools">
                <button
                  type="button"
                  class="primary"
                  disabled={!usable}
                  aria-label={`Give the word to ${who}`}
                  onClick={() => press('POST', `/conferees/${ordinal}/unmute`)}
                >
                  Give the word
                </button>
                <button
                  type="button"
                  disabled={!usable}
                  aria-label={`Lower the hand of ${who}`}
                  onClick={() => press('POST', `/conferees/${ordinal}/lower-hand`)}
                >
                  Lower
                </button>
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
