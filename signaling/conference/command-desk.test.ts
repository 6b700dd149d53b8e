import { describe, expect, it } from 'vitest';
import type { AccountId, CallId, ConfereeId, ConferenceId, NodeId } from '../../common/ids.ts';
import { ok } from '../../common/result.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { CommandDesk, isOvertaken, type Way } from './command-desk.ts';
import { commandReply, type PlaceInConference, type VruCommand } from './messages.ts';

type Placing = Extract<VruCommand, { kind: 'place' | 'wait' | 'release' }>;
type Order = readonly [number, number, number];

const callId = 'call-1' as CallId;
const ACME = 'acme' as AccountId;
const OTHER = 'other' as AccountId;
let requests = 0;
const head = () => {
  requests += 1;
  return { requestId: `request-${requests}`, callId };
};
const nameOf = ([serial, ordinal]: Order) => `p${serial}-${ordinal}` as ConfereeId;

function placeOf(order: Order, accountId = ACME): PlaceInConference {
  return {
    conferenceId: `c${order[0]}` as ConferenceId,
    mixerId: 'm1' as NodeId,
    mixerAddress: '127.0.0.1:5070',
    confereeId: nameOf(order),
    ordinal: order[1],
    role: 'participant',
    accountId,
    temporary: false,
    order: [...order],
    size: 1,
  };
}
const place = (order: Order, accountId = ACME): Placing => ({
  ...head(),
  ...{ kind: 'place', place: placeOf(order, accountId) },
});
const wait = (order: Order, accountId = ACME): Placing => ({
  ...head(),
  ...{ kind: 'wait', accountId, waitingId: 'w1', leaves: nameOf(order), order: [...order] },
});
const release = (order: Order, accountId = ACME): Placing => ({
  ...head(),
  ...{ kind: 'release', why: 'ended', accountId, leaves: nameOf(order), order: [...order] },
});

const FIRST: Order = [3, 7, 1];
const SAME_ON_OTHER_MIXER: Order = [3, 7, 9];
const NEXT: Order = [5, 2, 1];

describe('a command for a call', () => {
  const at = (order: Order): Way => {
    const now = placeOf(order);
    return { accountId: ACME, now, last: now };
  };
  const waitsAfter = (order: Order): Way => ({ ...at(order), now: undefined });
  const waits: Way = { accountId: ACME, now: undefined, last: undefined };
  const cases: [string, Way, Placing, boolean][] = [
    ['that waits: into the conference', waits, place(FIRST), false],
    ['in the conference: there', at(FIRST), place(FIRST), true],
    ['in the conference: to its next mixer', at(FIRST), place(SAME_ON_OTHER_MIXER), false],
    ['at the next mixer: to the one before', at(SAME_ON_OTHER_MIXER), place(FIRST), true],
    ['in the next conference: into the one before', at(NEXT), place(FIRST), true],
    ['in the conference: back to waiting', at(FIRST), wait(FIRST), false],
    ['in the conference: it is over', at(FIRST), release(FIRST), false],
    ['in the next conference: back to waiting from the one before', at(NEXT), wait(FIRST), true],
    ['in the next conference: the one before is over', at(NEXT), release(FIRST), true],
    // The way out overtakes the way in.
    ['that waits: back from a conference that it has not come to', waits, wait(FIRST), false],
    ['that waits: a conference that it has not come to is over', waits, release(FIRST), false],
    ['in the conference: the next one, not come to, is over', at(FIRST), release(NEXT), false],
    ['that waits again: back to waiting once more', waitsAfter(FIRST), wait(FIRST), true],
    ['that waits again: into what it has come back from', waitsAfter(FIRST), place(FIRST), true],
    ['that waits again: into the next conference', waitsAfter(FIRST), place(NEXT), false],
    ['that has gone to another account: place', at(FIRST), place(NEXT, OTHER), true],
    ['that has gone to another account: release', at(FIRST), release(NEXT, OTHER), true],
    ['that waits for another account: place', waits, place(FIRST, OTHER), true],
  ];
  for (const [what, way, command, overtaken] of cases) {
    it(`${what}: ${overtaken ? 'too late' : 'carried out'}`, () => {
      expect(isOvertaken(command, way)).toBe(overtaken);
    });
  }

  it('without an order, from a server of before: as it always was', () => {
    const { order: _, ...old } = release(FIRST) as Extract<Placing, { kind: 'release' }>;
    expect(isOvertaken(old, at(FIRST))).toBe(false);
    expect(isOvertaken(old, at(NEXT))).toBe(true);
    expect(isOvertaken(old, waits)).toBe(true);
  });
});

describe('the command desk', () => {
  function desk() {
    const done: string[] = [];
    const clock = new SimClock();
    const it = new CommandDesk(clock, (command) => {
      done.push(command.kind);
      return Promise.resolve(ok(undefined));
    });
    const handle = async (command: VruCommand): Promise<string> => {
      const answer = await it.handle(command);
      if (!answer.ok) return answer.error.code;
      return commandReply.parse(answer.value).overtaken === true ? 'overtaken' : 'ok';
    };
    return { it, clock, done, handle };
  }

  it('does not bring a call to a place that it was sent away from on the way', async () => {
    const { it, clock, done, handle } = desk();
    it.entering(callId);
    it.entered(callId, { kind: 'wait', accountId: ACME, waitingId: 'w1' });
    const answers = Promise.all([wait(FIRST), place(FIRST), place(NEXT)].map(handle));
    await clock.advance(1);
    expect(await answers).toEqual(['ok', 'overtaken', 'ok']);
    expect(done).toEqual(['wait', 'place']);
  });

  it('a call that has begun to wait is not concerned by the end of a conference before', async () => {
    const { it, done, handle } = desk();
    it.entered(callId, { kind: 'wait', accountId: ACME, waitingId: 'w1', order: [4, 0, 0] });
    expect(await handle(release(FIRST))).toBe('overtaken');
    expect(await handle(place(FIRST))).toBe('overtaken');
    expect(done).toEqual([]);
    expect(await handle(release(NEXT))).toBe('ok');
    expect(done).toEqual(['release']);
  });

  it('carries out a command once, whatever comes between its copies', async () => {
    const { it, done, handle } = desk();
    it.entered(callId, { kind: 'enter', place: placeOf(FIRST) });
    const back = wait(FIRST);
    expect(await handle(back)).toBe('ok');
    const on = place(NEXT);
    expect(await handle(on)).toBe('ok');
    expect(await handle(back)).toBe('overtaken');
    expect(await handle(on)).toBe('ok');
    expect(done).toEqual(['wait', 'place']);
  });
});
