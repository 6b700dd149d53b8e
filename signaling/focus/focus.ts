/**
 * The mixer role: takes calls into conferences (`sip:conf=NAME@mixer`, RFC 4240 section 5) and does
 * what interface servers ask of it over the bus. Start here; conferences.ts holds who is where,
 * calls.ts one call each. It must never know accounts, codes, waiting modes or hosts.
 *
 *   interface server ── create, admit, mute, remove, end ──▶ bus `mixer.ID` ──▶ Conferences ──▶ engine
 *   VRU, gateway, load tool ── INVITE sip:conf=NAME;conferee=ID ──▶ calls ──▶ Conferences
 *   lease `mixer/ID` ◀── measured load, every second or sooner (R45)
 */
import type { Bus, Subscription } from '../../common/bus/bus.ts';
import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { ConferenceId, NodeId, Random } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Role } from '../../common/role.ts';
import type { Store } from '../../common/store/store.ts';
import type { MediaEngine, MixOptions } from '../../mixer/media.ts';
import { type KeptLease, keepLease } from '../conference/kept-lease.ts';
import {
  type CreateReply,
  type MixerEvent,
  type MixerRecord,
  type MixerRequest,
  mixerRequest,
  SUBJECTS,
} from '../conference/messages.ts';
import { KEYS } from '../conference/records.ts';
import { type CodecChoice, TELEPHONY_CODECS } from '../sdp/codec-selection.ts';
import type { UserAgent, UserAgentEvents } from '../sip/user-agent.ts';
import { Announcements, type Speak } from './announcements.ts';
import { type CallsOptions, takeCall } from './calls.ts';
import { Conferences } from './conferences.ts';
import { Recordings } from './recordings.ts';
import { type TrustedPeers, trustedPeers } from './trusted-peers.ts';

export interface MixerOptions {
  readonly id: NodeId;
  readonly mixerClass: string;
  /** How its conferences are mixed. Default as `openConference` says. */
  readonly mix?: MixOptions;
  /** Makes the mixer's own user agent, listening on its own address; started and stopped here. */
  readonly createUserAgent: (events: UserAgentEvents) => UserAgent;
  /** Owned and closed by the caller, after the role was stopped. */
  readonly engine: MediaEngine;
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Whether an INVITE to an unknown name makes a conference. */
  readonly adhoc: boolean;
  /** Addresses or networks besides loopback. */
  readonly trustedPeers: readonly string[];
  /** Default PCMU, PCMA. */
  readonly codecs?: readonly CodecChoice[];
  /** Default 20. */
  readonly ptimeMs?: number;
  /** Address of the RTP sockets; default the engine's. */
  readonly localAddress?: string;
  /** In SDP, where it differs from that of the sockets. */
  readonly advertisedAddress?: string;
  /** RTP and RTCP both missing for so long end a call. Default 60 s; 0 never. */
  readonly silenceTimeoutMs?: number;
  /** Puts words into audio of `engine`; absent: conferences hear no announcements, only recorded names. */
  readonly speak?: Speak;
  /** For recordings of conferences; absent: they are refused. */
  readonly recordingFolder?: string;
}

/** Four renewals fit in; a mixer is gone for everybody this long after its last one. */
const LEASE_MS = 3_000;
const SILENCE_TIMEOUT_MS = 60_000;

/** Errors: the address is in use, the store is not there. */
export async function startMixer(options: MixerOptions): Promise<Result<Role, MediaError>> {
  const mixer = new Mixer(options);
  const started = await mixer.start();
  return started.ok ? ok(mixer) : started;
}

class Mixer implements Role {
  readonly name = 'mixer';
  readonly #options: MixerOptions;
  readonly #log: Logger;
  readonly #agent: UserAgent;
  readonly #conferences: Conferences;
  readonly #announcements: Announcements;
  readonly #recordings: Recordings;
  readonly #trusted: TrustedPeers;
  #subscription: Subscription | undefined;
  #lease: KeptLease | undefined;
  #draining = false;
  #stopped: Promise<void> | undefined;

