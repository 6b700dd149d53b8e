/**
 * The product as a person meets it: the built program in one process, `minusone call` in others, and
 * the command line over the API. What is heard is measured in the recordings.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readWav } from '../../vru/wav.ts';
import { levelDbfs, toneLevelDbfs } from '../audio/level.ts';
import { type Audio, slice } from '../audio/signals.ts';
import { heardPrompt } from './heard.ts';
import { minusone, type Ran } from './program.ts';
import { type Server, startServer, TOKEN } from './server.ts';

interface Phone {
  readonly audio: Audio;
  readonly exitCode: number | null;
  readonly endedBy: string;
  readonly talkMs: number;
}

const phoneResult = z.object({ endedBy: z.string(), talkMs: z.number() });
const conferenceList = z.object({
  items: z.array(z.object({ id: z.string(), accountId: z.string() })),
});
const conferenceView = z.object({
  locked: z.boolean(),
  conferees: z.array(z.object({ ordinal: z.number(), role: z.string(), muted: z.boolean() })),
});

let server: Server;
let phones = 0;

const cli = (...args: string[]): Promise<Ran> => minusone(args, { url: server.http });

/** A call of a phone in a process of its own; resolves when it is over. */
async function call(number: string, ...args: string[]): Promise<Phone> {
  const record = join(server.dataDirectory, `heard-${phones++}.wav`);
  const target = `sip:${number}@${server.sip}`;
  const ran = await minusone(['call', target, '--record', record, '--json', ...args], {
    timeoutMs: 150_000,
  });
  const wav = readWav(readFileSync(record));
  if (!wav.ok) throw wav.error;
  return { ...phoneResult.parse(JSON.parse(ran.out)), audio: wav.value, exitCode: ran.exitCode };
}

