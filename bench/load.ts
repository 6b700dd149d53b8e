/**
 * The load harness: N simulated callers in M conferences over SIP and RTP against any SIP target, ours
 * or a peer. Signaling is ours (one user agent), media is the native driver (native/load), so that the
 * load side costs less than the mixer it drives. Every figure comes with its checks: packet rate,
 * loss, timestamps, tone matrix. A load that fails a check is not a capacity.
 */
import { systemClock } from '../common/clock.ts';
import { systemRandom } from '../common/ids.ts';
import { silentLogger } from '../common/log.ts';
import { createMetrics } from '../common/metrics.ts';
import { createUserAgent } from '../signaling/sip/ua.ts';
import { Callers, type CallsReport } from './callers.ts';
import { failedChecks } from './checks.ts';
import { type Machine, thisMachine } from './machine.ts';
import { machineBusy, processCpuSeconds, processResidentKib } from './process-cpu.ts';
import {
  type CountersReport,
  type DelayReport,
  type Impairment,
  type LoadCodec,
  RtpDriver,
  type TonesReport,
} from './rtp-driver.ts';

export interface LoadOptions {
  /** SIP URI; `{conference}` is replaced by the conference's name: `sip:conf={conference}@127.0.0.1:5070`. */
  readonly target: string;
  readonly conferences: number;
  readonly size: number;
  /** Members of each conference that send a tone; the others send noise at −66 dBFS. */
  readonly contributors: number;
  /** Contributors talk one after another, each for so long; 0: all at once. */
  readonly turnMs: number;
  /** Sends audio levels (RFC 6464) where the answer agrees. */
  readonly levels: boolean;
  readonly impairment: Impairment;
  readonly codec: LoadCodec;
  readonly seconds: number;
  /** Calls a second. */
  readonly ramp: number;
  readonly localAddress: string;
  readonly sipPort: number;
  readonly basePort: number;
  /** Digits after answer, for a target that asks for a code; `{conference}` is its number. */
  readonly dtmf?: string;
  /** Processes whose CPU time is measured. */
  readonly pids: readonly number[];
  readonly driverCpu?: number;
  readonly delay: boolean;
  readonly progress: (line: string) => void;
}

export interface CpuReport {
  readonly seconds: number;
  readonly shareOfCore: number;
  readonly msPerConfereeSecond: number;
  readonly confereesPerCore: number;
  /** Resident memory of the processes before the first call and after the last, and what a call added. */
  readonly residentBeforeKib: number;
  readonly residentAfterKib: number;
  readonly residentKibPerConferee: number;
  /** Load of other processes during the window, in cores. */
  readonly foreignCores: number;
}

/** The load side itself: it has to cost less than what it drives. */
export interface DriverReport {
  readonly shareOfCore: number;
  readonly msPerConfereeSecond: number;
  /** Driver over target; null when no target process was named. */
  readonly ratio: number | null;
}

export interface LoadReport {
  readonly kind: 'load';
  readonly machine: Machine;
  readonly options: Omit<LoadOptions, 'progress'>;
  readonly calls: CallsReport;
  readonly endedEarly: number;
  readonly tones: TonesReport;
  readonly counters: CountersReport;
  readonly delay: DelayReport | null;
  readonly delayCounters: CountersReport | null;
  readonly cpu: CpuReport | null;
  readonly driver: DriverReport;
  /** Names of the checks that failed; empty means that the load was held. */
  readonly failures: readonly string[];
}

/** A driver and a user agent for `legs` calls; `use` gets them, and they are ended after it. */
export async function withCallers<T>(
  options: LoadOptions,
  legs: number,
  use: (callers: Callers, driver: RtpDriver) => Promise<T>,
): Promise<T> {
  const driver = await RtpDriver.start({
    legs,
    address: options.localAddress,
    basePort: options.basePort,
    codec: options.codec,
    talkers: Math.max(1, options.contributors),
    turnMs: options.turnMs,
    impairment: options.impairment,
    ...(options.driverCpu === undefined ? {} : { cpu: options.driverCpu }),
  });
  const agent = createUserAgent({
    listen: { udp: { address: options.localAddress, port: options.sipPort } },
    name: 'minusone-load',
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    metrics: createMetrics(),
    events: { onInvite: (session) => session.reject(486) },
    limits: { sessions: legs + 100, transactions: 4 * legs + 1000 },
  });
  const started = await agent.start();
  if (!started.ok) {
    await driver.stop();
    throw started.error;
  }
  const { target, localAddress, codec, contributors, levels, dtmf } = options;
  const shared = { driver, agent, target, localAddress, codec, contributors, levels };
  try {
    return await use(new Callers({ ...shared, dtmf }), driver);
  } finally {
    await agent.stop();
    await driver.stop();
  }
}

