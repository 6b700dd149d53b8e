/**
 * The load harness: N simulated callers in M conferences over SIP and RTP against any SIP target, ours
 * or a peer. Signaling is ours (one user agent), media is the native driver (native/load), so that the
 * load side costs less than the mixer it drives. Every figure comes with its checks: packet rate,
 * loss, timestamps, tone matrix. A load that fails a check is not a capacity.
 */
import { systemClock } from '../common/clock.ts';
import { MediaError } from '../common/errors.ts';
import { systemRandom } from '../common/ids.ts';
import { silentLogger } from '../common/log.ts';
import { createMetrics } from '../common/metrics.ts';
import { fail, ok, type Result } from '../common/result.ts';
import { createUserAgent } from '../signaling/sip/ua.ts';
import { parseSipUri } from '../signaling/sip/uri.ts';
import type { Session, SessionMedia, UserAgent } from '../signaling/sip/user-agent.ts';
import { machineBusy, processCpuSeconds, processResidentKib } from './process-cpu.ts';
import {
  type CountersReport,
  type DelayReport,
  LOAD_FORMATS,
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

export interface LoadReport {
  readonly options: Omit<LoadOptions, 'progress'>;
  readonly calls: {
    readonly wanted: number;
    readonly established: number;
    readonly failed: Readonly<Record<string, number>>;
  };
  readonly endedEarly: number;
  readonly tones: TonesReport;
  readonly counters: CountersReport;
  readonly delay: DelayReport | null;
  readonly cpu: {
    readonly seconds: number;
    readonly shareOfCore: number;
    readonly msPerConfereeSecond: number;
    readonly confereesPerCore: number;
    readonly residentKibPerConferee: number;
    /** Load of other processes during the window, in cores. */
    readonly foreignCores: number;
  } | null;
  /** Names of the checks that failed; empty means that the load was held. */
  readonly failures: readonly string[];
}

/** SDP of a driver leg; the engine under test is the one that has to be clever. */
class DriverMedia implements SessionMedia {
  remote: { address: string; port: number; payloadType: number; eventType: number | null } | null =
    null;
  readonly #address: string;
  readonly #port: number;
  readonly #codec: LoadCodec;

  constructor(address: string, port: number, codec: LoadCodec) {
    this.#address = address;
    this.#port = port;
    this.#codec = codec;
  }

  createOffer(): Result<string, MediaError> {
    const { payloadType, rtpmap } = LOAD_FORMATS[this.#codec];
    const eventClockHz = this.#codec === 'opus' ? 48000 : 8000;
    const lines = [
      'v=0',
      `o=- ${this.#port} 1 IN IP4 ${this.#address}`,
      's=load',
      `c=IN IP4 ${this.#address}`,
      't=0 0',
      `m=audio ${this.#port} RTP/AVP ${payloadType} 101`,
      `a=rtpmap:${payloadType} ${rtpmap}`,
      `a=rtpmap:101 telephone-event/${eventClockHz}`,
      'a=fmtp:101 0-15',
      'a=ptime:20',
      'a=sendrecv',
    ];
    return ok(`${lines.join('\r\n')}\r\n`);
  }

  acceptAnswer(answer: string): Result<void, MediaError> {
    const media = /^m=audio (\d+) \S+ (\d+)/m.exec(answer);
    const address = /^c=IN IP4 (\S+)/m.exec(answer)?.[1];
    const event = /^a=rtpmap:(\d+) telephone-event/im.exec(answer)?.[1];
    if (media === null || address === undefined) {
      return fail(new MediaError('bad-description', `expected an audio answer, got ${answer}`));
    }
    this.remote = {
      address,
      port: Number(media[1]),
      payloadType: Number(media[2]),
      eventType: event === undefined ? null : Number(event),
    };
    return ok(undefined);
  }

  acceptOffer(): Result<string, MediaError> {
    return this.createOffer();
  }

  rollBack(): void {
    // Nothing to go back to: the driver has one description for the life of the call.
  }
}

interface Call {
  readonly index: number;
  readonly conference: number;
  readonly member: number;
  session: Session | undefined;
  established: boolean;
  ended: boolean;
}

/** Runs one load to its end. Throws only when the load itself cannot be made (ports taken, bad target). */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const total = options.conferences * options.size;
  const driver = await RtpDriver.start({
    legs: total,
    address: options.localAddress,
    basePort: options.basePort,
    codec: options.codec,
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
  });
  const started = await agent.start();
  if (!started.ok) throw started.error;
  try {
    return await measure(options, driver, agent);
  } finally {
    await agent.stop();
    await driver.stop();
  }
}

async function measure(
  options: LoadOptions,
  driver: RtpDriver,
  agent: UserAgent,
): Promise<LoadReport> {
  const failed: Record<string, number> = {};
  const calls: Call[] = [];
  const outcomes: Promise<void>[] = [];
  const beganMs = systemClock.nowMs();
  for (let index = 0; index < options.conferences * options.size; index++) {
    const call: Call = {
      index,
      conference: Math.floor(index / options.size),
      member: index % options.size,
      session: undefined,
      established: false,
      ended: false,
    };
    calls.push(call);
    outcomes.push(place(options, driver, agent, call, failed));
    const dueMs = beganMs + ((index + 1) * 1000) / options.ramp;
    const waitMs = dueMs - systemClock.nowMs();
    if (waitMs > 1) await systemClock.sleep(waitMs);
  }
  await Promise.all(outcomes);
  const established = calls.filter((call) => call.established).length;
  options.progress(`${established} of ${calls.length} calls established`);
  await systemClock.sleep(options.dtmf === undefined ? 3_000 : 20_000);

  const cpuBegin = options.pids.map(processCpuSeconds);
  const machineBegin = machineBusy();
  const wallBegin = systemClock.nowMs();
  const { tones, counters } = await driver.measureTones(options.seconds);
  const wallSeconds = (systemClock.nowMs() - wallBegin) / 1000;
  const machineEnd = machineBusy();
  const cpuSeconds = options.pids.reduce(
    (sum, pid, index) => sum + processCpuSeconds(pid) - (cpuBegin[index] ?? 0),
    0,
  );
  const residentKib = options.pids.reduce((sum, pid) => sum + processResidentKib(pid), 0);
  const delayRun = options.delay ? await driver.measureDelay(options.seconds) : null;
  const endedEarly = calls.filter((call) => call.established && call.ended).length;
  const machineCores = (machineEnd.busy - machineBegin.busy) / 100 / wallSeconds;
  const { progress: _, ...plainOptions } = options;
  const report = {
    options: plainOptions,
    calls: { wanted: calls.length, established, failed },
    endedEarly,
    tones,
    counters,
    delay: delayRun?.delay ?? null,
    cpu:
      options.pids.length === 0
        ? null
        : {
            seconds: cpuSeconds,
            shareOfCore: cpuSeconds / wallSeconds,
            msPerConfereeSecond: (cpuSeconds * 1000) / wallSeconds / Math.max(1, established),
            confereesPerCore: (established * wallSeconds) / Math.max(0.001, cpuSeconds),
            residentKibPerConferee: residentKib / Math.max(1, established),
            foreignCores: machineCores - (cpuSeconds + counters.driverCpuSeconds) / wallSeconds,
          },
  };
  return { ...report, failures: checks(report) };
}

/** The checks that a load must hold (the same that the peers were measured with). */
function checks(report: Omit<LoadReport, 'failures'>): string[] {
  const { calls, tones, counters, delay, endedEarly } = report;
  const failures: string[] = [];
  if (calls.established < calls.wanted) failures.push('calls');
  if (endedEarly > 0) failures.push('ended-early');
  // 99 % of the calls get at least 49.5 packets a second.
  if (counters.slowLegs > counters.legs / 100 || counters.silentLegs > 0)
    failures.push('packet-rate');
  if (counters.lost > 0) failures.push('loss');
  if (counters.timestampErrors > 0) failures.push('timestamps');
  if (counters.ssrcChanges > 0) failures.push('ssrc');
  if (tones.incomplete > 0) failures.push('incomplete');
  if (tones.levelFailures > 0) failures.push('levels');
  if (tones.ownFailures > 0) failures.push('minus-one');
  if (tones.foreignFailures > 0) failures.push('cross-talk');
  if (delay !== null && delay.missed > delay.probes / 100) failures.push('probes-missed');
  return failures;
}

async function place(
  options: LoadOptions,
  driver: RtpDriver,
  agent: UserAgent,
  call: Call,
  failed: Record<string, number>,
): Promise<void> {
  const name = `load${call.conference}`;
  const to = parseSipUri(options.target.replaceAll('{conference}', name));
  if (!to.ok) throw new MediaError('bad-request', `target ${options.target}: ${to.error.detail}`);
  const media = new DriverMedia(options.localAddress, driver.portOf(call.index), options.codec);
  await new Promise<void>((resolve) => {
    call.session = agent.invite({
      to: to.value,
      media,
      events: {
        onEstablished: () => {
          call.established = true;
          start(options, driver, call, media);
          resolve();
        },
        onEnded: (end) => {
          call.ended = true;
          if (!call.established) {
            const why = String(end.status ?? end.by);
            failed[why] = (failed[why] ?? 0) + 1;
          }
          resolve();
        },
      },
    });
  });
}

function start(options: LoadOptions, driver: RtpDriver, call: Call, media: DriverMedia): void {
  if (media.remote === null) return;
  // Neighbouring conferences use other tones, so that cross-talk would be heard.
  const tone =
    call.member < options.contributors ? call.conference * options.contributors + call.member : -1;
  driver.startLeg(
    call.index,
    media.remote,
    media.remote.payloadType,
    call.conference,
    call.member,
    tone,
  );
  if (options.dtmf !== undefined && media.remote.eventType !== null) {
    const digits = options.dtmf.replaceAll('{conference}', String(call.conference));
    driver.sendDigits(call.index, media.remote.eventType, digits);
  }
}
