/**
 * One call, from outside or made by us: a SIP session, a leg of the engine, the key presses from all
 * their sources, and the flow that serves the person at the other end. The table (call-table.ts) says what ends what; this class carries
 * it out.
 */
import type { Timer } from '../common/clock.ts';
import type { MediaError } from '../common/errors.ts';
import { Machine } from '../common/fsm.ts';
import type { CallId, NodeId } from '../common/ids.ts';
import type { Logger } from '../common/log.ts';
import type { Result } from '../common/result.ts';
import type { Digit, MediaLeg, Route } from '../mixer/media.ts';
import type { CallerOfVru } from '../signaling/conference/client.ts';
import type { ApplicationName, VruCommand } from '../signaling/conference/messages.ts';
import type { CallEndWriter } from '../signaling/derived/call-end.ts';
import type { MediaEndpoint } from '../signaling/media/endpoint.ts';
import type { Session, SessionEnd, SessionMedia } from '../signaling/sip/user-agent.ts';
import { APPLICATIONS } from './applications/applications.ts';
import { CallDiary } from './call-diary.ts';
import type { OpenMedia } from './call-media.ts';
import {
  CALL_TABLE,
  type CallEffect,
  type CallEvent,
  type CallRefusal,
  type CallState,
} from './call-table.ts';
import { CommandQueue } from './commands.ts';
import { type ArbiterState, arbitrate, type DigitSource, NO_DIGITS, parseDigit } from './digits.ts';
import {
  type Application,
  type CallContext,
  type Choice,
  type EndReason,
  type Lookup,
  runFlow,
  runSafely,
  type VruParts,
} from './flow.ts';
import { Inbox } from './inbox.ts';
import { type CallIdentity, codeSourceOf, identify } from './routing.ts';
import { deferred } from './scope.ts';

export interface IncomingCall {
  readonly kind: 'incoming';
  readonly session: Session;
  readonly lookup: Lookup;
}

/** How a call that we make goes, for whoever wanted it. */
export type OutgoingNews =
  | { readonly kind: 'ringing'; readonly earlyMedia: boolean }
  | { readonly kind: 'answered' }
  /** `end` is absent when there was no leg for it. */
  | { readonly kind: 'ended'; readonly end: SessionEnd | undefined };

export interface OutgoingCall {
  readonly kind: 'outgoing';
  readonly caller: CallerOfVru;
  readonly language: string;
  /** On the same worker as this leg, so that the two can be relayed. */
  readonly near?: MediaLeg | undefined;
  readonly invite: (media: SessionMedia) => Session;
  readonly serve: Application;
  readonly onNews: (news: OutgoingNews) => void;
}

export interface CallParts {
  readonly origin: IncomingCall | OutgoingCall;
  readonly parts: VruParts;
  readonly openMedia: OpenMedia;
  readonly log: Logger;
  /** Writes the record of the call, at its end. */
  readonly record?: { readonly vruId: NodeId; readonly write: CallEndWriter } | undefined;
  /** Called once, last. */
  readonly onGone: (call: Call) => void;
}

/** Typed ahead; more keys than this are lost and counted. */
const DIGIT_LIMIT = 32;

export class Call {
  readonly id: CallId;
  /** Resolves when everything of the call is given back. */
  readonly gone: Promise<void>;
  readonly #given: CallParts;
  readonly #identity: CallIdentity;
  readonly #log: Logger;
  readonly #diary: CallDiary;
  readonly #machine: Machine<CallState, CallEvent, CallEffect>;
  readonly #digits: Inbox<Digit>;
  readonly #commands: CommandQueue;
  readonly #cancel = new AbortController();
  readonly #resolveGone: () => void;
  #arbiter: ArbiterState = NO_DIGITS;
  #choice: Choice | undefined;
  #session: Session | undefined;
  #media: MediaEndpoint | undefined;
  #cleanUp: Timer | undefined;
  #route: Route = { kind: 'idle' };
  #applied: Route | undefined;
  #endedBy: string | undefined;
  #sessionEnd: SessionEnd | undefined;

