/** The roster: everybody by ordinal, with a search where there are many. */
import { useState } from 'preact/hooks';
import { useMedia } from './media.ts';
import type { Press } from './press.ts';
import { Row } from './roster-row.tsx';
import type { Conferee, Conference } from './state.ts';
import { nameOf } from './words.ts';

interface RosterProps {
  readonly conference: Conference;
  readonly conferees: readonly Conferee[];
  readonly usable: boolean;
  readonly press: Press;
  readonly busy: ReadonlySet<string>;
  readonly onDelete: (conferee: Conferee) => void;
  readonly onMove: (conferee: Conferee) => void;
}

/** Above it, looking for somebody is faster than scrolling. */
const MANY = 12;

export function Roster({
  conference,
  conferees,
  usable,
  press,
  busy,
  onDelete,
  onMove,
}: RosterProps) {
  const [wanted, setWanted] = useState('');
  const narrow = useMedia('(max-width: 40rem)');
  const text = wanted.trim().toLowerCase();
  const shown =
    text === ''
      ? conferees
      : conferees.filter(
          (one) =>
            String(one.ordinal) === text ||
            one.callerNumber.includes(text) ||
            nameOf(one).toLowerCase().includes(text),
        );
  return (
    <>
      <div class="roster-head">
        <h2 id="roster-title">Roster</h2>
        {conferees.length > MANY || text !== '' ? (
          <label class="find">
            <span class="unseen">Find by number or name</span>
            <input
              type="search"
              placeholder="Find by number or name"
              value={wanted}
              onInput={(event) => setWanted(event.currentTarget.value)}
            />
          </label>
        ) : null}
      </div>
      {conferees.length === 0 ? <p>Nobody is in it.</p> : null}
      {conferees.length > 0 && shown.length === 0 ? <p role="status">Nobody fits.</p> : null}
      <ol class="roster" aria-labelledby="roster-title">
        {shown.map((conferee) => (
          <Row
            key={conferee.ordinal}
            conferenceId={conference.id}
            conferee={conferee}
            talking={conference.talking.has(conferee.ordinal) && conferee.mutedBy.length === 0}
            busy={
              busy.has(`/conferees/${conferee.ordinal}/mute`) ||
              busy.has(`/conferees/${conferee.ordinal}/unmute`)
            }
            usable={usable}
            narrow={narrow}
            press={press}
            onDelete={onDelete}
            onMove={onMove}
          />
        ))}
      </ol>
    </>
  );
}
