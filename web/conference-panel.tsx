/** One conference: roster by ordinal with its controls. Shows what the stream has acknowledged, no more. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Api } from './api.ts';
import { Confirm, type Question } from './confirm.tsx';
import { DialBox } from './dial-box.tsx';
import { RollCall } from './roll-call.tsx';
import { type Conferee, type Conference, nameOf } from './state.ts';

interface Props {
  readonly api: Api;
  readonly conference: Conference;
  /** The stream is up to date; without it nothing may be pressed. */
  readonly live: boolean;
  readonly title: string;
}

type Press = (method: 'POST' | 'DELETE', suffix: string) => void;

export function ConferencePanel({ api, conference, live, title }: Props) {
  const [error, setError] = useState('');
  const [question, setQuestion] = useState<Question>();
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const heading = useRef<HTMLHeadingElement>(null);
  const { id, locked, mutedAll, ended, temporary } = conference;
  const usable = live && !ended;
  const conferees = [...conference.conferees.values()].toSorted((a, b) => a.ordinal - b.ordinal);
  useLostFocus(heading, conferees.length);

  const press: Press = (method, suffix) => {
    setBusy((all) => new Set(all).add(suffix));
    setError('');
    void api.send(method, `/conferences/${encodeURIComponent(id)}${suffix}`).then((answer) => {
      setBusy((all) => {
        const rest = new Set(all);
        rest.delete(suffix);
        return rest;
      });
      if (!answer.ok) setError(answer.detail);
    });
  };
  const pressRef = useRef(press);
  pressRef.current = press;
  const stablePress = useMemo<Press>(
    () => (method, suffix) => pressRef.current(method, suffix),
    [],
  );
  const ask = useMemo(
    () => (conferee: Conferee) =>
      setQuestion({
        title: `Delete ${conferee.ordinal}, ${nameOf(conferee)}?`,
        text: 'The caller hears the reason and is hung up.',
        yes: 'Delete',
        onYes: () => stablePress('DELETE', `/conferees/${conferee.ordinal}`),
      }),
    [],
  );

  return (
    <section class="conference" aria-labelledby="conference-title">
      <h1 id="conference-title" ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p class="facts">
        <strong>{conferees.length}</strong> {conferees.length === 1 ? 'conferee' : 'conferees'}
        {temporary ? <span class="badge">waiting for the host</span> : null}
        {locked ? <span class="badge strong">locked</span> : null}
        {mutedAll ? <span class="badge">all muted but hosts</span> : null}
        {conference.endAt === null ? null : <span class="badge strong">ends soon, no host</span>}
        {ended ? <span class="badge strong">ended</span> : null}
      </p>
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
        <RollCall api={api} conference={conference} />
        <button
          type="button"
          class="danger"
          disabled={!usable}
          onClick={() =>
            setQuestion({
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
      <p class="error" role="alert">
        {error}
      </p>
      <DialBox api={api} conference={conference} usable={usable} />
      <h2 id="roster-title">Roster</h2>
      {conferees.length === 0 ? <p>Nobody is in it.</p> : null}
      <ol class="roster" aria-labelledby="roster-title">
        {conferees.map((conferee) => (
          <Row
            key={conferee.ordinal}
            conferee={conferee}
            talking={conference.talking.has(conferee.ordinal) && conferee.mutedBy.length === 0}
            busy={
              busy.has(`/conferees/${conferee.ordinal}/mute`) ||
              busy.has(`/conferees/${conferee.ordinal}/unmute`)
            }
            usable={usable}
            press={stablePress}
            onDelete={ask}
          />
        ))}
      </ol>
      <Happened conference={conference} />
      {question === undefined ? null : (
        <Confirm question={question} onDone={() => setQuestion(undefined)} />
      )}
    </section>
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

interface RowProps {
  readonly conferee: Conferee;
  readonly talking: boolean;
  readonly busy: boolean;
  readonly usable: boolean;
  readonly press: Press;
  readonly onDelete: (conferee: Conferee) => void;
}

const BIT_WORDS = {
  self: 'muted by own key',
  host: 'muted by host',
  mode: 'muted with all',
} as const;

/** The same element again while nothing of it changes, so that 200 rows cost nothing. */
function Row(props: RowProps) {
  const { conferee, talking, busy, usable, press, onDelete } = props;
  return useMemo(() => {
    const { ordinal, role, mutedBy } = conferee;
    const name = nameOf(conferee);
    // What an own key has muted, only that caller can open.
    const byOthers = mutedBy.some((bit) => bit !== 'self');
    const bit = mutedBy.find((one) => one !== 'self') ?? mutedBy[0];
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
          {bit === undefined ? null : <span class="badge muted">{BIT_WORDS[bit]}</span>}
          {talking ? <span class="badge talking">talking</span> : null}
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
          <button
            type="button"
            class="danger"
            disabled={!usable}
            aria-label={`Delete ${ordinal}, ${name}`}
            onClick={() => onDelete(conferee)}
          >
            Delete
          </button>
        </span>
      </li>
    );
  }, [conferee, talking, busy, usable]);
}

function Happened({ conference }: { conference: Conference }) {
  const newest = conference.activity.at(-1)?.text ?? '';
  return (
    <>
      <p class="unseen" aria-live="polite" aria-atomic="true">
        {newest}
      </p>
      {conference.activity.length === 0 ? null : (
        <details class="happened">
          <summary>What happened</summary>
          <ol reversed>
            {conference.activity.toReversed().map(({ number, atMs, text }) => (
              <li key={number}>
                <time dateTime={new Date(atMs).toISOString()}>
                  {new Date(atMs).toLocaleTimeString()}
                </time>{' '}
                {text}
              </li>
            ))}
          </ol>
        </details>
      )}
    </>
  );
}
