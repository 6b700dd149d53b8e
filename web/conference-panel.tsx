/** One conference: roster by ordinal with its controls. Shows what the stream has acknowledged, no more. */
import { useContext, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Api } from './api.ts';
import { Confirm, type Question } from './confirm.tsx';
import { DialBox } from './dial-box.tsx';
import { Elapsed } from './elapsed.tsx';
import { Hands } from './hands.tsx';
import { Happened } from './happened.tsx';
import { Live } from './live.ts';
import { useMedia } from './media.ts';
import { ModeChoice } from './mode-choice.tsx';
import type { Press } from './press.ts';
import { usePress } from './press.ts';
import { RollCall } from './roll-call.tsx';
import { Row } from './roster-row.tsx';
import type { Conferee, Conference } from './state.ts';
import { nameOf } from './words.ts';

interface Props {
  readonly api: Api;
  readonly conference: Conference;
  /** The stream is up to date; without it nothing may be pressed. */
  readonly live: boolean;
  readonly title: string;
}

export function ConferencePanel({ api, conference, live, title }: Props) {
  const { press, busy, error } = usePress(api, conference.id);
  const [question, setQuestion] = useState<Question>();
  const heading = useRef<HTMLHeadingElement>(null);
  const { watch } = useContext(Live);
  const { id, ended } = conference;
  const usable = live && !ended;
  const conferees = [...conference.conferees.values()].toSorted((a, b) => a.ordinal - b.ordinal);
  useLostFocus(heading, conferees.length);
  useEffect(() => {
    watch(id);
    return () => watch(undefined);
  }, [id]);
  const askDelete = useMemo(
    () => (conferee: Conferee) =>
      setQuestion({
        title: `Delete ${conferee.ordinal}, ${nameOf(conferee)}?`,
        text: 'The caller hears the reason and is hung up.',
        yes: 'Delete',
        onYes: () => press('DELETE', `/conferees/${conferee.ordinal}`),
      }),
    [press],
  );

  return (
    <section class="conference" aria-labelledby="conference-title">
      <h1 id="conference-title" ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <Facts conference={conference} />
      <Tools {...{ api, conference, usable, press, busy, ask: setQuestion }} />
      <p class="error" role="alert">
        {error}
      </p>
      <DialBox api={api} conference={conference} usable={usable} />
      <Hands conferees={conferees} usable={usable} press={press} />
      <Roster {...{ conference, conferees, usable, press, busy, onDelete: askDelete }} />
      <Happened conference={conference} />
      {question === undefined ? null : (
        <Confirm question={question} onDone={() => setQuestion(undefined)} />
      )}
    </section>
  );
}

function Facts({ conference }: { conference: Conference }) {
  const { id, mixerId, conferees, locked, mutedAll, temporary, ended, endAt, createdAt } =
    conference;
  return (
    <p class="facts">
      <span>
        <strong>{conferees.size}</strong> {conferees.size === 1 ? 'conferee' : 'conferees'}
      </span>
      {ended ? null : <Elapsed since={createdAt} />}
      {temporary ? <span class="badge">waiting for the host</span> : null}
      {locked ? <span class="badge strong">locked</span> : null}
      {mutedAll ? <span class="badge">all muted but hosts</span> : null}
      {endAt === null ? null : <span class="badge strong">ends soon, no host</span>}
      {ended ? <span class="badge strong">ended</span> : null}
      <span class="small">
        {id} on {mixerId}
      </span>
    </p>
  );
}

interface ToolsProps {
  readonly api: Api;
  readonly conference: Conference;
  readonly usable: boolean;
  readonly press: Press;
  readonly busy: ReadonlySet<string>;
  readonly ask: (question: Question) => void;
}

function Tools({ api, conference, usable, press, busy, ask }: ToolsProps) {
  const { locked, mutedAll, temporary, mode } = conference;
  return (
    <fieldset class="tools">
      <legend class="unseen">Whole conference</legend>
      <button
        type="button"
        disabled={!usable || temporary}
        aria-busy={busy.has('/lock') || busy.has('/unlock')}
        onClick={() => press('POST', locked ? '/unlock' : '/lock')}
      >
        {locked ? 'Unlock' : 'Lock'}
      </button>
      <button
        type="button"
        disabled={!usable}
        aria-busy={busy.has('/mute-all') || busy.has('/unmute-all')}
        onClick={() => press('POST', mutedAll ? '/unmute-all' : '/mute-all')}
      >
        {mutedAll ? 'Unmute all' : 'Mute all but hosts'}
      </button>
      <ModeChoice mode={mode} usable={usable} press={press} />
      <RollCall api={api} conference={conference} />
      <button
        type="button"
        class="danger"
        disabled={!usable}
        onClick={() =>
          ask({
            title: 'End the conference?',
            text: 'Everybody hears that it has ended and is hung up.',
            yes: 'End for everybody',
            onYes: () => press('DELETE', ''),
          })
        }
      >
        End …
      </button>
    </fieldset>
  );
}

interface RosterProps {
  readonly conference: Conference;
  readonly conferees: readonly Conferee[];
  readonly usable: boolean;
  readonly press: Press;
  readonly busy: ReadonlySet<string>;
  readonly onDelete: (conferee: Conferee) => void;
}

/** Above it, looking for somebody is faster than scrolling. */
const MANY = 12;

function Roster({ conference, conferees, usable, press, busy, onDelete }: RosterProps) {
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
          />
        ))}
      </ol>
    </>
  );
}

/** When the row with the focus goes, the focus goes to the heading and not to nowhere. */
function useLostFocus(heading: { current: HTMLElement | null }, size: number): void {
  const before = useRef(size);
  useEffect(() => {
    const shrunk = size < before.current;
    before.current = size;
    if (shrunk && document.activeElement === document.body) heading.current?.focus();
  }, [size]);
}
