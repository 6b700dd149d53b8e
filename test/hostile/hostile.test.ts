/** Established calls live through a stream of damaged SIP, SDP, RTP and RTCP, and nothing of it stays. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock as clock } from '../../common/clock.ts';
import { seededRandom } from '../../common/ids.ts';
import { TestPeer, toneOf } from '../../mixer/test-peer.ts';
import { levelDbfs, SILENCE_DBFS, toneLevelDbfs } from '../audio/level.ts';
import { type Audio, slice } from '../audio/signals.ts';
import { type Heard, type RunningSystem, startSystem } from '../e2e/system.ts';
import { Attacker, bound, type StolenDialog } from './attacker.ts';
import { rtpCorpus, SDP, SIP_CORPUS } from './corpus.ts';
import { mutate } from './mutate.ts';

const SEED = Number(process.env['MINUSONE_TEST_SEED'] ?? 1);
const RTP_PORT = 8_100;
const LEVEL = -20;
/** Damaged messages of each kind; the attack lasts about WAVES × WAVE_MS. */
const WAVES = 100;
const WAVE_MS = 100;
/** New calls come early: those that nobody hangs up last 32 s. */
const CALLING_WAVES = 50;
const SIP_A_WAVE = 20;
const SDP_A_WAVE = 8;
const RTP_A_WAVE = 25;

let system: RunningSystem;
beforeAll(async () => {
  system = await startSystem({
    rtpPort: RTP_PORT,
    vrus: 1,
    mixerClasses: ['standard'],
    vruSettings: { conference: { announce: 'none' } },
  });
});
afterAll(() => system.stop());