/** How long after the last call before anything is measured: codes are entered, buffers settle. */
export function settleMs(options: LoadOptions): number {
  return options.dtmf === undefined ? 4_000 : 20_000;
}

/** Runs one load to its end. Throws only when the load itself cannot be made (ports taken, bad target). */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { conferences, size, ramp } = options;
  return withCallers(options, conferences * size, async (callers, driver) => {
    const residentBeforeKib = residentKib(options.pids);
    const group = { prefix: 'load', conferences, size, ramp, firstLeg: 0, firstConference: 0 };
    const calls = await callers.place({ ...group, measured: true });
    options.progress(`${calls.established} of ${calls.wanted} calls established`);
    await systemClock.sleep(settleMs(options));
    const { cpu, tones, counters } = await measureTones(options, driver, calls, residentBeforeKib);
    const delayed = options.delay ? await driver.measureDelay(options.seconds) : null;
    const { progress: _, ...plainOptions } = options;
    const measured = { calls, endedEarly: callers.endedEarly, tones };
    const delayCounters = delayed?.counters ?? null;
    const delay = delayed?.delay ?? null;
    const failures = failedChecks({
      ...measured,
      delay,
      counters: [counters, ...(delayCounters === null ? [] : [delayCounters])],
    });
    return {
      kind: 'load',
      machine: thisMachine(),
      options: plainOptions,
      ...measured,
      counters,
      delay,
      delayCounters,
      cpu,
      driver: driverReport(counters, cpu),
      failures,
    };
  });
}

async function measureTones(
  options: LoadOptions,
  driver: RtpDriver,
  calls: CallsReport,
  residentBeforeKib: number,
): Promise<{ tones: TonesReport; counters: CountersReport; cpu: CpuReport | null }> {
  const { pids } = options;
  const window = new CpuWindow(pids);
  // The analysis after the window is not part of it.
  const ends = systemClock.sleep(options.seconds * 1000).then(() => window.end());
  const { tones, counters } = await driver.measureTones(options.seconds);
  const { cpuSeconds, wallSeconds, machineCores } = await ends;
  if (pids.length === 0) return { tones, counters, cpu: null };
  const residentAfterKib = residentKib(pids);
  const established = Math.max(1, calls.established);
  const driverShare = counters.driverCpuSeconds / counters.seconds;
  const cpu = {
    seconds: cpuSeconds,
    shareOfCore: cpuSeconds / wallSeconds,
    msPerConfereeSecond: (cpuSeconds * 1000) / wallSeconds / established,
    confereesPerCore: (established * wallSeconds) / Math.max(0.001, cpuSeconds),
    residentBeforeKib,
    residentAfterKib,
    residentKibPerConferee: (residentAfterKib - residentBeforeKib) / established,
    foreignCores: machineCores - cpuSeconds / wallSeconds - driverShare,
  };
  return { tones, counters, cpu };
}

export function driverReport(counters: CountersReport, cpu: CpuReport | null): DriverReport {
  const shareOfCore = counters.driverCpuSeconds / counters.seconds;
  const msPerConfereeSecond = (shareOfCore * 1000) / Math.max(1, counters.legs);
  const ratio = cpu === null ? null : msPerConfereeSecond / Math.max(1e-6, cpu.msPerConfereeSecond);
  return { shareOfCore, msPerConfereeSecond, ratio };
}

export function residentKib(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + processResidentKib(pid), 0);
}

/** CPU time of processes and of the machine between two moments. */
export class CpuWindow {
  readonly #pids: readonly number[];
  readonly #began: readonly number[];
  readonly #machine = machineBusy();
  readonly #beganMs = systemClock.nowMs();

  constructor(pids: readonly number[]) {
    this.#pids = pids;
    this.#began = pids.map(processCpuSeconds);
  }

  end(): {
    readonly cpuSeconds: number;
    readonly wallSeconds: number;
    readonly machineCores: number;
  } {
    const wallSeconds = (systemClock.nowMs() - this.#beganMs) / 1000;
    const spent = this.#pids.map((pid, at) => processCpuSeconds(pid) - (this.#began[at] ?? 0));
    const cpuSeconds = spent.reduce((sum, seconds) => sum + seconds, 0);
    const machineCores = (machineBusy().busy - this.#machine.busy) / 100 / wallSeconds;
    return { cpuSeconds, wallSeconds, machineCores };
  }
}
