/** One conferee in the roster. */
import { useContext, useEffect, useMemo, useRef } from 'preact/hooks';
import { Live } from './live.ts';
import { Menu } from './menu.tsx';
import type { Press } from './press.ts';
import type { Conferee } from './state.ts';
import { nameOf } from './words.ts';

interface RowProps {
  readonly conferenceId: string;
  readonly conferee: Conferee;
  readonly talking: boolean;
  readonly busy: boolean;
  readonly usable: boolean;
  /** A phone screen: what is rare goes into the menu. */
  readonly narrow: boolean;
  readonly press: Press;
  readonly onDelete: (conferee: Conferee) => void;
  /** Asks where to. */
  readonly onMove: (conferee: Conferee) => void;
}

const BIT_WORDS = {
  self: 'muted by own key',
  host: 'muted by host',
  mode: 'muted with all',
} as const;

/** The same element again while nothing of it changes, so that 200 rows cost nothing. */
export function Row(props: RowProps) {
  const { conferenceId, conferee, talking, busy, usable, narrow, press } = props;
  const { onDelete, onMove } = props;
  return useMemo(() => {
    const { ordinal, role, mutedBy, handRaisedAt, held, sub } = conferee;
    const name = nameOf(conferee);
    // What an own key has muted, only that caller can open.
    const byOthers = mutedBy.some((bit) => bit !== 'self');
    const bit = mutedBy.find((one) => one !== 'self') ?? mutedBy[0];
    const makeHost = (): void => press('POST', `/conferees/${ordinal}/make-host`);
    const hold = {
      label: held ? 'Take off hold' : 'Put on hold',
      suffix: held ? 'unhold' : 'hold',
    };
    const items = [
      {
        key: 'hold',
        label: hold.label,
        onChoose: () => press('POST', `/conferees/${ordinal}/${hold.suffix}`),
      },
      { key: 'move', label: 'Sub-conference …', onChoose: () => onMove(conferee) },
      ...(role === 'host' ? [] : [{ key: 'host', label: 'Make host', onChoose: makeHost }]),
      ...(narrow ? [{ key: 'delete', label: 'Delete …', onChoose: () => onDelete(conferee) }] : []),
    ];
    return (
      <li class={`row${talking ? ' talks' : ''}`} data-ordinal={ordinal}>
        <span class="ordinal">{ordinal}</span>
        <span class="name">
          {name}
          {conferee.callerName === undefined ? null : (
            <span class="number">{conferee.callerNumber}</span>
          )}
        </span>
        <span class="marks">
          {role === 'host' ? <span class="badge">host</span> : null}
          {held ? <span class="badge held">on hold</span> : null}
          {sub === 0 ? null : <span class="badge held">sub-conference {sub}</span>}
          {handRaisedAt === null ? null : <span class="badge hand">hand raised</span>}
          {bit === undefined ? null : <span class="badge muted">{BIT_WORDS[bit]}</span>}
          {talking ? <span class="badge talking">talking</span> : null}
          {talking ? <Level conferenceId={conferenceId} ordinal={ordinal} /> : null}
        </span>
        <span class="row-tools">
          <button
            type="button"
            disabled={!usable}
            aria-busy={busy}
            aria-label={`${byOthers ? 'Unmute' : 'Mute'} ${ordinal}, ${name}`}
            onClick={() => press('POST', `/conferees/${ordinal}/${byOthers ? 'unmute' : 'mute'}`)}
          >
            {byOthers ? 'Unmute' : 'Mute'}
          </button>
          {narrow ? null : (
            <button
              type="button"
              class="danger"
              disabled={!usable}
              aria-label={`Delete ${ordinal}, ${name}`}
              onClick={() => onDelete(conferee)}
            >
              Delete
            </button>
          )}
          {items.length === 0 ? null : (
            <Menu label={`More for ${ordinal}, ${name}`} disabled={!usable} items={items} />
          )}
        </span>
      </li>
    );
  }, [conferenceId, conferee, talking, busy, usable, narrow]);
}

/** A bar that moves without drawing anything else anew; "talking" beside it says it in words. */
function Level({ conferenceId, ordinal }: { conferenceId: string; ordinal: number }) {
  const { levels } = useContext(Live);
  const bar = useRef<HTMLSpanElement>(null);
  useEffect(
    () =>
      levels.follow(conferenceId, ordinal, (share) => {
        if (bar.current !== null) bar.current.style.transform = `scaleX(${share.toFixed(2)})`;
      }),
    [levels, conferenceId, ordinal],
  );
  return (
    <span class="level" aria-hidden="true">
      <span ref={bar} class="level-bar" />
    </span>
  );
}
