import { describe, expect, it } from 'vitest';
import { MediaError } from '../../../common/errors.ts';
import { FakeMedia } from '../fake-media.ts';
import { accepting, first, type Pair, pair } from '../testing/session-bench.ts';

async function over({ bench }: Pair): Promise<void> {
  expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
}

describe('a call, R47', () => {
  it('early offer, hung up by the caller', async () => {
    const call = await pair();
    const out = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    expect(out.events).toEqual(['progress 180', 'established']);
    expect(first(call).events).toEqual(['established']);
    expect(out.media.parameters).toMatchObject({
      remote: { address: '192.0.2.2', port: 50_000 },
      send: { name: 'PCMU' },
    });
    await Promise.all([out.session.end({ q850: 16, text: 'done' }), call.bench.advance(100)]);
    expect(first(call).end).toEqual({
      by: 'remote',
      established: true,
      q850: 16,
      reason: 'done',
    });
    expect(out.end).toEqual({ by: 'local', established: true, q850: 16, reason: 'done' });
    expect(call.bench.ladder).toEqual([
      '1→2 INVITE +sdp',
      '2→1 180 INVITE',
      '2→1 200 INVITE +sdp',
      '1→2 ACK',
      '1→2 BYE',
      '2→1 200 BYE',
    ]);
    await over(call);
  });

  it('hung up by the called side', async () => {
    const call = await pair();
    const out = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    await Promise.all([first(call).session.end(), call.bench.advance(100)]);
    expect(out.end).toEqual({ by: 'remote', established: true });
    await over(call);
  });

  it('late offer: the 200 offers, the ACK answers', async () => {
    const call = await pair();
    const out = call.bench.call(call.caller, 2, { lateOffer: true });
    await call.bench.advance(100);
    expect(call.bench.ladder.slice(0, 4)).toEqual([
      '1→2 INVITE',
      '2→1 180 INVITE',
      '2→1 200 INVITE +sdp',
      '1→2 ACK +sdp',
    ]);
    expect(out.media.parameters?.remote?.port).toBe(50_000);
    expect(first(call).media.parameters?.remote?.port).toBe(40_000);
    expect(first(call).events).toEqual(['established']);
    await Promise.all([out.session.end(), over(call)]);
  });

  it('183 with an answer is early media; the 200 repeats it', async () => {
    const call = await pair((session, media) => {
      session.progress(media);
    });
    const out = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    expect(out.events).toEqual(['progress 183 early-media']);
    expect(out.media.parameters?.remote?.port).toBe(50_000);
    void first(call).session.accept(first(call).media);
    await call.bench.advance(100);
    expect(out.events).toEqual(['progress 183 early-media', 'established']);
    const [early] = call.bench.responses(183);
    const [final] = call.bench.responses(200);
    expect(Buffer.from(final?.body ?? [])).toEqual(Buffer.from(early?.body ?? []));
    await Promise.all([out.session.end(), over(call)]);
  });

  it('rejected with Retry-After and Reason', async () => {
    const call = await pair((session) =>
      session.reject(486, { retryAfterS: 7, q850: 17, text: 'busy line' }),
    );
    const out = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    expect(out.end).toEqual({
      by: 'remote',
      status: 486,
      reason: 'busy line',
      q850: 17,
      retryAfterS: 7,
      established: false,
    });
    expect(call.bench.responses(486)[0]?.headers.get('Retry-After')).toBe('7');
    await over(call);
  });

  it('no common codec: 488 with Warning', async () => {
    const call = await pair();
    const media = new FakeMedia({
      codecs: [{ name: 'L16', encoding: 'L16', clockRateHz: 16_000, channels: 1 }],
    });
    const out = call.bench.call(call.caller, 2, { media });
    await call.bench.advance(100);
    expect(out.end?.status).toBe(488);
    expect(call.bench.responses(488)[0]?.headers.get('Warning')).toMatch(/^305 /);
    expect(first(call).end).toMatchObject({ by: 'media', status: 488 });
    await over(call);
  });

  it('the media of the caller fails before anything is sent', async () => {
    const call = await pair();
    const media = new FakeMedia();
    media.failNext('offer', new MediaError('ports-exhausted', 'no port'));
    const out = call.bench.call(call.caller, 2, { media });
    await call.bench.advance(100);
    expect(out.end).toMatchObject({ by: 'media', established: false });
    expect(call.bench.ladder).toEqual([]);
    await over(call);
  });

  it('an answer that cannot be taken ends the call', async () => {
    const call = await pair();
    const media = new FakeMedia();
    media.failNext('accept-answer', new MediaError('bad-description', 'nonsense'));
    const out = call.bench.call(call.caller, 2, { media });
    await call.bench.advance(100);
    expect(call.bench.ladder.slice(2)).toEqual([
      '2→1 200 INVITE +sdp',
      '1→2 ACK',
      '1→2 BYE',
      '2→1 200 BYE',
    ]);
    expect(out.end).toMatchObject({ by: 'media', established: false });
    await over(call);
  });

  it('cancelled while it rings', async () => {
    const call = await pair((session) => session.ring());
    const out = call.bench.call(call.caller, 2);
    await call.bench.advance(1_000);
    await Promise.all([out.session.end({ q850: 16, text: 'gave up' }), call.bench.advance(100)]);
    expect(call.bench.ladder).toEqual([
      '1→2 INVITE +sdp',
      '2→1 180 INVITE',
      '1→2 CANCEL',
      '2→1 200 CANCEL',
      '2→1 487 INVITE',
      '1→2 ACK',
    ]);
    expect(out.end).toMatchObject({ by: 'local', established: false });
    expect(first(call).end).toMatchObject({ by: 'remote', status: 487, reason: 'gave up' });
    await over(call);
  });

  it('not answered in time: cancelled', async () => {
    const call = await pair((session) => session.ring());
    const out = call.bench.call(call.caller, 2, { ringTimeoutMs: 5_000 });
    await call.bench.advance(6_000);
    expect(out.end).toMatchObject({ by: 'timeout', q850: 19 });
    await over(call);
  });

  it('nobody there: time-out', async () => {
    const call = await pair();
    const out = call.bench.call(call.caller, 9);
    await call.bench.advance(33_000);
    expect(out.end).toMatchObject({ by: 'timeout', status: 408 });
    await over(call);
  });

  it('rings for long: said again every minute, given up after ten', async () => {
    const call = await pair((session) => session.ring());
    const out = call.bench.call(call.caller, 2, { ringTimeoutMs: 3_600_000 });
    await call.bench.advance(599_000);
    expect(call.bench.responses(180)).toHaveLength(10);
    expect(out.session.state).toBe('early');
    await call.bench.advance(2_000);
    expect(out.end?.status).toBe(480);
    expect(first(call).end).toMatchObject({ by: 'timeout', q850: 19 });
    await over(call);
  });

  it('hung up before the INVITE left', async () => {
    const call = await pair();
    const out = call.bench.call(call.caller, 2);
    await Promise.all([out.session.end(), call.bench.advance(10)]);
    expect(call.bench.ladder).toEqual([]);
    expect(out.end).toEqual({ by: 'local', established: false });
    await over(call);
  });

  it('a stop says BYE to what runs, CANCEL to what is called, 480 to what rings', async () => {
    const call = await pair((session, media) => {
      if (call.incoming.length === 1) accepting(session, media);
      else session.ring();
    });
    const talking = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    const ringing = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    await Promise.all([call.called.stop(), call.bench.advance(6_000)]);
    expect(talking.end).toMatchObject({ by: 'remote', established: true });
    expect(ringing.end).toMatchObject({ by: 'remote', status: 480 });
    const third = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    await Promise.all([call.caller.stop(), call.bench.advance(6_000)]);
    expect(third.end).toMatchObject({ by: 'local', established: false });
    expect(call.caller.sessionCount).toBe(0);
  });

  it('drained: 503 with Retry-After, what runs goes on', async () => {
    const call = await pair();
    const one = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    call.called.drain(12);
    const two = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    expect(two.end).toMatchObject({ status: 503 });
    expect(call.bench.responses(503)[0]?.headers.get('Retry-After')).toBe('12');
    expect(one.session.state).toBe('established');
    await Promise.all([one.session.end(), over(call)]);
  });
});
