/** One conference: roster by ordinal with its controls. Shows what the stream has acknowledged, no more. */
import { useContext, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Api } from './api.ts';
import { Confirm, type Question } from './confirm.tsx';
import { DialBox } from './dial-box.tsx';
import { Elapsed, Left } from './elapsed.tsx';
import { Hands } from './hands.tsx';
import { Happened } from './happened.tsx';
import { Live } from './live.ts';
import { ModeChoice } from './mode-choice.tsx';
import type { Press } from './press.ts';
import { usePress } from './press.ts';
import { Recordings } from './recordings.tsx';
import { RollCall } from './roll-call.tsx';
import { Roster } from './roster.tsx';
import { type Rules, useRules } from './rules.ts';
import type { Conferee, Conference } from './state.ts';
import { SendDialog, SubConferences } from './sub-conferences.tsx';
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
  const [moving, setMoving] = useState<Conferee>();
  const heading = useRef<HTMLHeadingElement>(null);
  const { watch } = useContext(Live);
  const { id, ended } = conference;
  const usable = live && !ended;
  const rules = useRules(api, id, live);
  const conferees = [...conference.conferees.values()].toSorted((a, b) => a.ordinal - b.ordinal);
  useLostFocus(heading);
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
      <Facts conference={conference} rules={rules} />
      <Tools {...{ api, conference, usable, press, busy, rules, ask: setQuestion }} />
      <p class="error" role="alert">
        {error}
      </p>
      {ended ? null : (
        <>
          <DialBox api={api} conference={conference} usable={usable} />
          <Hands conferees={conferees} usable={usable} press={press} />
          <SubConferences conferees={conferees} usable={usable} press={press} />
        </>
      )}
      <Roster
        {...{ conference, conferees, usable, press, busy, onDelete: askDelete, onMove: setMoving }}
      />
      <Happened conference={conference} />
      {question === undefined ? null : (
        <Confirm question={question} onDone={() => setQuestion(undefined)} />
      )}
      {moving === undefined ? null : (
        <SendDialog
          whom={moving}
          onDone={() => setMoving(undefined)}
          {...{ conferees, usable, press }}
        />
      )}
    </section>
  );
}

function Facts({ conference, rules }: { conference: Conference; rules: Rules }) {
  const { id, mixerId, conferees, locked, mutedAll, temporary } = conference;
  const { ended, endAt, createdAt, recordingSince } = conference;
  return (
    <p class="facts">
      <span>
        <strong>{conferees.size}</strong>
        {rules.maxConferees === null ? '' : ` of at most ${rules.maxConferees}`}{' '}
        {conferees.size === 1 ? 'conferee' : 'conferees'}
      </span>
      {ended ? null : <Elapsed since={createdAt} />}
      {temporary ? <span class="badge">waiting for the host</span> : null}
      {recordingSince === null || ended ? null : (
        <span class="badge recording">
          recording <Elapsed since={recordingSince} />
        </span>
      )}
      {locked ? <span class="badge strong">locked</span> : null}
      {mutedAll ? <span class="badge">all muted but hosts</span> : null}
      {ended ? (
        <span class="badge strong">ended</span>
      ) : (
        <Ending endAt={endAt} limitAt={rules.endsAt} />
      )}
      <span class="small">
        {id} on {mixerId}
      </span>
    </p>
  );
}

/** When it ends by itself: soon, as no host is in it, or at its greatest length. */
function Ending({ endAt, limitAt }: { endAt: string | null; limitAt: string | null }) {
  return (
    <>
      {endAt === null ? null : (
        <span class="badge strong">
          no host, ends in <Left until={endAt} />
        </span>
      )}
      {limitAt === null ? null : (
        <span class="badge">
          ends at{' '}
          <time dateTime={limitAt}>
            {new Date(limitAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}
          </time>{' '}
          at the latest
        </span>
      )}
    </>
  );
}

interface ToolsProps {
  readonly api: Api;
  readonly conference: Conference;
  readonly usable: boolean;
  readonly press: Press;
  readonly busy: ReadonlySet<string>;
  readonly rules: Rules;
  readonly ask: (question: Question) => void;
}

function Tools({ api, conference, usable, press, busy, rules, ask }: ToolsProps) {
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
      <RollCall {...{ api, conference, usable, press }} />
      <Recordings {...{ api, conference, usable, press, busy, mayRecord: rules.mayRecord }} />
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

/** When what has the focus goes or cannot be pressed any more, the focus goes to the heading and not to nowhere. */
function useLostFocus(heading: { current: HTMLElement | null }): void {
  const last = useRef<Element>(null);
  useEffect(() => {
    const now = document.activeElement;
    const isSomewhere = now !== null && now !== document.body;
    if (isSomewhere) last.current = now;
    // A button that was switched off keeps the focus until the browser draws, and then nothing has it.
    if (isSomewhere && !now.matches(':disabled')) return;
    const before = last.current;
    // Who clicked beside everything wants no focus at all.
    const isGone = before !== null && (!before.isConnected || before.matches(':disabled'));
    if (isGone) heading.current?.focus({ preventScroll: true });
  });
  useEffect(() => {
    const follow = ({ target }: FocusEvent): void => {
      if (target instanceof Element) last.current = target;
    };
    document.addEventListener('focusin', follow);
    return () => document.removeEventListener('focusin', follow);
  }, []);
}
