/**
 * Calls that this VRU makes for a conference (R26): what is reported of each, what bounds it, and whom
 * the called person meets. An order comes from conference signaling, which has decided that it may be
 * called and counts it; the trunk turns it into an INVITE. Two ways: the called person hears an invitation and
 * presses 1 (invitation.ts), or talks with the host first, who brings him in or drops him (consult.ts).
 */
import type { Clock, Timer } from '../common/clock.ts';
import type { MediaError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { fail, ok, type Result } from '../common/result.ts';
import type { MediaLeg } from '../mixer/media.ts';
import type { CallerOfVru, ConferenceClient } from '../signaling/conference/client.ts';
import type { DialEnd, DialOrder } from '../signaling/conference/dial-messages.ts';
import type { SessionEnd } from '../signaling/sip/user-agent.ts';
import { maskNumber } from '../signaling/trunk/dial-plan.ts';
import type { TrunkInvite } from '../signaling/trunk/trunk.ts';
import { conferenceOfDialled } from './applications/conference/dialled.ts';
import type { Call, OutgoingCall, OutgoingNews } from './call.ts';
import type { Application, FlowEnd } from './flow.ts';
import { deferred, within } from './scope.ts';
import { invitation } from './steps/invitation.ts';

/** Where calls are made. */
export interface Outdial {
  /** The host's leg is beside the new one; the host hears of everything. Errors: why no call was made. */
  consult(
    order: DialOrder,
    host: { readonly near: MediaLeg; readonly onNews: (news: DialledNews) => void },
  ): Result<DialledCall, MediaError>;
}

/** A call under way, for the host who talks with the called person first. */
export interface DialledCall {
  /** Absent once it is over. */
  readonly leg: MediaLeg | undefined;
  /** Into the conference. */
  bringIn(): void;
  /** CANCEL or BYE. Idempotent. */
  drop(): void;
}

export type DialledNews =
  | { readonly kind: 'ringing'; readonly earlyMedia: boolean }
  | { readonly kind: 'answered' }
  | { readonly kind: 'ended'; readonly why: DialEnd };

export interface DialParts {
  readonly order: DialOrder;
  readonly client: Pick<ConferenceClient, 'dialProgress' | 'dialMinute'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly background: (task: Promise<unknown>) => void;
  readonly invite: (target: TrunkInvite) => OutgoingCall['invite'];
  readonly trunk: (order: DialOrder) => Result<TrunkInvite, MediaError>;
  /** Makes it one of the VRU's calls and starts it. */
  readonly start: (origin: OutgoingCall) => Call;
  readonly greeting: InvitationSettings;
  /** Absent: nobody talks with the called person first. */
  readonly host?: {
    readonly near: MediaLeg;
    readonly onNews: (news: DialledNews) => void;
  };
}

export interface InvitationSettings {
  readonly files?: readonly string[] | undefined;
  readonly tries: number;
  readonly keyMs: number;
}

const MINUTE_MS = 60_000;
/** For the words that it is over, before we hang up. */
const LAST_WORDS_MS = 8_000;

/** Error: the trunk does not take it. */
export function makeCall(parts: DialParts): Result<DialledCall & Cancellable, MediaError> {
  const target = parts.trunk(parts.order);
  return target.ok ? ok(new Dialling(parts, target.value)) : fail(target.error);
}

export interface Cancellable {
  /** Ends it for a reason of conference signaling's. */
  cancel(why: DialEnd): void;
}

class Dialling implements DialledCall, Cancellable {
  readonly #parts: DialParts;
  readonly #decision = deferred<'bring-in'>();
  readonly #call: Call;
  /** The first one counts. */
  #result: DialEnd | undefined;
  #minutes: Timer | undefined;
  #longest: Timer | undefined;
  #goodbye: Timer | undefined;
  #charged = 0;
  #rang = false;
  #over = false;

  constructor(parts: DialParts, target: TrunkInvite) {
    this.#parts = parts;
    const { order, host, log } = parts;
    const { dialId, number, name, trunk, conferenceId } = order;
    log.info({ dialId, conferenceId, trunk, number: maskNumber(number) }, 'calling out');
    const caller: CallerOfVru = {
      callId: dialId,
      callerNumber: number,
      dnis: '',
      ...(name === undefined ? {} : { callerName: name }),
    };
    this.#call = parts.start({
      kind: 'outgoing',
      caller,
      language: order.language,
      near: host?.near,
      invite: parts.invite(target),
      serve: host === undefined ? this.#inviting() : this.#consulting(),
      onNews: (news) => this.#onNews(news),
    });
  }

  get leg(): MediaLeg | undefined {
    return this.#over ? undefined : this.#call.leg;
  }

  bringIn(): void {
    this.#decision.resolve('bring-in');
  }

  drop(): void {
    this.cancel('cancelled');
  }

  cancel(why: DialEnd): void {
    this.#result ??= why;
    this.#call.stop(why);
  }

  /** Nobody is let in who does not press 1: a machine that answers says nothing into the conference. */
  #inviting(): Application {
    const { order, greeting } = this.#parts;
    return async (context) => {
      if (order.confirm && !(await invitation(context, greeting))) {
        this.#result ??= 'not-confirmed';
        return { kind: 'hang-up', reason: 'not-confirmed' };
      }
      return await this.#conference(context);
    };
  }

  #consulting(): Application {
    return async (context) => {
      await within(context.signal, this.#decision.promise);
      return await this.#conference(context);
    };
  }

  async #conference(context: Parameters<Application>[0]): Promise<FlowEnd> {
    const { end, refused } = await conferenceOfDialled(context, this.#parts.order);
    if (refused !== undefined) {
      this.#result ??= refused === 'conference-full' ? 'conference-full' : 'cancelled';
    }
    return end;
  }

  #onNews(news: OutgoingNews): void {
    switch (news.kind) {
      case 'ringing':
        this.#parts.host?.onNews(news);
        if (!this.#rang) this.#report('ringing');
        this.#rang = true;
        break;
      case 'answered':
        this.#parts.host?.onNews(news);
        this.#report('answered');
        this.#keepTime();
        break;
      case 'ended':
        this.#end(news.end);
        break;
    }
  }

  #report(state: 'ringing' | 'answered'): void {
    const { client, order, background } = this.#parts;
    const told = client.dialProgress(order, state).then((wanted) => {
      if (!wanted) this.cancel('cancelled');
    });
    background(told);
  }

  #keepTime(): void {
    const { clock, order, background } = this.#parts;
    const charge = (): void => {
      this.#charged += 1;
      background(this.#charge(this.#charged));
    };
    charge();
    this.#minutes = clock.every(MINUTE_MS, charge);
    this.#longest = clock.after(order.maxDurationMs, () => this.#timeIsUp('time-limit'));
  }

  async #charge(minute: number): Promise<void> {
    const { client, order } = this.#parts;
    if (!(await client.dialMinute(order, minute))) this.#timeIsUp('limit');
  }

  /** Said where somebody listens for it; hung up in any case. */
  #timeIsUp(why: 'time-limit' | 'limit'): void {
    if (this.#over || this.#goodbye !== undefined) return;
    const { order, clock, background } = this.#parts;
    this.#result ??= why;
    const { dialId } = order;
    const requestId = `time-${dialId}`;
    background(
      this.#call.command({ kind: 'release', requestId, callId: dialId, why: 'time-limit' }),
    );
    this.#goodbye = clock.after(LAST_WORDS_MS, () => this.#call.stop(why));
  }

  #end(end: SessionEnd | undefined): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of [this.#minutes, this.#longest, this.#goodbye]) timer?.cancel();
    const why = this.#result ?? endOf(end);
    const { client, order, host, log, background } = this.#parts;
    const { dialId, conferenceId } = order;
    log.info(
      { dialId, conferenceId, why, status: end?.status, minutes: this.#charged },
      'call out ended',
    );
    host?.onNews({ kind: 'ended', why });
    background(client.dialProgress(order, why));
  }
}

const NO_ANSWER: ReadonlySet<number> = new Set([408, 480, 487]);
const BUSY: ReadonlySet<number> = new Set([486, 600]);

/** What the called side's answer means to who called. */
export function endOf(end: SessionEnd | undefined): DialEnd {
  if (end === undefined) return 'failed';
  if (end.established) return 'hung-up';
  if (end.status !== undefined && BUSY.has(end.status)) return 'busy';
  // Q.850 cause 19: it rang, and nobody came; our own limit says so too.
  if (end.q850 === 19 || (end.status !== undefined && NO_ANSWER.has(end.status))) {
    return 'no-answer';
  }
  // Q.850 cause 17, where a gateway sends another status with it.
  return end.q850 === 17 ? 'busy' : 'failed';
}
