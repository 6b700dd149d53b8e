/** The calls of a load: placed at an even rate, their media started in the driver, their ends counted. */
import { systemClock } from '../common/clock.ts';
import { MediaError } from '../common/errors.ts';
import { parseSipUri } from '../signaling/sip/uri.ts';
import type { Session, UserAgent } from '../signaling/sip/user-agent.ts';
import { DriverMedia, type DriverTarget } from './driver-media.ts';
import type { LoadCodec, RtpDriver } from './rtp-driver.ts';

export interface CallersOptions {
  readonly driver: RtpDriver;
  readonly agent: UserAgent;
  /** SIP URI; `{conference}` is replaced by the conference's name. */
  readonly target: string;
  readonly localAddress: string;
  readonly codec: LoadCodec;
  /** Members of each conference that have a tone. */
  readonly contributors: number;
  readonly levels: boolean;
  readonly dtmf: string | undefined;
}

/** Some conferences of one size, called into at one rate. */
export interface Group {
  /** Names are this and a number, from 0. */
  readonly prefix: string;
  readonly conferences: number;
  readonly size: number;
  /** Calls a second. */
  readonly ramp: number;
  /** First leg of the driver and first conference number there; both are free. */
  readonly firstLeg: number;
  readonly firstConference: number;
  readonly measured: boolean;
}

export interface CallsReport {
  readonly wanted: number;
  readonly established: number;
  /** Status or who ended it → how many. */
  readonly failed: Readonly<Record<string, number>>;
  /** Of the 503s, those that say when to try again. */
  readonly withRetryAfter: number;
  /** Levels are in the header as agreed. */
  readonly withLevels: number;
  /** From INVITE to established, in ms. */
  readonly setupP50Ms: number;
  readonly setupP99Ms: number;
  readonly seconds: number;
}

interface Call {
  readonly leg: number;
  readonly conference: number;
  readonly member: number;
  session: Session | undefined;
  established: boolean;
  ended: boolean;
}

export class Callers {
  readonly #options: CallersOptions;
  readonly #calls: Call[] = [];

  constructor(options: CallersOptions) {
    this.#options = options;
  }

  /** Calls that came up and ended since. */
  get endedEarly(): number {
    return this.#calls.filter((call) => call.established && call.ended).length;
  }

  /** Resolves when every call of the group came up or failed. */
  async place(group: Group): Promise<CallsReport> {
    const failed: Record<string, number> = {};
    const setups: number[] = [];
    const outcomes: Promise<void>[] = [];
    const calls: Call[] = [];
    let withRetryAfter = 0;
    let withLevels = 0;
    const beganMs = systemClock.nowMs();
    for (let index = 0; index < group.conferences * group.size; index++) {
      const call: Call = {
        leg: group.firstLeg + index,
        conference: Math.floor(index / group.size),
        member: index % group.size,
        session: undefined,
        established: false,
        ended: false,
      };
      calls.push(call);
      this.#calls.push(call);
      outcomes.push(
        this.#place(group, call, {
          up: (setupMs, target) => {
            setups.push(setupMs);
            if (target?.levelId !== 0) withLevels++;
          },
          refused: (why, retryAfterS) => {
            failed[why] = (failed[why] ?? 0) + 1;
            if (why === '503' && retryAfterS !== undefined) withRetryAfter++;
          },
        }),
      );
      const dueMs = beganMs + ((index + 1) * 1000) / group.ramp;
      const waitMs = dueMs - systemClock.nowMs();
      if (waitMs > 1) await systemClock.sleep(waitMs);
    }
    await Promise.all(outcomes);
    setups.sort((a, b) => a - b);
    return {
      wanted: calls.length,
      established: setups.length,
      failed,
      withRetryAfter,
      withLevels,
      setupP50Ms: setups[Math.floor(setups.length / 2)] ?? 0,
      setupP99Ms: setups[Math.floor(setups.length * 0.99)] ?? 0,
      seconds: (systemClock.nowMs() - beganMs) / 1000,
    };
  }

  async #place(
    group: Group,
    call: Call,
    report: {
      up(setupMs: number, target: DriverTarget | null): void;
      refused(why: string, retryAfterS: number | undefined): void;
    },
  ): Promise<void> {
    const { agent, driver, target, localAddress, codec, levels } = this.#options;
    const name = `${group.prefix}${call.conference}`;
    const to = parseSipUri(target.replaceAll('{conference}', name));
    if (!to.ok) throw new MediaError('bad-request', `target ${target}: ${to.error.detail}`);
    const media = new DriverMedia({
      address: localAddress,
      port: driver.portOf(call.leg),
      codec,
      levels,
    });
    const beganMs = systemClock.nowMs();
    await new Promise<void>((resolve) => {
      call.session = agent.invite({
        to: to.value,
        media,
        events: {
          onEstablished: () => {
            call.established = true;
            this.#start(group, call, media);
            report.up(systemClock.nowMs() - beganMs, media.remote);
            resolve();
          },
          onEnded: (end) => {
            call.ended = true;
            driver.dropLeg(call.leg);
            if (!call.established) report.refused(String(end.status ?? end.by), end.retryAfterS);
            resolve();
          },
        },
      });
    });
  }

  #start(group: Group, call: Call, media: DriverMedia): void {
    const { driver, contributors, dtmf } = this.#options;
    if (media.remote === null) return;
    const conference = group.firstConference + call.conference;
    const { payloadType, eventType, levelId } = media.remote;
    driver.startLeg({
      leg: call.leg,
      to: media.remote,
      payloadType,
      conference,
      member: call.member,
      // Neighbouring conferences use other tones, so that cross-talk would be heard.
      tone: call.member < contributors ? conference * contributors + call.member : -1,
      measured: group.measured,
      levelId,
    });
    if (dtmf === undefined || eventType === null) return;
    driver.sendDigits(
      call.leg,
      eventType,
      dtmf.replaceAll('{conference}', String(call.conference)),
    );
  }
}
