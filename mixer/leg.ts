/**
 * A leg seen from this thread: turns calls into commands and events into callbacks. It mirrors what the
 * engine does and never decides about samples.
 */
import { MediaError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { fail, ok, type Result } from '../common/result.ts';
import {
  AUDIENCE,
  DIGIT_QUEUE,
  DIGIT_SOURCE,
  DIRECTION,
  MAX_EVENT_FORMATS,
  MAX_NAMED,
  MAX_RECEIVE_FORMATS,
  NO_PAYLOAD_TYPE,
  PLAY_END,
  ROUTE_KIND,
  writeCloseLegCommand,
  writeConfigureCommand,
  writeGainCommand,
  writeHearCommand,
  writeMuteCommand,
  writeRouteCommand,
  writeSendDigitsCommand,
} from './abi.gen.ts';
import { NO_ADDRESS, packAddress, unpackAddress } from './address.ts';
import { type EngineFormat, sendOptions, wantsDtx } from './codec-format.ts';
import { Conference } from './conference.ts';
import { LegPlayer } from './leg-player.ts';
import { LegRecorder } from './leg-recorder.ts';
import { NO_STATISTICS, statisticsOf } from './leg-statistics.ts';
import type {
  Codec,
  CodecName,
  Digit,
  Gains,
  Hearing,
  LegStatistics,
  LevelExtensions,
  MediaLeg,
  MediaLegEvents,
  MediaParameters,
  Playback,
  PlayOptions,
  Prompt,
  Recording,
  RecordOptions,
  Route,
} from './media.ts';
import type { SocketPair } from './port-pool.ts';
import type { PromptMemory } from './prompt-memory.ts';
import type { HostedLeg, WorkerHost } from './worker-host.ts';

const DIGITS: readonly Digit[] = [
  ...(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'] as const),
];
/** Long enough for every receiver, short enough for quick dialling. */
const DEFAULT_DIGIT_MS = 100;

const MAX_GAIN_DB = 24;

const NO_LEVELS: LevelExtensions = {
  audioLevelSendId: 0,
  audioLevelReceiveId: 0,
  mixLevelsSendId: 0,
  mixLevelsReceiveId: 0,
};

/** What a leg needs of the engine around it. */
export interface LegServices {
  readonly prompts: PromptMemory;
  readonly log: Logger;
  /** What the engine makes of a negotiated codec; undefined when it cannot do it. */
  readonly formatOf: (codec: Codec) => EngineFormat | undefined;
  readonly openRecorder: LegRecorder['open'];
  /** The sockets are no longer used by the engine. */
  readonly release: (sockets: SocketPair) => void;
  /** Something happened that has to be polled for. */
  readonly wake: () => void;
}

export class Leg implements MediaLeg, HostedLeg {
  readonly id: number;
  readonly localAddress: string;
  readonly host: WorkerHost;
  readonly #sockets: SocketPair;
  readonly #services: LegServices;
  readonly #events: MediaLegEvents;
  readonly #player: LegPlayer;
  readonly #recorder: LegRecorder;
  #conference: Conference | null = null;
  #relayPeer: Leg | null = null;
  #digitsUnderWay = 0;
  #remote: MediaParameters['remote'] = null;
  #rateHz = 8000;
  #codec: CodecName | undefined;
  #packetMs = 20;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #last: LegStatistics | null = null;
  #closing: Promise<LegStatistics> | null = null;
  #resolveClosed: ((statistics: LegStatistics) => void) | null = null;

  constructor(
    id: number,
    host: WorkerHost,
    sockets: SocketPair,
    localAddress: string,
    events: MediaLegEvents,
    services: LegServices,
  ) {
    this.id = id;
    this.host = host;
    this.localAddress = localAddress;
    this.#sockets = sockets;
    this.#services = services;
    this.#events = events;
    this.#player = new LegPlayer(id, host, services.prompts, services.log);
    this.#recorder = new LegRecorder(id, host, services.openRecorder);
  }

  /** At which it is mixed. */
  get rateHz(): number {
    return this.#rateHz;
  }

  get rtpPort(): number {
    return this.#sockets.port;
  }

  configure(parameters: MediaParameters): void {
    if (this.#state !== 'open') return;
    const send = this.#services.formatOf(parameters.send);
    if (send === undefined) {
      // Negotiation offers what the engine can do; coming here is a bug that must not cost other calls.
      this.#services.log.error({ codec: parameters.send.name }, 'the engine lacks this codec');
      return;
    }
    const remote = parameters.remote === null ? NO_ADDRESS : packAddress(parameters.remote.address);
    const receive = parameters.receive
      .flatMap((codec) => {
        const format = this.#services.formatOf(codec);
        return format === undefined ? [] : [{ payloadType: codec.payloadType, ...format }];
      })
      .slice(0, MAX_RECEIVE_FORMATS);
    const events = (parameters.telephoneEvent?.receivePayloadTypes ?? []).slice(
      0,
      MAX_EVENT_FORMATS,
    );
    this.host.send((view, at) =>
      writeConfigureCommand(view, at, {
        leg: this.id,
        address: remote.bytes,
        family: remote.family,
        port: parameters.remote?.port ?? 0,
        rtcpPort: parameters.remoteRtcpPort ?? 0,
        direction: DIRECTION[parameters.direction],
        ptimeMs: parameters.ptimeMs,
        sendCodec: send.kind,
        sendRateKhz: send.rateHz / 1000,
        sendPayloadType: parameters.send.payloadType,
        ...sendOptions(parameters.send),
        eventSendPayloadType: parameters.telephoneEvent?.sendPayloadType ?? NO_PAYLOAD_TYPE,
        comfortNoisePayloadType: parameters.comfortNoisePayloadType ?? NO_PAYLOAD_TYPE,
        sendComfortNoise: parameters.silenceSuppression === true ? 1 : 0,
        sendDtx: parameters.silenceSuppression === true && wantsDtx(parameters.send) ? 1 : 0,
        ...(parameters.levels ?? NO_LEVELS),
        receiveCount: receive.length,
        receivePayloadTypes: Uint8Array.from(receive, (format) => format.payloadType),
        receiveCodecs: Uint8Array.from(receive, (format) => format.kind),
        receiveRatesKhz: Uint8Array.from(receive, (format) => format.rateHz / 1000),
        eventReceiveCount: events.length,
        eventReceivePayloadTypes: Uint8Array.from(events),
      }),
    );
    this.#remote = parameters.remote;
    this.#rateHz = send.rateHz;
    this.#codec = parameters.send.name;
    this.#packetMs = parameters.ptimeMs;
    this.#player.useRate(this.#rateHz);
  }

  route(route: Route): void {
    if (this.#state !== 'open') return;
    const [kind, target] = this.#destination(route);
    if (kind === null) return;
    this.#leavePeers();
    if (route.kind === 'relay' && route.peer instanceof Leg) {
      route.peer.#leavePeers();
      route.peer.#relayPeer = this;
      this.#relayPeer = route.peer;
    } else if (route.kind === 'conference' && route.conference instanceof Conference) {
      this.#conference = route.conference;
      route.conference.members.add(this);
    }
    const muted = route.kind === 'conference' && route.muted === true ? 1 : 0;
    this.host.send((view, at) =>
      writeRouteCommand(view, at, { leg: this.id, kind, muted, target }),
    );
  }

  play(prompts: readonly Prompt[], options: PlayOptions = {}): Playback {
    return this.#player.play(prompts, options, this.#state === 'open');
  }

  stopPlaying(): void {
    this.#player.stop(0);
  }

  sendDigits(digits: readonly Digit[], durationMs = DEFAULT_DIGIT_MS): Result<void, MediaError> {
    if (this.#state !== 'open') return fail(new MediaError('closed', 'the leg is closed'));
    if (this.#digitsUnderWay + digits.length > DIGIT_QUEUE) {
      return fail(new MediaError('overloaded', `more than ${DIGIT_QUEUE} digits wait to be sent`));
    }
    if (!(durationMs >= 40 && durationMs <= 8000)) {
      return fail(new MediaError('bad-request', `a digit lasts 40 to 8000 ms, not ${durationMs}`));
    }
    this.#digitsUnderWay += digits.length;
    const codes = Uint8Array.from(digits, (digit) => DIGITS.indexOf(digit));
    this.host.send((view, at) =>
      writeSendDigitsCommand(view, at, {
        leg: this.id,
        durationMs: Math.round(durationMs),
        count: codes.length,
        digits: codes,
      }),
    );
    return ok(undefined);
  }

  record(options: RecordOptions): Promise<Result<Recording, MediaError>> {
    if (this.#state !== 'open') {
      return Promise.resolve(fail(new MediaError('closed', 'the leg is closed')));
    }
    return this.#recorder.start(options, this.#rateHz);
  }

  setMuted(muted: boolean): void {
    if (this.#state !== 'open') return;
    this.host.send((view, at) =>
      writeMuteCommand(view, at, { leg: this.id, muted: muted ? 1 : 0 }),
    );
  }

  setHearing(hearing: Hearing): Result<void, MediaError> {
    if (this.#state !== 'open') return fail(new MediaError('closed', 'the leg is closed'));
    const [audience, legs] = audienceOf(hearing.heardBy);
    if (legs.length > MAX_NAMED) {
      return fail(new MediaError('bad-request', `at most ${MAX_NAMED} legs can be named`));
    }
    const named = new DataView(new ArrayBuffer(MAX_NAMED * 4));
    for (const [index, leg] of legs.entries()) named.setUint32(index * 4, leg.id, true);
    this.host.send((view, at) =>
      writeHearCommand(view, at, {
        leg: this.id,
        audience,
        hears: hearing.hears === false ? 0 : 1,
        priority: hearing.priority === true ? 1 : 0,
        count: legs.length,
        named: new Uint8Array(named.buffer),
      }),
    );
    return ok(undefined);
  }

  setGains({ inputDb, outputDb }: Gains): Result<void, MediaError> {
    if (this.#state !== 'open') return fail(new MediaError('closed', 'the leg is closed'));
    if (!isGain(inputDb) || !isGain(outputDb)) {
      const message = `gains are from -${MAX_GAIN_DB} to ${MAX_GAIN_DB} dB, not ${inputDb} and ${outputDb}`;
      return fail(new MediaError('bad-request', message));
    }
    const [input, output] = [10 ** (inputDb / 20), 10 ** (outputDb / 20)];
    this.host.send((view, at) => writeGainCommand(view, at, { leg: this.id, input, output }));
    return ok(undefined);
  }

  statistics(): LegStatistics {
    if (this.#last !== null) return this.#last;
    const record = this.host.legRecord(this.id);
    // Nothing was published since the leg was opened: the record is that of the slot's last owner.
    if (record.version === 0 || record.leg !== this.id) return NO_STATISTICS;
    return statisticsOf(record, this.#codec, this.#packetMs);
  }

  close(): Promise<LegStatistics> {
    if (this.#closing !== null) return this.#closing;
    if (this.#state === 'closed') return Promise.resolve(this.statistics());
    this.#closing = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#state = 'closing';
    this.#leavePeers();
    this.host.send((view, at) => writeCloseLegCommand(view, at, { leg: this.id }));
    this.#services.wake();
    return this.#closing;
  }

  /** The conference of this leg was closed. */
  onConferenceClosed(conference: Conference): void {
    if (this.#conference === conference) this.#conference = null;
  }

  onClosed(): void {
    this.#end();
  }

  onLost(error: MediaError): void {
    if (this.#state === 'closed') return;
    const told = this.#state === 'open';
    this.#end();
    if (told) this.#events.onLost?.(error);
  }

  onDigit(digit: number, source: number, durationMs: number): void {
    const name = DIGITS[digit];
    if (name === undefined || this.#state !== 'open') return;
    this.#events.onDigit?.(name, durationMs, source === DIGIT_SOURCE.rtp ? 'rtp' : 'inband');
  }

  onReceiving(family: number, address: Uint8Array, port: number): void {
    if (this.#state !== 'open') return;
    this.#events.onReceiving?.({ address: unpackAddress(family, address), port });
  }

  onSilent(): void {
    if (this.#state === 'open') this.#events.onSilent?.();
  }

  onUnheard(): void {
    const remote = this.#remote;
    this.#services.log.warn(
      { leg: this.id, remote },
      'nothing came from the address in SDP; RTP to it stops',
    );
  }

  onTalking(talking: boolean): void {
    // Also while closing: every start has its stop.
    this.#events.onTalking?.(talking);
  }

  onPlayFinished(playback: number, end: number): void {
    this.#player.onFinished(playback, end === PLAY_END.played ? 'played' : 'stopped');
  }

  onDigitsSent(count: number): void {
    this.#digitsUnderWay = Math.max(0, this.#digitsUnderWay - count);
  }

  onRecordingEnded(ring: number): void {
    this.#recorder.onEnded(ring);
  }

  #end(): void {
    if (this.#state === 'closed') return;
    this.#last = this.statistics();
    this.#state = 'closed';
    this.#leavePeers();
    this.#player.abandon();
    this.#recorder.abandon();
    this.host.legs.remove(this.id);
    this.#services.release(this.#sockets);
    this.#resolveClosed?.(this.#last);
  }

  /** Kind and handle for the command; null when the other end is gone, then this leg becomes idle. */
  #destination(route: Route): readonly [number, number] | readonly [null, 0] {
    switch (route.kind) {
      case 'idle':
        return [ROUTE_KIND.idle, 0];
      case 'echo':
        return [ROUTE_KIND.echo, 0];
      case 'relay':
        if (route.peer instanceof Leg && route.peer.host === this.host) {
          return [ROUTE_KIND.relay, route.peer.id];
        }
        break;
      case 'conference':
        if (route.conference instanceof Conference && route.conference.host === this.host) {
          return [ROUTE_KIND.conference, route.conference.id];
        }
        break;
    }
    this.#services.log.error({ leg: this.id, route: route.kind }, 'route across media threads');
    return [null, 0];
  }

  #leavePeers(): void {
    this.#conference?.members.delete(this);
    this.#conference = null;
    if (this.#relayPeer !== null) this.#relayPeer.#relayPeer = null;
    this.#relayPeer = null;
  }
}

const isGain = (db: number): boolean => db >= -MAX_GAIN_DB && db <= MAX_GAIN_DB;

function audienceOf(heardBy: Hearing['heardBy']): readonly [number, readonly MediaLeg[]] {
  if (heardBy === 'everybody' || heardBy === 'nobody') return [AUDIENCE[heardBy], []];
  return 'only' in heardBy ? [AUDIENCE.only, heardBy.only] : [AUDIENCE.except, heardBy.except];
}
