import { describe, expect, it } from 'vitest';
import { createVruBench } from './testing/vru-bench.ts';

describe('what is written down of a call', () => {
  it('has who called what, when, who ended it, and what the leg measured', async () => {
    const bench = await createVruBench();
    const call = await bench.entered();
    await bench.clock.advance(10_000);
    call.session.hangUp();
    await bench.clock.advance(100);
    expect(bench.ends).toMatchObject([
      {
        direction: 'in',
        callerNumber: '+15550001',
        dnis: '1000',
        application: 'conference',
        endedBy: 'caller',
        reason: 'hangup',
        trunk: '127.0.0.1',
        media: { codec: 'PCMU', packetsDiscarded: 0, burstDensity: 0, rFactor: null },
        decisions: [{ kind: 'entered', accountId: 'acme' }],
      },
    ]);
    const [end] = bench.ends;
    expect(end?.callId).toMatch(/^./);
    expect((end?.endedAtMs ?? 0) - (end?.answeredAtMs ?? 0)).toBeGreaterThan(10_000);
  });

  it('has why the caller was refused, each refusal once', async () => {
    const bench = await createVruBench();
    bench.conference.locked = true;
    const call = await bench.call();
    await call.press('9999#');
    await call.press('110001#');
    await bench.clock.advance(5_000);
    expect(bench.ends).toMatchObject([
      {
        reason: 'refused-locked',
        endedBy: 'system',
        decisions: [
          { kind: 'code-refused', reason: 'invalid-code' },
          { kind: 'refused', reason: 'locked', accountId: 'acme' },
        ],
      },
    ]);
    // The code itself is nowhere.
    expect(JSON.stringify(bench.ends)).not.toContain('110001');
  });

  it('tells calls that were not answered, with the rule', async () => {
    const bench = await createVruBench();
    await bench.call({ dnis: '4711' });
    await bench.clock.advance(100);
    expect(bench.ends).toMatchObject([
      { reason: 'conference-unknown', sipStatus: 404, answeredAtMs: null, media: null },
    ]);
  });
});
