/** R26 by page and API: a call that the conference service orders, in virtual time. */
import { describe, expect, it } from 'vitest';
import type { CallId } from '../common/ids.ts';
import type { DialOrder } from '../signaling/conference/dial-messages.ts';
import type { VruCommand } from '../signaling/conference/messages.ts';
import type { SessionEnd } from '../signaling/sip/user-agent.ts';
import { endOf } from './outdial.ts';
import { fakeOrder } from './testing/fake-conference.ts';
import { createVruBench } from './testing/vru-bench.ts';

async function ordered(
  change: Partial<DialOrder> = {},
  settings: Readonly<Record<string, unknown>> = {},
) {
  const bench = await createVruBench(settings, { trunk: {} });
  const { conference, clock } = bench;
  const order = fakeOrder(change);
  const callId = order.dialId;
  const send = async (command: Record<string, unknown>) => {
    const requestId = `request-${clock.nowMs()}-${String(command['kind'])}`;
    const result = await conference.command({ requestId, callId, ...command } as VruCommand);
    await clock.advance(0);
    return result;
  };
  const answer = await send({ kind: 'dial', order });
  const [session] = bench.outgoing();
  if (session === undefined) throw new Error(`nobody was called: ${JSON.stringify(answer)}`);
  const leg = bench.mixerLeg();
  const heard = () => leg.playbacks.flatMap(({ names }) => names).join(' ');
  const press = async (key: '1' | '5') => {
    leg.events.onDigit?.(key, 100, 'rtp');
    await clock.advance(0);
  };
  return { ...bench, order, session, leg, heard, press, send };
}

describe('R26: a call that was ordered', () => {
  it('invites, lets in whoever presses 1, and is a conferee like any other', async () => {
    const { session, clock, heard, press, conference, leg, send } = await ordered();
    session.events.onProgress?.(180, false);
    await clock.advance(4_000);
    session.establish();
    await clock.advance(100);
    expect(heard()).toBe('invited-to-conference');
    expect(conference.kinds).toEqual([]);
    await press('1');
    await clock.advance(500);
    expect(conference.kinds).toEqual(['enter-dialled']);
    expect(conference.dialNews).toEqual(['ringing', 'answered', 'minute 1']);
    expect(leg.routed.kind).toBe('relay');
    await clock.advance(10_000);
    expect(heard()).toContain('you-are-conferee-number number-9');
    // Deleted by the host: hears why.
    await send({ kind: 'release', why: 'deleted' });
    await clock.advance(5_000);
    expect(heard()).toContain('you-have-been-removed');
    expect(session.state).toBe('ended');
    expect(conference.dialNews.at(-1)).toBe('hung-up');
  });

  it('a machine that answers never gets in', async () => {
    const { session, clock, heard, conference, ...bench } = await ordered(
      {},
      {
        invitation: { tries: 2, keyMs: 5_000 },
      },
    );
    session.establish();
    await clock.advance(20_000);
    expect(heard()).toBe('invited-to-conference invited-to-conference goodbye');
    expect(conference.kinds).not.toContain('enter-dialled');
    expect(conference.dialNews.at(-1)).toBe('not-confirmed');
    expect(bench.idle()).toBe(true);
  });

  it('any other key declines', async () => {
    const { session, clock, press, conference } = await ordered();
    session.establish();
    await clock.advance(100);
    await press('5');
    await clock.advance(5_000);
    expect(conference.dialNews.at(-1)).toBe('not-confirmed');
    expect(session.state).toBe('ended');
  });

  it('without confirmation whoever answers is in; a greeting of one’s own', async () => {
    const direct = await ordered({ confirm: false });
    direct.session.establish();
    await direct.clock.advance(500);
    expect(direct.conference.kinds).toEqual(['enter-dialled']);
    const own = await ordered({}, { invitation: { files: ['custom'] } });
    own.session.establish();
    await own.clock.advance(100);
    expect(own.heard()).toBe('custom');
  });

  it('asks the trunk for the number, as the account or the trunk', async () => {
    const { session } = await ordered({ callerNumber: '+4989777' });
    expect(session.options?.from?.uri.user).toBe('+4989777');
    const other = await ordered();
    expect(other.session.options?.from?.uri.user).toBe('+493000');
    expect(other.session.options?.outboundProxy).toEqual(['udp:192.0.2.50:5060']);
    expect(other.session.options?.ringTimeoutMs).toBe(45_000);
  });

  it('is not made twice, nor while draining, nor over a trunk that is not there', async () => {
    const { send, order, role, ...bench } = await ordered();
    await send({ kind: 'dial', order });
    expect(bench.outgoing()).toHaveLength(1);
    const foreign = { ...order, dialId: 'd2' as CallId, trunk: 'other' };
    const refused = await send({ kind: 'dial', order: foreign, callId: 'd2' });
    expect(refused.ok ? '' : refused.error.code).toBe('not-allowed');
    role.drain?.();
    const third = { ...order, dialId: 'd3' as CallId };
    const draining = await send({ kind: 'dial', order: third, callId: 'd3' });
    expect(draining.ok ? '' : draining.error.code).toBe('draining');
    expect(bench.outgoing()).toHaveLength(1);
  });

  it('is taken back: CANCEL while it rings, BYE after the answer', async () => {
    for (const answered of [false, true]) {
      const { session, clock, send, conference, ...bench } = await ordered();
      if (answered) session.establish();
      await clock.advance(100);
      await send({ kind: 'hang-up', why: 'cancelled' });
      await clock.advance(6_000);
      expect(session.state).toBe('ended');
      expect(conference.dialNews.at(-1)).toBe('cancelled');
      expect(bench.idle()).toBe(true);
    }
  });

  it('nobody wants it any more when it rings: hung up', async () => {
    const { session, clock, conference } = await ordered();
    conference.onDialNews = (news) => Promise.resolve(news !== 'ringing');
    session.events.onProgress?.(180, false);
    await clock.advance(100);
    expect(session.state).toBe('ended');
    expect(conference.dialNews.at(-1)).toBe('cancelled');
  });

  it('ends after the longest time, wherever it is', async () => {
    const { session, clock, heard, press, conference } = await ordered({ maxDurationMs: 30_000 });
    session.establish();
    await clock.advance(100);
    await press('1');
    await clock.advance(30_500);
    expect(heard()).toContain('time-limit-reached');
    await clock.advance(9_000);
    expect(session.state).toBe('ended');
    expect(conference.dialNews.at(-1)).toBe('time-limit');
  });

  it('the conference is over when the person presses 1: heard', async () => {
    const { session, clock, heard, press, conference } = await ordered();
    conference.onEnterDialled = () => Promise.resolve({ kind: 'refused', reason: 'ended' });
    session.establish();
    await clock.advance(100);
    await press('1');
    await clock.advance(5_000);
    expect(heard()).toContain('conference-ended goodbye');
    expect(conference.dialNews.at(-1)).toBe('cancelled');
  });

  it.each<[Partial<SessionEnd> | undefined, string]>([
    [undefined, 'failed'],
    [{ established: true }, 'hung-up'],
    [{ status: 486 }, 'busy'],
    [{ status: 600 }, 'busy'],
    [{ status: 500, q850: 17 }, 'busy'],
    [{ status: 408 }, 'no-answer'],
    [{ by: 'timeout', q850: 19 }, 'no-answer'],
    [{ status: 603 }, 'failed'],
    [{ status: 503 }, 'failed'],
  ])('%o means %s', (end, why) => {
    const full: SessionEnd = { by: 'remote', established: false, ...end };
    expect(endOf(end === undefined ? undefined : full)).toBe(why);
  });
});
