/** The page folds the same log as the server: state in the page = roster of the API, at every number. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountId, CallId, ConferenceId, NodeId } from '../../common/ids.ts';
import { liveView } from '../../signaling/api/event-feed.ts';
import { joined } from '../../signaling/api/test-api.ts';
import { DIAL_ENDS, DIAL_PROGRESS } from '../../signaling/conference/dial-messages.ts';
import {
  type ConferenceEvent,
  conferenceEvent,
  type EventDocument,
  numbered,
} from '../../signaling/conference/events.ts';
import { Roster } from '../../signaling/conference/roster.ts';
import { cursors, EMPTY, type PageState, reduce, type StreamMessage } from '../../web/state.ts';

const ID = 'c1' as ConferenceId;
const CREATED: ConferenceEvent = {
  kind: 'created',
  accountId: 'a' as AccountId,
  code: '1',
  mixerId: 'mixer-1' as NodeId,
  mixerAddress: '127.0.0.1:5070',
  mixerClass: 'standard',
  temporary: false,
};

type Step = (roster: Roster) => ConferenceEvent | undefined;

const one = fc.nat({ max: 12 });
/** The conferee number `index` of those who are in it. */
const pick = (roster: Roster, index: number) =>
  [...roster.conferees.values()][index % Math.max(1, roster.size)];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.boolean().map(
      (host): Step =>
        (roster) =>
          joined(roster.nextOrdinal, host ? 'host' : 'participant'),
    ),
  },
  fc.tuple(one, fc.constantFrom('left', 'deleted', 'moved')).map(
    ([index, kind]): Step =>
      (roster) => {
        const conferee = pick(roster, index);
        if (conferee === undefined) return undefined;
        const { ordinal, confereeId } = conferee;
        if (kind === 'left') return { kind: 'left', ordinal, confereeId, why: 'hangup' };
        if (kind === 'deleted') return { kind: 'deleted', ordinal, confereeId };
        return { kind: 'moved', ordinal, confereeId, to: 'c2' as ConferenceId };
      },
  ),
  fc.tuple(one, fc.boolean(), fc.constantFrom('self' as const, 'host' as const)).map(
    ([index, muted, bit]): Step =>
      (roster) => {
        const conferee = pick(roster, index);
        return conferee && { kind: 'muted', ordinal: conferee.ordinal, bit, muted };
      },
  ),
  fc.boolean().map(
    (muted): Step =>
      () => ({ kind: 'muted-all', muted }),
  ),
  fc.boolean().map(
    (locked): Step =>
      () => ({ kind: 'locked', locked }),
  ),
  fc.constantFrom('open' as const, 'questions' as const, 'lecture' as const).map(
    (mode): Step =>
      () => ({ kind: 'mode', mode }),
  ),
  fc.tuple(one, fc.boolean()).map(
    ([index, raised]): Step =>
      (roster) => {
        const conferee = pick(roster, index);
        return conferee && { kind: 'hand', ordinal: conferee.ordinal, raised };
      },
  ),
  fc.tuple(one, fc.boolean()).map(
    ([index, host]): Step =>
      (roster) => {
        const conferee = pick(roster, index);
        const role = host ? ('host' as const) : ('participant' as const);
        return conferee && { kind: 'role', ordinal: conferee.ordinal, role };
      },
  ),
  fc.constant<Step>(() => ({ kind: 'grace-started', endAtMs: 1_767_225_600_000 })),
  fc.constant<Step>(() => ({
    kind: 'mixer-replaced',
    lost: 'mixer-1' as NodeId,
    mixerId: 'mixer-2' as NodeId,
    mixerAddress: '127.0.0.1:5071',
  })),
  fc.constant<Step>(() => ({ kind: 'superseded', by: null })),
  fc.tuple(one, fc.boolean()).map(
    ([index, held]): Step =>
      (roster) => {
        const conferee = pick(roster, index);
        return conferee && { kind: 'held', ordinal: conferee.ordinal, held };
      },
  ),
  fc.tuple(one, fc.nat(9)).map(
    ([index, sub]): Step =>
      (roster) => {
        const conferee = pick(roster, index);
        return conferee && { kind: 'sub-conference', ordinal: conferee.ordinal, sub };
      },
  ),
  fc.boolean().map(
    (on): Step =>
      () => ({ kind: 'recording', on, mixerId: 'mixer-1' as NodeId, file: 'c1.wav' }),
  ),
  fc.constant<Step>(() => ({ kind: 'warned', endAtMs: 1_767_225_600_000, leftMs: 60_000 })),
  one.map(
    (index): Step =>
      (roster) => {
        const conferee = pick(roster, index);
        return conferee && { kind: 'operator-called', ordinal: conferee.ordinal };
      },
  ),
  fc.tuple(fc.nat(3), fc.constantFrom(...DIAL_PROGRESS, ...DIAL_ENDS), fc.boolean()).map(
    ([index, state, first]): Step =>
      () => ({
        ...{ kind: 'dial', dialId: `d${index}` as CallId, state },
        ...(first ? { number: `+4930${index}`, name: `Called ${index}`, consult: true } : {}),
        ...(state === 'joined' ? { ordinal: 7 } : {}),
      }),
  ),
);

