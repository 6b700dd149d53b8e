import { describe, expect, it } from 'vitest';
import { MediaError } from '../../../common/errors.ts';
import { CODEC_CHOICES } from '../../sdp/codec-selection.ts';
import { type Established, established, type Pair } from '../testing/session-bench.ts';

async function over({ bench, out }: Pair & Pick<Established, 'out'>): Promise<void> {
  void out.session.end();
  expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  expect(await bench.metrics.text()).not.toMatch(/illegal_transitions_total\{[^}]*\} [1-9]/);
}

describe('re-INVITE, R47', () => {
  it.each(['out', 'in'] as const)('hold and resume, started by the %sgoing side', async (side) => {
    const call = await established();
    const [mine, theirs] = side === 'out' ? [call.out, call.in] : [call.in, call.out];
    mine.media.local = { ...mine.media.local, direction: 'sendonly' };
    const held = mine.session.reinvite();
    await call.bench.advance(100);
    expect((await held).ok).toBe(true);
    expect(theirs.media.parameters?.direction).toBe('recvonly');
    expect(mine.media.parameters?.direction).toBe('sendonly');
    mine.media.local = { ...mine.media.local, direction: 'sendrecv' };
    const resumed = mine.session.reinvite();
    await call.bench.advance(100);
    expect((await resumed).ok).toBe(true);
    expect(theirs.media.parameters?.direction).toBe('sendrecv');
    expect(theirs.events).toEqual(['media-changed', 'media-changed']);
    expect(mine.events).toEqual([]);
    await over(call);
  });

  it('new address and new codec', async () => {
    const call = await established();
    call.out.media.local = {
      ...call.out.media.local,
      address: '192.0.2.77',
      rtpPort: 41_000,
      codecs: [CODEC_CHOICES.PCMA],
    };
    const changed = call.out.session.reinvite();
    await call.bench.advance(100);
    expect((await changed).ok).toBe(true);
    expect(call.in.media.parameters).toMatchObject({
      remote: { address: '192.0.2.77', port: 41_000 },
      send: { name: 'PCMA' },
    });
    await over(call);
  });

  it('refused with 488: both stay as they were', async () => {
    const call = await established();
    const before = call.out.media.parameters;
    call.out.media.local = { ...call.out.media.local, codecs: [CODEC_CHOICES.L16] };
    const changed = call.out.session.reinvite();
    await call.bench.advance(100);
    const result = await changed;
    expect(result.ok ? '' : result.error.code).toBe('rejected');
    expect(call.out.media.parameters).toEqual(before);
    expect(call.out.session.state).toBe('established');
    expect(call.bench.responses(488)[0]?.headers.get('Warning')).toMatch(/^305 /);
    call.out.media.local = { ...call.out.media.local, codecs: [CODEC_CHOICES.PCMU] };
    const again = call.out.session.reinvite();
    await call.bench.advance(100);
    expect((await again).ok).toBe(true);
    await over(call);
  });

  it('only one at a time', async () => {
    const call = await established();
    const one = call.out.session.reinvite();
    const two = await call.out.session.reinvite();
    expect(two.ok ? '' : two.error.code).toBe('conflict');
    await call.bench.advance(100);
    expect((await one).ok).toBe(true);
    await over(call);
  });

  it('glare: both get 491, wait different times, and both succeed (section 14.1)', async () => {
    const call = await established();
    const results = [call.out.session.reinvite(), call.in.session.reinvite()];
    await call.bench.advance(5_000);
    expect((await Promise.all(results)).map((result) => result.ok)).toEqual([true, true]);
    expect(call.bench.responses(491)).toHaveLength(2);
    expect(call.out.media.calls).toContain('roll-back');
    await over(call);
  });

  it('glare that never ends is given up', async () => {
    const call = await established();
    const peer = call.in;
    // The other side always has an offer open: its media never gets an answer.
    let tries = 0;
    const result = call.out.session.reinvite();
    for (; tries < 8; tries++) {
      void peer.session.reinvite();
      await call.bench.advance(5_000);
    }
    expect((await result).ok).toBeTypeOf('boolean');
    await over(call);
  });

  it('BYE crosses a re-INVITE: the session ends, the change fails', async () => {
    const call = await established();
    const changed = call.out.session.reinvite();
    void call.in.session.end();
    await call.bench.advance(100);
    expect((await changed).ok).toBe(false);
    expect(call.out.end).toMatchObject({ by: 'remote', established: true });
    expect(call.in.end).toMatchObject({ by: 'local' });
    await over(call);
  });

  it('BYE from both sides at once', async () => {
    const call = await established();
    void call.in.session.end();
    void call.out.session.end();
    await call.bench.advance(100);
    expect(call.bench.ladder.toSorted()).toEqual([
      '1→2 200 BYE',
      '1→2 BYE',
      '2→1 200 BYE',
      '2→1 BYE',
    ]);
    expect([call.in.end?.by, call.out.end?.by]).toEqual(['local', 'local']);
    await over(call);
  });

  it('an answer to a re-INVITE that cannot be taken ends the session', async () => {
    const call = await established();
    call.out.media.failNext('accept-answer', new MediaError('bad-description', 'nonsense'));
    const changed = call.out.session.reinvite();
    await call.bench.advance(100);
    expect((await changed).ok).toBe(false);
    expect(call.bench.ladder).toEqual([
      '1→2 INVITE +sdp',
      '2→1 200 INVITE +sdp',
      '1→2 ACK',
      '1→2 BYE',
      '2→1 200 BYE',
    ]);
    expect(call.out.end).toMatchObject({ by: 'media', established: true });
    await over(call);
  });

  it('no response to a re-INVITE: BYE (section 12.2.1.2)', async () => {
    const call = await established();
    call.bench.network.conditions.lossRatio = 1;
    const changed = call.out.session.reinvite();
    await call.bench.advance(33_000);
    expect((await changed).ok).toBe(false);
    call.bench.network.conditions.lossRatio = 0;
    await call.bench.advance(5_000);
    expect(call.out.end).toMatchObject({ by: 'timeout', established: true });
    expect(call.in.end).toMatchObject({ by: 'remote' });
    await over(call);
  });

  it('before there is a dialog it is refused at once', async () => {
    const call = await established();
    const next = call.bench.call(call.caller, 2);
    const result = await next.session.reinvite();
    expect(result.ok ? '' : result.error.code).toBe('conflict');
    await call.bench.advance(100);
    void next.session.end();
    await over(call);
  });

  it('INFO of ours and digits by INFO', async () => {
    const call = await established();
    const relay = call.out.session.info('application/dtmf-relay', 'Signal=5\r\nDuration=250\r\n');
    await call.bench.advance(50);
    const plain = call.out.session.info('application/dtmf', '#');
    await call.bench.advance(50);
    const other = call.out.session.info('application/json', '{}');
    await call.bench.advance(50);
    expect((await relay).ok && (await plain).ok).toBe(true);
    const refused = await other;
    expect(refused.ok ? '' : refused.error.message).toBe('415 Unsupported Media Type');
    expect(call.in.events).toEqual(['digit 5 250', 'digit # 160']);
    await over(call);
  });
});
