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
  readonly probes: number;
  readonly missed: number;
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
  /** Legs that got fewer than 49.5 packets a second. */
  readonly slowLegs: number;
  readonly silentLegs: number;
  readonly slowestRate: number;
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
    const args = [
      '--legs',
      options.legs,
      '--address',
      options.address,
      '--base-port',
      options.basePort,
    ];
    args.push('--codec', options.codec);
    if (options.cpu !== undefined) args.push('--cpu', options.cpu);
    const child = spawn(driverPath(), args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
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

  /** Starts sending; `tone` is an index into the driver's tones, -1 for a listener (noise at −66 dBFS). */
  startLeg(
    leg: number,
    to: { address: string; port: number },
    payloadType: number,
    conference: number,
    member: number,
    tone: number,
  ): void {
    this.#command(
      `leg ${leg} ${to.address} ${to.port} ${payloadType} ${conference} ${member} ${tone}`,
    );
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
