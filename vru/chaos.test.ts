/** Calls to which anything may happen at any time: whatever it was, nothing stays behind and nobody is told twice. */
import { describe, expect, it } from 'vitest';
import { MediaError } from '../common/errors.ts';
import type { AccountId, ConfereeId, ConferenceId, NodeId } from '../common/ids.ts';
import { type Random, seededRandom } from '../common/ids.ts';
import { fail, ok } from '../common/result.ts';
import type { EnterReply } from '../signaling/conference/client.ts';
import { REFUSALS } from '../signaling/conference/messages.ts';
import type { FakeSession } from '../signaling/sip/fake-user-agent.ts';
import { fakePlace } from './testing/fake-conference.ts';
import { createVruBench, placeCommand, type TestCall, type VruBench } from './testing/vru-bench.ts';

const RUNS = 150;
const STEPS = 40;
const ACCOUNT = 'acme' as AccountId;

const pick = <T>(random: Random, of: readonly [T, ...T[]]): T =>
  of[random.below(of.length)] ?? of[0];

function somePlace(random: Random) {
  const number = random.below(3);
  return fakePlace({
    conferenceId: `c${number}` as ConferenceId,
    confereeId: `p${number}` as ConfereeId,
    mixerId: `mixer-${random.below(2)}` as NodeId,
    temporary: random.below(3) === 0,
    role: random.below(2) === 0 ? 'host' : 'participant',
  });
}

function someReply(random: Random): EnterReply {
  if (random.below(4) === 0) return { kind: 'refused', reason: pick(random, [...REFUSALS]) };
  if (random.below(3) === 0) return { kind: 'wait', accountId: ACCOUNT, waitingId: 'w1' };
  return { kind: 'enter', place: somePlace(random) };
}

/** Peers and services that answer late, wrongly, or not at all. */
function disturb(bench: VruBench, random: Random): { readonly granted: () => boolean } {
  const { clock, conference, agent } = bench;
  let granted = false;
  const late = (): Promise<void> => clock.sleep(random.below(800));
  conference.onReEnter = async () => {
    await late();
    return someReply(random);
  };
  conference.onEnter = async () => {
    const reply = await conference.onReEnter();
    granted ||= reply.kind !== 'refused';
    return reply;
  };
  conference.onControl = async () => {
    await late();
    return random.below(2) === 0 ? ok(undefined) : fail(new MediaError('timeout', 'late'));
  };
  conference.onLeave = late;
  const connect = agent.onOutgoing;
  agent.onOutgoing = (session) => {
    const fate = random.below(10);
    if (fate === 0) return;
    if (fate === 1) session.finish({ by: 'remote', status: 503, established: false });
    else clock.after(random.below(200), () => connect(session));
  };
  return { granted: () => granted };
}

/** One thing happens. */
async function happen(bench: VruBench, call: TestCall, random: Random): Promise<void> {
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2:
      await call.press(
        pick(random, ['110001#', '910001', '*6', '**', '##1', '*7', '*4', '5', '#', '4711#']),
      );
      break;
    case 3:
      await call.command(placeCommand(somePlace(random)));
      break;
    case 4:
      await call.command({ kind: 'wait', accountId: ACCOUNT, waitingId: `w${random.below(3)}` });
      break;
    case 5:
      await call.command({ kind: 'announce', prompt: 'has-joined', numbers: [3] });
      break;
    case 6:
      if (random.below(4) === 0) await call.command({ kind: 'release', why: 'ended' });
      break;
    default:
      loseLink(bench.outgoing().at(-1), bench, random);
  }
}

function loseLink(link: FakeSession | undefined, bench: VruBench, random: Random): void {
  if (link === undefined) return;
  if (random.below(2) === 0)
    link.finish({ by: 'remote', established: link.state === 'established' });
  else if (bench.engine.legs.size > 1) bench.mixerLeg().events.onSilent?.();
}

describe('R20: chaos', () => {
  it.each(Array.from({ length: RUNS }, (_, seed) => seed))('seed %i', async (seed) => {
    const random = seededRandom(seed);
    const bench = await createVruBench();
    const { granted } = disturb(bench, random);
    const call = await bench.call();
    for (let step = 0; step < STEPS && call.session.state !== 'ended'; step++) {
      await happen(bench, call, random);
      await bench.clock.advance(random.below(600));
    }
    if (call.session.state !== 'ended') call.session.hangUp();
    await bench.clock.advance(20_000);
    for (const session of bench.agent.sessions) expect(session.state).toBe('ended');
    expect(bench.idle()).toBe(true);
    const left = bench.conference.kinds.filter((kind) => kind.startsWith('leave'));
    expect(left).toHaveLength(granted() ? 1 : 0);
    expect(await bench.metric('minusone_vru_flow_errors_total')).toBe(0);
    expect(await bench.metric('minusone_vru_illegal_transitions_total')).toBe(0);
    expect(await bench.metric('minusone_vru_waiting')).toBe(0);
    expect(await bench.metric('minusone_vru_calls')).toBe(0);
  });
});