interface Told {
  readonly roster: Roster;
  readonly messages: StreamMessage[];
}

/** A log of these steps, as the store and the stream carry it. */
function log(steps: readonly Step[]): Told {
  const roster = new Roster(ID);
  const messages: StreamMessage[] = [];
  for (const make of [(): ConferenceEvent => CREATED, ...steps]) {
    const event = make(roster);
    if (event === undefined) continue;
    const number = roster.number + 1;
    const events = [conferenceEvent.parse(event)];
    const document: EventDocument = {
      version: 1,
      number,
      atMs: 1_767_225_600_000 + number,
      events,
    };
    roster.apply(document);
    for (const told of numbered(ID, document)) {
      messages.push(JSON.parse(JSON.stringify({ type: 'event', ...told })) as StreamMessage);
    }
  }
  return { roster, messages };
}

const fold = (messages: readonly StreamMessage[], from: PageState = EMPTY): PageState =>
  messages.reduce(reduce, from);

/** What the page shows, in the shape of the API. */
function shown(state: PageState) {
  const conference = state.conferences.get(ID);
  if (conference === undefined) return undefined;
  const { talking, activity, conferees, ...rest } = conference;
  return { ...rest, conferees: [...conferees.values()] };
}

function api(roster: Roster) {
  const view = liveView(roster);
  if (view === undefined) return undefined;
  const { size, ...rest } = view;
  // `muted` is what the bits say.
  const conferees = view.conferees.map(({ muted, ...conferee }) => {
    expect(muted).toBe(conferee.mutedBy.length > 0);
    return conferee;
  });
  expect(size).toBe(conferees.length);
  return { ...rest, conferees };
}

describe('the state of the page (R27)', () => {
  it('is the fold of the log, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { roster, messages } = log(steps);
        expect(shown(fold(messages))).toEqual(api(roster));
      }),
    );
  });

  it('is the same from a snapshot at any number and the events after it, repeated ones too', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(), (steps, at) => {
        const { roster, messages } = log(steps);
        const cut = 1 + (at % messages.length);
        const before = new Roster(ID);
        for (const message of messages.slice(0, cut)) {
          if (message.type !== 'event') continue;
          const event = conferenceEvent.parse(message.event);
          const { number, atMs } = message;
          before.apply({ version: 1, number, atMs, events: [event] });
        }
        const conference = liveView(before);
        if (conference === undefined) throw new Error('not created');
        // Everything that the snapshot has comes once more.
        const state = fold([{ type: 'snapshot', conference }, ...messages]);
        expect(shown(state)).toEqual(api(roster));
        expect(state.gap).toBe(false);
      }),
    );
  });

  it('says that an event is missing instead of showing a wrong roster', () => {
    const { messages } = log([
      (roster) => joined(roster.nextOrdinal, 'host'),
      () => ({ kind: 'locked', locked: true }),
    ]);
    const [first, , third] = messages;
    if (first === undefined || third === undefined) throw new Error('too few');
    expect(fold([first, third]).gap).toBe(true);
    expect(fold([third]).gap).toBe(true);
  });

  it('passes over events of a newer server', () => {
    const { messages } = log([]);
    const unknown = {
      type: 'event',
      conferenceId: ID,
      number: 2,
      atMs: 1,
      event: { kind: 'sang-a-song' },
    };
    const state = fold([...messages, unknown as unknown as StreamMessage]);
    expect(state.conferences.get(ID)?.number).toBe(2);
  });

  it('resumes at the last number, not with ended conferences', () => {
    const { messages } = log([() => ({ kind: 'locked', locked: true })]);
    expect(cursors(fold(messages))).toEqual({ c1: 2 });
    const ended = {
      type: 'event',
      conferenceId: ID,
      number: 3,
      atMs: 1,
      event: { kind: 'ended', why: 'empty' },
    } as const;
    expect(cursors(fold([...messages, ended]))).toEqual({});
  });
});
