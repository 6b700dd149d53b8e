import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LegMedia } from '../conference/leg-media.ts';
import { runCommand } from './cli/test-terminal.ts';
import { ADMIN_TOKEN, startTestApi, type TestApi } from './test-api.ts';

let system: TestApi;
beforeEach(async () => {
  system = await startTestApi();
  await system.create('c1', 'demo-start');
  await system.join('c1', 'host');
  await system.join('c1');
  system.measured(2, MEASURED);
});
afterEach(() => system.stop());

const MEASURED: LegMedia = {
  ...{ codec: 'PCMU', packetsReceived: 900, packetsSent: 1_000, packetsLost: 100 },
  ...{ packetsDiscarded: 3, burstDensity: 0.4, burstMs: 250, gapDensity: 0.01, gapMs: 4_000 },
  ...{ remotePacketsLost: 0, jitterMs: 2, delayMs: 41.5, bufferTargetMs: 30 },
  ...{ bufferMaximumMs: 90, roundTripMs: null, rFactor: 71.2, mos: 3.65 },
};

async function media(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${system.base}/api/v1/conferences/${path}/media`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return { status: response.status, body: await response.json() };
}

describe('how well a conferee is received', () => {
  it('is what its mixer measures; null without a call there', async () => {
    expect(await media('c1/conferees/2')).toEqual({ status: 200, body: { media: MEASURED } });
    expect(await media('c1/conferees/1')).toEqual({ status: 200, body: { media: null } });
  });

  it('is not found of who is not there', async () => {
    expect((await media('c1/conferees/3')).status).toBe(404);
    expect((await media('c2/conferees/1')).status).toBe(404);
    expect((await media('c1/conferees/0')).status).toBe(422);
  });

  it('is a command too', async () => {
    const environment = { MINUSONE_URL: system.base, MINUSONE_TOKEN: ADMIN_TOKEN };
    const shown = await runCommand(['conference', 'media', 'c1', '2'], environment);
    const lines = shown.out.replace(/ +/g, ' ').split('\n');
    expect(lines).toEqual(
      expect.arrayContaining(['burstDensity 0.4', 'delayMs 41.5', 'roundTripMs -']),
    );
    const none = await runCommand(['conference', 'media', 'c1', '1'], environment);
    expect(none.out).toContain('no call at the mixer now');
  });
});
