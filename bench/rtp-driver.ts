import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const LOAD_CODECS = ['PCMU', 'PCMA', 'G722', 'opus', 'L16'] as const;
export type LoadCodec = (typeof LOAD_CODECS)[number];

/** Payload type in our offers, and the rtpmap (RFC 3551, RFC 7587). */
export const LOAD_FORMATS: Readonly<
  Record<LoadCodec, { readonly payloadType: number; readonly rtpmap: string }>
> = {
  PCMU: { payloadType: 0, rtpmap: 'PCMU/8000' },
  PCMA: { payloadType: 8, rtpmap: 'PCMA/8000' },
  G722: { payloadType: 9, rtpmap: 'G722/8000' },
  opus: { payloadType: 96, rtpmap: 'opus/48000/2' },
  L16: { payloadType: 97, rtpmap: 'L16/16000' },
};

export interface DriverOptions {
  readonly legs: number;
  readonly address: string;
  readonly basePort: number;
  readonly codec: LoadCodec;
  readonly cpu?: number;
  /** Members of each conference with a tone, and how long each talks before the next; 0: all at once. */
  readonly talkers: number;
  readonly turnMs: number;
  readonly impairment: Impairment;
}

/** A bad network between the driver and its target. Shares are of packets, 0 to 1. */
export interface Impairment {
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly jitterMs: number;
}

export const NO_IMPAIRMENT: Impairment = { loss: 0, duplicate: 0, reorder: 0, jitterMs: 0 };

export function isImpaired({ loss, duplicate, reorder, jitterMs }: Impairment): boolean {
  return loss > 0 || duplicate > 0 || reorder > 0 || jitterMs > 0;
}

/** One leg of the driver: where it sends what. */
export interface DriverLeg {
  readonly leg: number;
  readonly to: { readonly address: string; readonly port: number };
  readonly payloadType: number;
  readonly conference: number;
  readonly member: number;
  /** Index into the driver's tones; -1 for a listener (noise at −66 dBFS). */
  readonly tone: number;
  /** False: a burden on the target only; what it hears does not count. */
  readonly measured: boolean;
  /** Id of the level extension that was agreed (RFC 6464); 0: none. */
  readonly levelId: number;
}

export interface TonesReport {
  readonly type: 'tones';
  /** Listeners whose second of audio was complete. */
  readonly checked: number;
  readonly incomplete: number;
  readonly levelFailures: number;
  readonly ownFailures: number;
  readonly foreignFailures: number;
  readonly worstLevelErrorDb: number;
  readonly worstOwnDbfs: number;
  readonly worstForeignDbfs: number;
}

export interface DelayReport {
  readonly type: 'delay';
  /** Chirps that left in time and were looked for. */
  readonly probes: number;
  /** Nothing of it was heard. */
  readonly missed: number;
  /** Something of it was heard, but not its beginning. */
  readonly broken: number;
  /** Its beginning was heard, the rest was not as it was sent: a packet came too late for the mix. */
  readonly damaged: number;
  /** Not counted above: the driver itself was late with it. */
  readonly spoiled: number;
  readonly minMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** 0 to 100 %. */
  readonly percentilesMs: readonly number[];
}

export interface CountersReport {
  readonly type: 'counters';
  readonly seconds: number;
  readonly legs: number;
  readonly sent: number;
  readonly sendErrors: number;
  readonly received: number;
  readonly lost: number;
  readonly reordered: number;
  readonly timestampErrors: number;
  readonly ssrcChanges: number;
  readonly malformed: number;
  readonly rtcp: number;
  /** Legs that got fewer than 49.5 packets a second. */
  readonly slowLegs: number;
  readonly silentLegs: number;
  readonly slowestRate: number;
  readonly injectedLoss: number;
  readonly injectedDuplicates: number;
  readonly injectedDelays: number;
  readonly driverCpuSeconds: number;
  /** Slots of 1 ms that began over 5 ms late: the load itself was not even. */
  readonly driverLateSlots: number;
  readonly driverWorstLateMs: number;
}

