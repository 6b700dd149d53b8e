import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CodecName } from '../../mixer/media.ts';
import { SUBJECTS } from '../../signaling/conference/messages.ts';
import { levelDbfs, toneLevelDbfs } from '../audio/level.ts';
import { slice, tone } from '../audio/signals.ts';
import { checkToneMatrix, type MatrixMember, matrixFrequencies } from '../audio/tone-matrix.ts';
import { callWithBaresip, findBaresip } from './baresip.ts';
import { type MixerRig, startMixerRig, unwrap } from './mixer-rig.ts';

const LEVEL_DBFS = -20;
const CALL_MS = 4_500;
const MATRIX_MS = 7_000;
/** When everybody is in and nobody has left yet. */
const STEADY = { fromMs: 1_500, durationMs: 2_500 } as const;

let rig: MixerRig;

beforeAll(async () => {
  rig = await startMixerRig({ firstPort: 31_000, sipPort: 30_990 });
});

afterAll(async () => {
  await rig.stop();
});

/** Members of two conferences call at once: talkers with a tone each, and one who only listens. */
async function matrix(
  codecs: readonly CodecName[],
  talkers: number,
  name: string,
): Promise<readonly MatrixMember[]> {
  const frequencies = matrixFrequencies(2 * talkers, 2);
  const members = Array.from({ length: 2 * (talkers + 1) }, (_, index) => ({
    name: `m${index}`,
    conference: index % 2 === 0 ? `${name}-a` : `${name}-b`,
    frequencyHz: frequencies[index] ?? 0,
    levelDbfs: index < 2 * talkers ? LEVEL_DBFS : null,
    codec: codecs[index % codecs.length] ?? 'PCMU',
  }));
  await rig.calm();
  return await Promise.all(
    members.map(async (member) => {
      const call = await rig.call(member.conference, {
        durationMs: MATRIX_MS,
        codecs: [member.codec],
        ...(member.levelDbfs === null ? {} : { play: `tone:${member.frequencyHz}@${LEVEL_DBFS}` }),
      });
      expect(call, call.lines.join(' | ')).toMatchObject({ exitCode: 0, codec: member.codec });
      return { ...member, heard: slice(call.heard, STEADY.fromMs, MATRIX_MS - 2_000) };
    }),
  );
}

describe('R46: mixer alone, on this machine, called by SIP and RTP', () => {
  it.concurrent.each([
    { codecs: ['PCMU'], name: 'ulaw' },
    { codecs: ['PCMA'], name: 'alaw' },
    { codecs: ['PCMU', 'PCMU', 'PCMA'], name: 'both' },
  ] as const)('R11 tone matrix of two conferences: $name', async ({ codecs, name }) => {
    const members = await matrix(codecs, 3, name);
    const report = checkToneMatrix(members);
    const worst = `worst ${report.worstDeviationDb} dB, leak ${report.worstLeakDb} dB`;
    expect(report.faults, worst).toEqual([]);
  });

  it('is silent for one who is alone, and empty after the hang-up', async () => {
    await rig.calm();
    const call = await rig.call('alone', { durationMs: 1_500, play: 'tone:700' });
    expect(levelDbfs(slice(call.heard, 300))).toBeLessThan(-60);
    expect(rig.engine.load()).toMatchObject({ conferences: 0, legs: 0 });
  });

  it('takes a late offer and a call over TCP', async () => {
    await rig.calm();
    const [talker, late, tcp] = await Promise.all([
      rig.call('ways', { durationMs: CALL_MS, play: 'tone:700' }),
      rig.call('ways', { durationMs: CALL_MS, lateOffer: true }),
      rig.call('ways', { durationMs: CALL_MS, transport: 'tcp' }),
    ]);
    expect(talker.exitCode).toBe(0);
    for (const { heard, lines } of [late, tcp]) {
      const steady = slice(heard, STEADY.fromMs, STEADY.durationMs);
      const deviation = Math.abs(toneLevelDbfs(steady, 700) - LEVEL_DBFS);
      expect(deviation, lines.join(' | ')).toBeLessThan(1);
    }
  });

  it('R22 mutes by request within the call: the others hear the tone stop and start', async () => {
    const ask = async (body: Record<string, unknown>): Promise<void> => {
      const request = { requestId: randomUUID(), conferenceId: 'managed', ...body };
      unwrap(await rig.bus.request(SUBJECTS.mixer(rig.id), request, { deadlineMs: 1000 }));
    };
    await rig.calm();
    await ask({ kind: 'create', accountId: 'a', mixerClass: 'standard' });
    for (const confereeId of ['p1', 'p2']) {
      await ask({ kind: 'admit', confereeId, ordinal: 1, muted: false });
    }
    const target = `sip:conf=managed@${rig.address};conferee=`;
    const mute = async (muted: boolean, version: number, atMs: number): Promise<void> => {
      await sleep(atMs);
      await ask({ kind: 'mute', confereeId: 'p1', muted, version });
    };
    const [, listener] = await Promise.all([
      rig.call('managed', { target: `${target}p1`, durationMs: CALL_MS, play: 'tone:700' }),
      rig.call('managed', { target: `${target}p2`, durationMs: CALL_MS }),
      mute(true, 1, 2_000),
      mute(false, 2, 3_500),
    ]);
    const at = (fromMs: number): number => toneLevelDbfs(slice(listener.heard, fromMs, 500), 700);
    expect(at(1_300)).toBeGreaterThan(LEVEL_DBFS - 1);
    expect(at(2_600)).toBeLessThan(-70);
    expect(at(4_000)).toBeGreaterThan(LEVEL_DBFS - 1);
    await ask({ kind: 'end' });
  });

  it.each([
    ['sip:nobody@', 404],
    ['sip:conf=managed2%2F@', 404],
  ])('refuses %s', async (uri, status) => {
    const call = await rig.call('x', { target: `${uri}${rig.address}`, durationMs: 500 });
    expect(call).toMatchObject({ exitCode: 1, status });
  });
});

const modules = findBaresip();
if (modules === undefined) {
  console.warn('SKIPPED: baresip is not installed, so no test against a second stack');
}

describe.runIf(modules !== undefined)('mixer and baresip, a second stack', () => {
  it.concurrent.each(['PCMU', 'PCMA'] as const)(
    'hear each other and not themselves: %s',
    async (codec) => {
      await rig.calm();
      const [peer, phone] = await Promise.all([
        callWithBaresip(modules ?? '', {
          target: `sip:conf=mixed${codec}@${rig.address}`,
          play: tone(610, LEVEL_DBFS, 20_000, 8_000),
          durationMs: 7_000,
          codec,
        }),
        rig.call(`mixed${codec}`, { durationMs: 6_500, play: 'tone:950' }),
      ]);
      expect(peer.established, peer.output).toBe(true);
      expect(phone.exitCode, phone.lines.join(' | ')).toBe(0);
      const both = [
        { name: 'baresip', frequencyHz: 610, audio: peer.heard },
        { name: 'phone', frequencyHz: 950, audio: phone.heard },
      ];
      const report = checkToneMatrix(
        both.map(({ name, frequencyHz, audio }) => ({
          name,
          frequencyHz,
          conference: 'mixed',
          levelDbfs: LEVEL_DBFS,
          heard: slice(audio, 1_500, 4_000),
        })),
        // One tone in each mix; baresip's packets come in jerks on a busy machine.
        { windowMs: 800 },
      );
      expect(report.faults, peer.output).toEqual([]);
    },
  );
});
