/** Hundreds of real calls with forged numbers guess codes; people who know theirs get in meanwhile. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock as clock } from '../../common/clock.ts';
import { seededRandom } from '../../common/ids.ts';
import { type RunningSystem, startSystem } from '../e2e/system.ts';
import { Attacker, bound } from './attacker.ts';
import { SDP } from './corpus.ts';

const SEED = Number(process.env['MINUSONE_TEST_SEED'] ?? 1);
const WAVES = 3;
const CALLS_A_WAVE = 100;
const TRIES = 3;
/** The answer to a try on a line under attack takes 2 s; a key press ends the prompt that follows. */
const TRY_MS = 3_500;

let system: RunningSystem;
beforeAll(async () => {
  system = await startSystem({
    rtpPort: 25_400,
    vrus: 1,
    mixerClasses: ['standard'],
    vruSettings: { conference: { announce: 'none' } },
  });
});
afterAll(() => system.stop());

async function until(condition: () => Promise<boolean>, limitMs: number): Promise<void> {
  for (let waited = 0; waited < limitMs && !(await condition()); waited += 100) {
    await clock.sleep(100);
  }
}

describe('people who guess codes over real calls', () => {
  it('find none, and lock nobody out who knows his', { timeout: 110_000 }, async () => {
    const random = seededRandom(SEED);
    const valid = (): Promise<number> => system.metric('minusone_vru_codes_total{result="valid"}');
    const calls = (): Promise<number> => system.metric('minusone_vru_calls');
    const regular = { from: 'sip:+15550100@127.0.0.1', dtmf: '110001#', dtmfDelayMs: 500 };
    await system.phone(0, { ...regular, durationMs: 2_500 });
    expect(await valid()).toBe(1);

    const attacker = await Attacker.open(system.vrus[0] ?? '');
    const sink = await bound();
    const sdp = SDP.replace('49170', String(sink.address().port));
    const guess = async (): Promise<void> => {
      const call = await attacker.call('1000', sdp, `+1666${random.below(1e9)}`);
      for (let tries = 0; tries < TRIES; tries++) {
        call.press(`${100_000 + random.below(900_000)}#`);
        await clock.sleep(TRY_MS);
      }
    };
    const wave = (): Promise<unknown> =>
      Promise.all(Array.from({ length: CALLS_A_WAVE }, () => guess()));
    await wave();
    const others = [
      // Known from before; somebody new at the same address, who tries again; somebody new elsewhere.
      system.phone(0, { ...regular, durationMs: 6_000 }),
      system.phone(0, {
        from: 'sip:+15550111@127.0.0.1',
        dtmf: '110002#,,,,,,,,110002#',
        durationMs: 14_000,
      }),
      system.phone(0, {
        from: 'sip:+15550122@127.0.0.2',
        localAddress: '127.0.0.2',
        dtmf: '110003#',
        durationMs: 6_000,
      }),
    ];
    for (let more = 1; more < WAVES; more++) await wave();
    await Promise.all(others);
    expect(await valid()).toBe(4);
    const invalid = await system.metric('minusone_vru_codes_total{result="invalid"}');
    expect(invalid).toBeGreaterThan(WAVES * CALLS_A_WAVE * TRIES * 0.9);
    const checked = await system.metric(
      'minusone_provisioning_checks_total{outcome="budget-empty"}',
    );
    process.stderr.write(`guessing: ${invalid} wrong codes, ${checked} checks not heeded\n`);
    expect(checked).toBeGreaterThan(0);
    // Every guesser was hung up on.
    await until(async () => (await calls()) === 0, 15_000);
    expect(await calls()).toBe(0);
    attacker.close();
    sink.close();
  });
});