/** Sum of all lines of one metric. */
async function total(name: string): Promise<number> {
  const lines = (await system.metrics.text()).split('\n');
  return lines
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

async function until(condition: () => Promise<boolean>, limitMs: number): Promise<void> {
  for (let waited = 0; waited < limitMs && !(await condition()); waited += 100) {
    await clock.sleep(100);
  }
}

/** The RTP and RTCP ports that are open now, as an attacker finds them by trying. */
function mediaPorts(): readonly number[] {
  const ports = readFileSync('/proc/net/udp', 'latin1')
    .split('\n')
    .flatMap((line) => /^ *\d+: 0100007F:([0-9A-F]{4})/.exec(line)?.[1] ?? [])
    .map((port) => Number.parseInt(port, 16));
  return ports.filter((port) => port >= RTP_PORT && port < RTP_PORT + 3000);
}

/** Level of a tone: the median of short pieces, as a late packet shifts the phase of what follows. */
function loudness(audio: Audio, frequencyHz: number, fromMs: number): number {
  const pieces = Array.from({ length: 15 }, (_, index) =>
    toneLevelDbfs(slice(audio, fromMs + index * 100, 100), frequencyHz),
  );
  return pieces.toSorted((left, right) => left - right)[7] ?? SILENCE_DBFS;
}

function longestLossMs(audio: Audio, frequencyHz: number, fromMs: number, toMs: number): number {
  let longest = 0;
  let run = 0;
  for (let atMs = fromMs; atMs + 20 <= toMs; atMs += 10) {
    run = toneLevelDbfs(slice(audio, atMs, 20), frequencyHz) < LEVEL - 20 ? run + 10 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

interface Sent {
  udp: number;
  tcp: number;
  sdp: number;
  stranger: number;
  peer: number;
}

class Attack {
  readonly sent: Sent = { udp: 0, tcp: 0, sdp: 0, stranger: 0, peer: 0 };
  readonly #random = seededRandom(SEED);
  readonly #attacker: Attacker;
  readonly #own: StolenDialog;
  readonly #peer: TestPeer;
  readonly #stranger: Awaited<ReturnType<typeof bound>>;
  readonly #tcp: Promise<void>[] = [];

  private constructor(
    attacker: Attacker,
    own: StolenDialog,
    peer: TestPeer,
    stranger: Awaited<ReturnType<typeof bound>>,
  ) {
    this.#attacker = attacker;
    this.#own = own;
    this.#peer = peer;
    this.#stranger = stranger;
  }

  /** The attacker has a call of its own, so that some of what it sends comes from a known peer. */
  static async open(): Promise<Attack> {
    const attacker = await Attacker.open(system.vrus[0] ?? '');
    const peer = await TestPeer.open();
    const own = await attacker.call('2000', SDP.replace('49170', String(peer.port)));
    peer.talk(own.rtpPort, toneOf(1_000, 3_000));
    return new Attack(attacker, own, peer, await bound());
  }

  get answers(): ReadonlyMap<number, number> {
    return this.#attacker.answers;
  }

  async run(): Promise<void> {
    for (let wave = 0; wave < WAVES; wave++) {
      for (let count = 0; count < SIP_A_WAVE; count++) this.#sendSip(wave < CALLING_WAVES);
      for (let count = 0; count < SDP_A_WAVE; count++) this.#sendSdp(wave < CALLING_WAVES);
      const ports = mediaPorts();
      for (let count = 0; count < RTP_A_WAVE; count++) this.#sendMedia(ports);
      await clock.sleep(WAVE_MS);
    }
    await Promise.all(this.#tcp);
  }

  close(): void {
    this.#attacker.send(Buffer.from(this.#own.request('BYE'), 'latin1'));
    this.#peer.close();
    this.#stranger.close();
  }

  #fill(text: string): string {
    const id = String(this.#random.below(2 ** 31));
    return text
      .replaceAll('{target}', system.vrus[0] ?? '')
      .replaceAll('{port}', String(this.#attacker.port))
      .replaceAll('{branch}', id)
      .replaceAll('{tag}', id)
      .replaceAll('{callId}', `c${id}`);
  }

  #sendSip(calling: boolean): void {
    const random = this.#random;
    const corpus = calling ? SIP_CORPUS : SIP_CORPUS.filter((text) => !text.startsWith('INVITE'));
    const genuine = corpus[random.below(corpus.length)] ?? '';
    const bytes = mutate(random, Buffer.from(this.#fill(genuine), 'latin1'));
    if (random.below(10) > 0) {
      this.#attacker.send(bytes);
      this.sent.udp++;
    } else if (this.#tcp.length < 300) {
      this.#tcp.push(this.#attacker.sendTcp(bytes));
      this.sent.tcp++;
    }
  }

  /** Whole messages around damaged SDP: a new call, or one of the dialog that is there. */
  #sendSdp(calling: boolean): void {
    const random = this.#random;
    const sdp = Buffer.from(mutate(random, Buffer.from(SDP, 'latin1'))).toString('latin1');
    const method = ['INVITE', 'UPDATE', 'ACK', 'new'][random.below(calling ? 4 : 3)] ?? 'new';
    const text =
      method === 'new'
        ? this.#fill(SIP_CORPUS[0] ?? '')
            .replace(/Content-Length: \d+/, `Content-Length: ${sdp.length}`)
            .replace(/\r\n\r\n[\s\S]*$/, `\r\n\r\n${sdp}`)
        : this.#own.request(method, sdp);
    this.#attacker.send(Buffer.from(text, 'latin1'));
    this.sent.sdp++;
  }

  #sendMedia(ports: readonly number[]): void {
    const random = this.#random;
    const corpus = rtpCorpus();
    const bytes = mutate(random, corpus[random.below(corpus.length)] ?? new Uint8Array());
    if (random.below(2) === 0) {
      this.#peer.raw(this.#own.rtpPort + random.below(2), bytes);
      this.sent.peer++;
    } else {
      const port = ports[random.below(ports.length)] ?? RTP_PORT;
      this.#stranger.send(bytes, port, '127.0.0.1');
      this.sent.stranger++;
    }
  }
}

describe('a hostile peer', () => {
  it('leaves established calls intact and nothing behind', { timeout: 110_000 }, async () => {
    const hangUp = new AbortController();
    const began = clock.nowMs();
    const victim = (frequencyHz: number, more: { dtmf?: string; dnis?: string }): Promise<Heard> =>
      system.phone(0, { play: `tone:${frequencyHz}@${LEVEL}`, signal: hangUp.signal, ...more });
    const calls = Promise.all([
      victim(440, { dtmf: '110001#' }),
      victim(620, { dtmf: '110001#' }),
      victim(880, { dnis: '2000' }),
    ]);
    await until(async () => (await total('minusone_mixer_conferees')) === 2, 12_000);
    // The echo application has spoken.
    await clock.sleep(3_500);
    const numbers = async () => ({
      calls: await total('minusone_vru_calls'),
      legs: system.legs(),
      conferees: await total('minusone_mixer_conferees'),
      // The victims' two ends, and the legs between VRU and mixer.
      sessions: await total('minusone_sip_sessions'),
    });
    const before = await numbers();
    expect(before).toMatchObject({ calls: 3, conferees: 2 });
    const memory = process.memoryUsage().heapUsed;

    const attack = await Attack.open();
    const fromMs = clock.nowMs() - began;
    await attack.run();
    const toMs = clock.nowMs() - began;
    attack.close();
    const peak = await total('minusone_sip_transactions');
    const refused = {
      malformed: await total('minusone_sip_messages_malformed_total'),
      transport: await total('minusone_sip_transport_dropped_total'),
      transactions: await total('minusone_sip_transaction_dropped_total'),
    };
    // A new call works at once; the echo application speaks first.
    const late = await system.phone(0, { dnis: '2000', play: 'tone:700@-20', durationMs: 9_000 });
    expect(loudness(late.audio, 700, 7_000)).toBeCloseTo(LEVEL, 0);
    // Answers that nobody acknowledged are given up after 64 × T1 (RFC 3261 section 13.3.1.4).
    await until(async () => JSON.stringify(await numbers()) === JSON.stringify(before), 45_000);
    expect(await numbers()).toEqual(before);
    // Timer J (RFC 3261 section 17.2.2) is 32 s too.
    await until(async () => (await total('minusone_sip_transactions')) < 20, 15_000);
    const settledMs = clock.nowMs() - began - toMs;
    const transactions = await total('minusone_sip_transactions');
    const endMs = clock.nowMs() - began;
    hangUp.abort();
    const [a, b, echo] = await calls;

    const report = {
      seed: SEED,
      sent: attack.sent,
      answers: Object.fromEntries([...attack.answers].toSorted()),
      refused,
      attackMs: Math.round(toMs - fromMs),
      settledMs: Math.round(settledMs),
      longestLossMs: [
        longestLossMs(a.audio, 620, fromMs, toMs),
        longestLossMs(b.audio, 440, fromMs, toMs),
        longestLossMs(echo.audio, 880, fromMs, toMs),
      ],
      heapGrowthMiB: Math.round((process.memoryUsage().heapUsed - memory) / 2 ** 20),
      transactionsAtPeak: peak,
      transactions,
    };
    process.stderr.write(`hostile: ${JSON.stringify(report)}\n`);
    for (const [heard, frequencyHz, own] of [
      [a, 620, 440],
      [b, 440, 620],
      [echo, 880, undefined],
    ] as const) {
      for (const atMs of [fromMs, toMs - 2_000, endMs - 3_000]) {
        expect(Math.abs(loudness(heard.audio, frequencyHz, atMs) - LEVEL)).toBeLessThan(1);
        expect(levelDbfs(slice(heard.audio, atMs, 1_000))).toBeLessThan(LEVEL + 1.5);
        if (own !== undefined) expect(loudness(heard.audio, own, atMs)).toBeLessThan(LEVEL - 40);
      }
      expect(heard.statistics?.sourceChanges).toBe(0);
    }
    for (const lossMs of report.longestLossMs) expect(lossMs).toBeLessThan(100);
    expect(refused.malformed).toBeGreaterThan(100);
    expect(transactions).toBeLessThan(20);
    expect(report.heapGrowthMiB).toBeLessThan(150);
  });
});