type Report = TonesReport | DelayReport | CountersReport | { readonly type: 'ready' };

/** The native load driver (native/load) as a child process: commands in, reports out. */
export class RtpDriver {
  readonly #child: ChildProcess;
  readonly #waiting: {
    type: string;
    resolve: (report: Report) => void;
    reject: (error: Error) => void;
  }[] = [];
  readonly options: DriverOptions;

  private constructor(child: ChildProcess, options: DriverOptions) {
    this.#child = child;
    this.options = options;
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => this.#onLine(line));
    }
    child.on('exit', (code) => {
      for (const { reject } of this.#waiting)
        reject(new Error(`the load driver ended with ${code}`));
      this.#waiting.length = 0;
    });
  }

  static async start(options: DriverOptions): Promise<RtpDriver> {
    const { impairment } = options;
    const args = {
      legs: options.legs,
      address: options.address,
      'base-port': options.basePort,
      codec: options.codec,
      talkers: options.talkers,
      'turn-ms': options.turnMs,
      loss: impairment.loss,
      duplicate: impairment.duplicate,
      reorder: impairment.reorder,
      'jitter-ms': impairment.jitterMs,
      ...(options.cpu === undefined ? {} : { cpu: options.cpu }),
    };
    const words = Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn(driverPath(), words, { stdio: ['pipe', 'pipe', 'inherit'] });
    const driver = new RtpDriver(child, options);
    await driver.#next('ready');
    return driver;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  portOf(leg: number): number {
    return this.options.basePort + 2 * leg;
  }

  /** Starts sending. */
  startLeg(leg: DriverLeg): void {
    const words = [leg.leg, leg.to.address, leg.to.port, leg.payloadType, leg.conference];
    words.push(leg.member, leg.tone, leg.measured ? 1 : 0, leg.levelId);
    this.#command(`leg ${words.join(' ')}`);
  }

  dropLeg(leg: number): void {
    this.#command(`drop ${leg}`);
  }

  sendDigits(leg: number, payloadType: number, digits: string): void {
    this.#command(`digits ${leg} ${payloadType} ${digits}`);
  }

  /** Everyone hears every other talker of their conference, nobody themselves or another conference. */
  async measureTones(seconds: number): Promise<{ tones: TonesReport; counters: CountersReport }> {
    this.#command(`tones ${seconds}`);
    // Both lines may come in one chunk: whoever waits for them must be there before the first.
    const [tones, counters] = await Promise.all([this.#next('tones'), this.#next('counters')]);
    if (tones.type !== 'tones' || counters.type !== 'counters')
      throw new Error('reports out of order');
    return { tones, counters };
  }

  /** RTP in to RTP out, with a chirp from the first member of every conference twice a second. */
  async measureDelay(seconds: number): Promise<{ delay: DelayReport; counters: CountersReport }> {
    this.#command(`delay ${seconds}`);
    // Both lines may come in one chunk: whoever waits for them must be there before the first.
    const [delay, counters] = await Promise.all([this.#next('delay'), this.#next('counters')]);
    if (delay.type !== 'delay' || counters.type !== 'counters')
      throw new Error('reports out of order');
    return { delay, counters };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = new Promise<void>((resolve) => {
      this.#child.once('exit', () => resolve());
    });
    this.#command('quit');
    await exited;
  }

  #command(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  #next(type: Report['type']): Promise<Report> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ type, resolve, reject });
    });
  }

  #onLine(line: string): void {
    const report = JSON.parse(line) as Report;
    const waiting = this.#waiting.shift();
    if (waiting?.type === report.type) waiting.resolve(report);
    else waiting?.reject(new Error(`expected a report ${waiting.type}, got ${line}`));
  }
}

function driverPath(): string {
  // From dist/bench when built, from bench in tests.
  const root = import.meta.url.includes('/dist/') ? '../../' : '../';
  return fileURLToPath(new URL(`${root}build/Release/rtp_load`, import.meta.url));
}