/** Quicker than a process. */
async function api(path: string): Promise<unknown> {
  const response = await fetch(server.http + path, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  return response.json();
}

/** Polls until the conference of an account has `size` conferees; its id. */
async function conferenceOf(account: string, size: number): Promise<string> {
  for (let attempt = 0; attempt < 60; attempt++) {
    const { items } = conferenceList.parse(await api('/api/v1/conferences'));
    const found = items.find(({ accountId }) => accountId === account);
    if (found !== undefined && (await show(found.id)).conferees.length === size) return found.id;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no conference of ${account} with ${size} conferees\n${server.log.join('\n')}`);
}

async function show(id: string): Promise<z.infer<typeof conferenceView>> {
  return conferenceView.parse(await api(`/api/v1/conferences/${id}`));
}

/** Until the server's log has a message. */
async function logged(of: Server, message: string): Promise<void> {
  await expect
    .poll(() => of.log.some((line) => line.includes(message)), { timeout: 30_000 })
    .toBe(true);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const tail = (audio: Audio, ms: number): Audio =>
  slice(audio, (audio.samples.length * 1000) / audio.rateHz - ms);

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.close());

describe('minusone call', () => {
  it('R40: 2000 echoes', async () => {
    const heard = await call('2000', '--play', 'tone:440@-20', '--duration-s', '12');
    expect(heard.exitCode).toBe(0);
    expect(toneLevelDbfs(tail(heard.audio, 1500), 440)).toBeGreaterThan(-22);
  });

  it('R40: 3000 speaks and hangs up', async () => {
    const heard = await call('3000');
    expect([heard.exitCode, heard.endedBy]).toEqual([0, 'remote']);
    expect(heard.talkMs).toBeGreaterThan(1000);
    expect(levelDbfs(heard.audio)).toBeGreaterThan(-40);
  });

  it('R1: host and participant hear each other and never themselves', async () => {
    const shared = ['--dtmf-delay-ms', '500', '--duration-s', '14'];
    const [host, participant] = await Promise.all([
      call('1000', '--dtmf', '910001#', '--play', 'tone:440@-20', ...shared),
      call('1000', '--dtmf', '110001#', '--play', 'tone:1000@-20', ...shared),
    ]);
    const [toHost, toParticipant] = [tail(host.audio, 2000), tail(participant.audio, 2000)];
    expect(toneLevelDbfs(toHost, 1000)).toBeGreaterThan(-21);
    expect(toneLevelDbfs(toHost, 1000)).toBeLessThan(-19);
    expect(toneLevelDbfs(toParticipant, 440)).toBeGreaterThan(-21);
    expect(toneLevelDbfs(toHost, 440)).toBeLessThan(-60);
    expect(toneLevelDbfs(toParticipant, 1000)).toBeLessThan(-60);
  });

  it('R9: hold: music, then the conference when the host comes', async () => {
    const waiting = call('1000', '--dtmf', '110002#', '--duration-s', '22');
    await pause(9000);
    expect((await cli('conference', 'list')).out).not.toContain('demo-hold');
    const host = await call(
      ...(['1000', '--dtmf', '910002#', '--play', 'tone:440@-20', '--duration-s', '10'] as const),
    );
    const heard = await waiting;
    expect(host.exitCode).toBe(0);
    expect(levelDbfs(slice(heard.audio, 7000, 2000))).toBeGreaterThan(-45);
    expect(toneLevelDbfs(slice(heard.audio, 17_000, 1500), 440)).toBeGreaterThan(-22);
  });

  it('an unknown number is said in words', async () => {
    const unknown = await minusone(['call', `sip:5999@${server.sip}`]);
    expect([unknown.exitCode, unknown.err]).toEqual([1, expect.stringContaining('404')]);
  });
});

describe('the command line on a conference', () => {
  it('R22, R23, R24, R27: mutes, deletes, locks and ends by ordinal', async () => {
    const shared = ['--dtmf-delay-ms', '300', '--duration-s', '120'];
    const host = call('1000', '--dtmf', '910001#', '--play', 'tone:440@-20', ...shared);
    const id = await conferenceOf('demo-start', 1);
    const second = call('1000', '--dtmf', '110001#', '--play', 'tone:1000@-20', ...shared);
    await conferenceOf('demo-start', 2);
    const third = call('1000', '--dtmf', '110001#', '--play', 'tone:1300@-20', ...shared);
    await conferenceOf('demo-start', 3);

    expect((await cli('conference', 'mute', id, '2')).out).toContain('conferee 2 muted');
    expect((await show(id)).conferees.map(({ muted }) => muted)).toEqual([false, true, false]);
    expect((await cli('conference', 'show', id)).out).toMatch(/^2 +participant .* host /m);
    expect((await cli('conference', 'mute', id, '9')).exitCode).toBe(1);

    expect((await cli('conference', 'lock', id)).exitCode).toBe(0);
    expect((await show(id)).locked).toBe(true);
    const refused = await call('1000', '--dtmf', '110001#', '--dtmf-delay-ms', '300');
    expect(refused.endedBy).toBe('remote');
    expect(heardPrompt(refused.audio, 'conference-locked')).toBe(true);

    expect((await cli('conference', 'delete', id, '3')).exitCode).toBe(0);
    const deleted = await third;
    expect([deleted.exitCode, deleted.endedBy]).toEqual([0, 'remote']);
    expect((await show(id)).conferees.map(({ ordinal }) => ordinal)).toEqual([1, 2]);

    await pause(1500);
    expect((await cli('conference', 'end', id)).exitCode).toBe(0);
    const [toHost, muted] = await Promise.all([host, second]);
    expect([toHost.endedBy, muted.endedBy]).toEqual(['remote', 'remote']);
    expect((await cli('conference', 'list')).out).toContain('no conference now');
  }, 180_000);
});

describe('the end of the server', () => {
  it('SIGTERM: a caller gets a BYE, the process ends with 0', async () => {
    const other = await startServer();
    const talking = minusone(
      ['call', `sip:2000@${other.sip}`, '--play', 'tone:440', '--json', '--duration-s', '30'],
      { timeoutMs: 40_000 },
    );
    await logged(other, 'sip session established');
    other.signal('SIGTERM');
    expect(await other.exited).toBe(0);
    const ran = await talking;
    expect(phoneResult.parse(JSON.parse(ran.out)).endedBy).toBe('remote');
    await other.close();
  });

  it('kill -9 in a call: started again, it takes calls, and no conference of before is left', async () => {
    const first = await startServer();
    const url = first.http;
    const talking = minusone(
      ['call', `sip:1000@${first.sip}`, '--dtmf', '910001#', '--duration-s', '12', '--json'],
      { timeoutMs: 40_000 },
    );
    await logged(first, 'conference created');
    expect((await minusone(['conference', 'list'], { url })).out).toContain('demo-start');
    first.signal('SIGKILL');
    await first.exited;

    const second = await startServer({ like: first });
    const again = await minusone(
      ['call', `sip:1000@${second.sip}`, '--dtmf', '910001#', '--duration-s', '9', '--json'],
      { timeoutMs: 40_000 },
    );
    expect(again.exitCode).toBe(0);
    await talking;
    const left = async () => (await minusone(['conference', 'list'], { url: second.http })).out;
    await expect.poll(left, { timeout: 20_000, interval: 500 }).toContain('no conference now');
    await second.close();
  }, 120_000);
});