  /** Takes the session's events at once, as its interface demands. */
  constructor(given: CallParts) {
    const { origin, parts } = given;
    const incoming = origin.kind === 'incoming' ? origin.session : undefined;
    this.#identity =
      origin.kind === 'incoming'
        ? identify(origin.session)
        : { caller: origin.caller, diversion: undefined };
    this.id = this.#identity.caller.callId;
    this.#given = given;
    this.#log = given.log.child({ callId: this.id });
    this.#diary = new CallDiary(parts.clock, this.#identity.caller);
    this.#digits = new Inbox(parts.clock, DIGIT_LIMIT);
    this.#commands = new CommandQueue(parts.clock);
    const { promise, resolve } = deferred<void>();
    this.gone = promise;
    this.#resolveGone = () => resolve();
    this.#machine = new Machine<CallState, CallEvent, CallEffect>({
      table: CALL_TABLE,
      initial: origin.kind === 'incoming' ? 'routing' : 'dialling',
      run: (effect) => this.#run(effect),
      onTransition: (from, event, state, verdict) => {
        this.#log.trace({ from, event: event.type, to: state, verdict }, 'call');
        if (verdict !== 'illegal') return;
        parts.metrics.illegal.add();
        this.#log.warn({ state: from, event: event.type }, 'unexpected event');
      },
    });
    if (incoming !== undefined) {
      this.#adopt(incoming);
      this.#logIncoming(incoming);
    }
  }

  /** Absent before there is one. */
  get leg(): MediaLeg | undefined {
    return this.#media?.leg;
  }

  /** Routes and answers, or dials. A refusal that is known already, such as overload, comes as argument. */
  start(refusal: CallRefusal | undefined): void {
    const { origin, parts } = this.#given;
    if (refusal !== undefined) this.#machine.send({ type: 'refused', refusal });
    else if (origin.kind === 'incoming') parts.background(this.#lookUp(origin));
    else this.#dial(origin);
  }

  #adopt(session: Session): void {
    const { origin } = this.#given;
    this.#session = session;
    this.#diary.adopt(session);
    session.events = {
      ...(origin.kind === 'incoming'
        ? {}
        : {
            onProgress: (_status, earlyMedia) => origin.onNews({ kind: 'ringing', earlyMedia }),
            onEstablished: () => this.#machine.send({ type: 'answered' }),
          }),
      onMediaChanged: () => this.#applyRoute(),
      onInfoDigit: (text) => this.#onKey(parseDigit(text), 'info'),
      onEnded: (end) => {
        this.#endedBy ??= end.by;
        this.#sessionEnd = end;
        this.#machine.send({ type: 'session-ended' });
      },
    };
  }

  #dial(origin: OutgoingCall): void {
    const opened = this.#open(origin.near);
    if (!opened.ok) {
      this.#machine.send({ type: 'refused', refusal: refusalFor(opened.error) });
      return;
    }
    this.#media = opened.value;
    this.#adopt(origin.invite(opened.value));
  }

  /** Resolves when it was carried out: for `place`, when the caller hears the conference. */
  command(command: VruCommand): Promise<Result<void, MediaError>> {
    return this.#commands.give(command);
  }

  stop(reason: string): void {
    this.#machine.send({ type: 'stop', reason });
  }

  #logIncoming({ flow }: Session): void {
    const { caller, diversion } = this.#identity;
    const { dnis, callerNumber } = caller;
    this.#log.info({ dnis, callerNumber, diversion, flow }, 'call');
  }

  async #lookUp({ lookup }: IncomingCall): Promise<void> {
    const found = await lookup(this.#identity.caller.dnis);
    if (!found.ok) {
      this.#machine.send({ type: 'refused', refusal: refusalFor(found.error) });
      return;
    }
    this.#choice = found.value;
    this.#machine.send({ type: 'routed' });
  }

  #run(effect: CallEffect): void {
    const { parts, origin } = this.#given;
    switch (effect.type) {
      case 'answer':
        parts.background(this.#answer());
        break;
      case 'refuse':
        this.#refuse(effect.refusal);
        break;
      case 'count-refused':
        parts.metrics.callsRefused.add(1, { rule: effect.rule });
        this.#diary.ended(effect.rule);
        this.#log.info({ rule: effect.rule }, 'call not answered');
        break;
      case 'run-flow':
        if (origin.kind === 'outgoing') {
          this.#diary.answered();
          origin.onNews({ kind: 'answered' });
        }
        parts.background(this.#runFlow());
        break;
      case 'cancel-flow':
        this.#commands.close();
        this.#cancel.abort();
        this.#cleanUp = parts.clock.after(parts.settings.cleanUpMs, () =>
          this.#machine.send({ type: 'clean-up-late' }),
        );
        break;
      case 'hang-up':
        this.#commands.close();
        this.#endedBy ??= effect.reason;
        this.#diary.ended(effect.reason);
        if (this.#session !== undefined) {
          parts.background(this.#session.end({ q850: 16, text: effect.reason }));
        }
        break;
      case 'close-media':
        if (this.#media !== undefined) parts.background(this.#media.close());
        break;
      case 'forget':
        this.#commands.close();
        this.#cleanUp?.cancel();
        this.#writeRecord();
        if (origin.kind === 'outgoing') origin.onNews({ kind: 'ended', end: this.#sessionEnd });
        this.#resolveGone();
        this.#given.onGone(this);
        break;
    }
  }

  #refuse(refusal: CallRefusal): void {
    const { parts } = this.#given;
    this.#diary.ended(refusal.rule, refusal.status);
    this.#session?.reject(refusal.status, {
      q850: refusal.q850,
      text: refusal.rule,
      ...(refusal.retry ? { retryAfterS: parts.settings.retryAfterS } : {}),
    });
  }

  #open(near?: MediaLeg): Result<MediaEndpoint, MediaError> {
    const { parts, openMedia } = this.#given;
    return openMedia({
      ...(near === undefined ? {} : { near }),
      inbandDigits: parts.settings.inbandDigits,
      silenceTimeoutMs: parts.settings.callerSilenceMs,
      events: {
        onDigit: (digit, _durationMs, source) => this.#onKey(digit, source),
        onSilent: () => this.#machine.send({ type: 'media-lost', reason: 'no media' }),
        onLost: (error) => {
          this.#log.error({ err: error }, 'leg lost');
          this.#machine.send({ type: 'media-lost', reason: error.code });
        },
      },
    });
  }

  async #answer(): Promise<void> {
    const { parts } = this.#given;
    const session = this.#session;
    if (session === undefined) return;
    const ringMs = this.#choice?.ringMs ?? 0;
    if (ringMs > 0) {
      session.ring();
      await parts.clock.sleep(ringMs);
      // Cancelled, or the VRU stops.
      if (this.#machine.state !== 'answering') return;
    }
    const opened = this.#open();
    if (!opened.ok) {
      this.#machine.send({ type: 'refused', refusal: refusalFor(opened.error) });
      return;
    }
    this.#media = opened.value;
    const accepted = await session.accept(opened.value);
    if (accepted.ok) {
      this.#diary.answered();
      this.#machine.send({ type: 'answered' });
    } else this.#machine.send({ type: 'answer-failed', rule: accepted.error.code });
  }

  async #runFlow(): Promise<void> {
    const { parts, origin } = this.#given;
    const media = this.#media;
    if (media === undefined) return;
    const startedMs = parts.clock.nowMs();
    const context: CallContext = {
      id: this.id,
      caller: this.#identity.caller,
      source: codeSourceOf(this.#identity.caller, this.#session?.flow ?? ''),
      leg: media.leg,
      codec: () => media.codec,
      route: (route) => {
        this.#route = route;
        this.#applyRoute();
      },
      digits: this.#digits,
      commands: this.#commands.inbox,
      signal: this.#cancel.signal,
      language: origin.kind === 'outgoing' ? origin.language : (this.#choice?.language ?? ''),
      decided: (decision) => this.#diary.decided(decision),
      log: this.#log,
      parts,
    };
    const { application, reason } = await this.#serve(context);
    const durationMs = Math.round(parts.clock.nowMs() - startedMs);
    parts.metrics.callsEnded.add(1, { application, end: reason });
    if (application !== 'outdial') this.#diary.served(application);
    this.#diary.ended(reason);
    this.#machine.send({ type: 'flow-ended', reason });
    this.#log.info({ application, reason, endedBy: this.#endedBy, durationMs }, 'call ended');
  }

  #writeRecord(): void {
    const { record, parts } = this.#given;
    if (record === undefined) return;
    const { vruId, write } = record;
    const codec = this.#media?.codec;
    const closed = this.#media?.close() ?? Promise.resolve(undefined);
    const written = closed.then((statistics) => {
      const mos = statistics?.mos ?? null;
      if (mos !== null) parts.metrics.callMos.observe(mos);
      write(this.#diary.close(vruId, this.#endedBy, codec, statistics));
    });
    parts.background(written);
  }

  async #serve(
    context: CallContext,
  ): Promise<{ readonly application: ApplicationName | 'outdial'; readonly reason: EndReason }> {
    const { origin } = this.#given;
    if (origin.kind === 'outgoing') {
      const end = await runSafely(context, origin.serve, {});
      return { application: 'outdial', reason: end.kind === 'hang-up' ? end.reason : 'finished' };
    }
    const choice = this.#choice;
    if (choice === undefined) return { application: 'conference', reason: 'finished' };
    return await runFlow(context, choice, APPLICATIONS, origin.lookup);
  }

  /**
   * A caller who holds the call (RFC 3264 section 8.4) hears nothing and is not heard: the music that
   * his exchange plays meanwhile is not for the conference.
   */
  #applyRoute(): void {
    const direction = this.#media?.parameters?.direction;
    const held = direction === 'recvonly' || direction === 'inactive';
    const route: Route = held ? { kind: 'idle' } : this.#route;
    if (route === this.#applied || (held && this.#applied?.kind === 'idle')) return;
    this.#applied = route;
    this.#media?.leg.route(route);
  }

  /** All sources of key presses meet here. */
  #onKey(digit: Digit | undefined, source: DigitSource): void {
    const { clock, metrics, settings } = this.#given.parts;
    if (digit === undefined) {
      metrics.digits.add(1, { source, fate: 'unknown' });
      return;
    }
    const press = { digit, source, atMs: clock.nowMs() };
    const { state, deliver } = arbitrate(this.#arbiter, press, settings.sameDigitMs);
    this.#arbiter = state;
    const fate = !deliver ? 'same-press' : this.#digits.push(digit) ? 'delivered' : 'overflow';
    metrics.digits.add(1, { source, fate });
  }
}

/** What the caller's network is told for a failure before the answer. */
function refusalFor(error: MediaError): CallRefusal {
  return { status: error.sipStatus, q850: error.q850, rule: error.code, retry: error.retry };
}