  constructor(options: MixerOptions) {
    const { engine, clock, random } = options;
    this.#options = options;
    this.#log = options.log.child({ mixerId: options.id });
    this.#trusted = trustedPeers(options.trustedPeers);
    const announced = options.metrics.counter(
      'minusone_mixer_announcements_total',
      'Announcements to whole conferences, by what became of them.',
      ['mixer', 'outcome'],
    );
    this.#announcements = new Announcements({
      ...options,
      log: this.#log,
      speak: options.speak ?? (() => []),
      onOutcome: (outcome) => announced.add(1, { mixer: options.id, outcome }),
    });
    this.#recordings = new Recordings({
      ...options,
      log: this.#log,
      folder: options.recordingFolder,
    });
    this.#conferences = new Conferences({
      engine,
      mix: options.mix ?? {},
      clock,
      random,
      onJoined: (conferenceId, confereeId) =>
        this.#publish({ kind: 'joined', conferenceId, confereeId }),
      onLeft: (conferenceId, confereeId, why) =>
        this.#publish({ kind: 'left', conferenceId, confereeId, why }),
      onEnded: (conferenceId, why) => {
        this.#log.info({ conferenceId, why }, 'conference ended on this mixer');
        this.#publish({ kind: 'ended', conferenceId, why });
        this.#endRecording(conferenceId);
      },
    });
    const calls = this.#callOptions();
    this.#agent = options.createUserAgent({
      onInvite: (session) => {
        takeCall(calls, session).catch((error: unknown) => {
          // Our own bug; the caller must not be left ringing.
          this.#log.error(
            { callId: session.id, error: String(error) },
            'a call could not be taken',
          );
          void session.end();
        });
      },
    });
  }

  async start(): Promise<Result<void, MediaError>> {
    const { bus, store, clock, id } = this.#options;
    const listening = await this.#agent.start();
    if (!listening.ok) return listening;
    this.#measure();
    this.#subscription = await bus.serve(SUBJECTS.mixer(id), (body) => this.#handle(body), {
      concurrency: 64,
      queueLimit: 10_000,
    });
    const lease = await keepLease({
      store,
      clock,
      log: this.#log,
      key: KEYS.mixer(id),
      ttlMs: LEASE_MS,
      value: () => this.#record(),
      // Without a media thread nothing can be mixed here: conferences are placed elsewhere at once.
      able: () => this.#options.engine.load().running,
    });
    if (!lease.ok) {
      await this.stop();
      return lease;
    }
    this.#lease = lease.value;
    this.#log.info({ address: this.#address(), class: this.#options.mixerClass }, 'mixer ready');
    return ok(undefined);
  }

  health(): { readonly ready: boolean; readonly detail?: string } {
    if (this.#stopped !== undefined) return { ready: false, detail: 'stopped' };
    if (this.#draining) return { ready: false, detail: 'draining' };
    if (this.#lease === undefined) return { ready: false, detail: 'starting' };
    const { running } = this.#options.engine.load();
    return running ? { ready: true } : { ready: false, detail: 'no media thread runs' };
  }

  /** New conferences are refused; conferees of running ones still come in. */
  activity(): number {
    return this.#agent.sessionCount;
  }

  drain(): void {
    this.#draining = true;
    void this.#lease?.refresh();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#draining = true;
    // First out of sight, so that nothing new is placed here.
    await this.#lease?.release();
    await this.#subscription?.close();
    this.#conferences.endAll('stopped');
    await this.#agent.stop();
  }

  #callOptions(): CallsOptions {
    const { engine, clock, random, advertisedAddress, localAddress } = this.#options;
    const outcomes = this.#options.metrics.counter(
      'minusone_mixer_invites_total',
      'Calls to mixers, by what became of them.',
      ['mixer', 'outcome'],
    );
    return {
      conferences: this.#conferences,
      engine,
      clock,
      random,
      log: this.#log,
      trusted: this.#trusted,
      codecs: this.#options.codecs ?? TELEPHONY_CODECS,
      advertisedAddress,
      localAddress,
      silenceTimeoutMs: this.#options.silenceTimeoutMs ?? SILENCE_TIMEOUT_MS,
      ptimeMs: this.#options.ptimeMs ?? 20,
      acceptsNew: () => {
        if (this.#draining) return 'draining';
        return this.#options.adhoc ? 'yes' : 'no';
      },
      onTalking: ({ conferenceId, confereeId }, talking) =>
        this.#publish({ kind: 'talking', conferenceId, confereeId, talking }),
      onOutcome: (outcome) => outcomes.add(1, { mixer: this.#options.id, outcome }),
    };
  }

  async #handle(body: unknown): Promise<Result<unknown, MediaError>> {
    const parsed = mixerRequest.safeParse(body);
    if (!parsed.success) return fail(new MediaError('bad-request', parsed.error.message));
    const result = await this.#carryOut(parsed.data);
    // A new conference counts at once: the next placement must see it.
    if (parsed.data.kind === 'create' && result.ok) await this.#lease?.refresh();
    return result;
  }

  #carryOut(
    request: MixerRequest,
  ): Result<unknown, MediaError> | Promise<Result<unknown, MediaError>> {
    const { conferenceId } = request;
    switch (request.kind) {
      case 'create':
        return this.#create(request);
      case 'admit': {
        const { confereeId, muted, sub, held } = request;
        const admitted = this.#conferences.admit(conferenceId, confereeId, { muted, sub, held });
        return admitted.ok ? ok({}) : admitted;
      }
      case 'remove':
        this.#conferences.remove(conferenceId, request.confereeId);
        return ok({});
      case 'mute': {
        const { confereeId, muted, sub, held, version } = request;
        return this.#conferences.mute(conferenceId, confereeId, { muted, sub, held }, version);
      }
      case 'announce':
        return this.#announce(request);
      case 'record':
        return this.#recordConference(request);
      case 'end':
        this.#conferences.end(conferenceId, 'request');
        return ok({});
      case 'levels':
        return ok({ talkers: this.#conferences.talkers(conferenceId) });
      case 'media':
        return ok({ media: this.#conferences.measured(conferenceId, request.confereeId) ?? null });
    }
  }

  async #announce({
    conferenceId,
    requestId,
    language,
    words,
  }: Extract<MixerRequest, { kind: 'announce' }>): Promise<Result<unknown, MediaError>> {
    const media = this.#conferences.mediaOf(conferenceId);
    if (media === undefined) return notHere(conferenceId);
    const isOpen = (): boolean => this.#conferences.mediaOf(conferenceId) === media;
    await this.#announcements.say(media, { name: requestId, language, words }, isOpen);
    return ok({});
  }

  async #recordConference({
    requestId,
    conferenceId,
    on,
  }: Extract<MixerRequest, { kind: 'record' }>): Promise<Result<unknown, MediaError>> {
    const media = this.#conferences.mediaOf(conferenceId);
    if (media === undefined) return notHere(conferenceId);
    const done = await this.#recordings.once(requestId, () =>
      on ? this.#recordings.start(conferenceId, media) : this.#recordings.stop(conferenceId),
    );
    if (!done.ok) return done;
    return ok({ file: done.value, recording: this.#recordings.isRunning(conferenceId) });
  }

  #endRecording(conferenceId: ConferenceId): void {
    this.#recordings.stop(conferenceId).then(
      (done) => {
        if (!done.ok) this.#log.error({ conferenceId, err: done.error }, 'a recording failed');
      },
      (error: unknown) => this.#log.error({ conferenceId, err: error }, 'a recording failed'),
    );
  }

  #create({
    conferenceId,
    mixerClass,
  }: Extract<MixerRequest, { kind: 'create' }>): Result<CreateReply, MediaError> {
    const known = this.#conferences.has(conferenceId);
    if (this.#draining && !known) {
      return fail(new MediaError('draining', 'this mixer takes no new conferences'));
    }
    if (mixerClass !== this.#options.mixerClass) {
      const message = `this mixer is of class ${this.#options.mixerClass}, not ${mixerClass}`;
      return fail(new MediaError('bad-request', message));
    }
    const created = this.#conferences.create(conferenceId);
    if (!created.ok) return created;
    if (!known) this.#log.info({ conferenceId }, 'conference created');
    return ok({ mixerId: this.#options.id, mixerAddress: this.#address() });
  }

  #record(): MixerRecord {
    const { busyShare, latenessMs, headroom } = this.#options.engine.load();
    return {
      id: this.#options.id,
      mixerClass: this.#options.mixerClass,
      address: this.#address(),
      busyShare,
      latenessMs,
      headroom,
      conferences: this.#conferences.conferenceCount,
      conferees: this.#conferences.confereeCount,
      draining: this.#draining,
    };
  }

  #address(): string {
    const { host, port } = this.#agent.contact;
    return port === undefined ? host : `${host}:${port}`;
  }

  #publish(event: DistributiveOmit<MixerEvent, 'mixerId'>): void {
    const { bus, id } = this.#options;
    bus.publish(SUBJECTS.mixerEvents(event.conferenceId), { ...event, mixerId: id });
  }

  #measure(): void {
    const { metrics, engine, id } = this.#options;
    const gauge = (name: string, help: string) =>
      metrics.gauge(`minusone_mixer_${name}`, help, ['mixer']);
    const busy = gauge('busy_ratio', 'Share of time the busiest worker spends in its ticks.');
    const late = gauge('lateness_seconds', '99th percentile of tick lateness.');
    const headroom = gauge('headroom_conferees', 'How many more conferees fit, as measured.');
    const conferences = gauge('conferences', 'Conferences on this mixer.');
    const conferees = gauge('conferees', 'Conferees whose call is up.');
    metrics.onCollect(() => {
      const load = engine.load();
      const labels = { mixer: id };
      busy.set(load.busyShare, labels);
      late.set(load.latenessMs / 1000, labels);
      headroom.set(load.headroom, labels);
      conferences.set(this.#conferences.conferenceCount, labels);
      conferees.set(this.#conferences.confereeCount, labels);
    });
  }
}

function notHere(id: ConferenceId): Result<never, MediaError> {
  return fail(new MediaError('conference-unknown', `${id} is not here`));
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
