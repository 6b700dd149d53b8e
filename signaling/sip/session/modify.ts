/**
 * Changes of a session that we start: a new offer by re-INVITE (RFC 3261 section 14.1) or, before the
 * session is established, by UPDATE (RFC 3311); and the refreshes of the session timer (RFC 4028), by
 * UPDATE without an offer where the peer has it. One at a time.
 */
import type { Timer } from '../../../common/clock.ts';
import { MediaError } from '../../../common/errors.ts';
import { Machine } from '../../../common/fsm.ts';
import { fail, ok, type Result } from '../../../common/result.ts';
import { type InDialogContent, refreshTarget } from '../dialog.ts';
import { parseRetryAfter } from '../fields.ts';
import type { SipResponse } from '../message.ts';
import { descriptionOf } from './body.ts';
import { MODIFY, type ModifyEffect, type ModifyEvent, type ModifyState } from './modify-table.ts';
import { fromResponse, minimumAfter422, requestFields } from './session-timer.ts';
import type { DialogUsage } from './usage.ts';

type Outcome = Result<void, MediaError>;

interface Change {
  readonly purpose: 'full' | 'refresh';
  readonly done: (outcome: Outcome) => void;
  tries: number;
  minimumS: number;
}

/** Glare that many times in a row is not chance. */
const MAX_TRIES = 6;
/** A peer that wants us to wait longer gets its answer as an error. */
const MAX_RETRY_AFTER_S = 10;
/** After a refresh that failed for a reason that may pass. */
const REFRESH_AGAIN_MS = 10_000;

export class Modifier {
  readonly #usage: DialogUsage;
  readonly #machine: Machine<ModifyState, ModifyEvent, ModifyEffect>;
  #change: Change | undefined;
  #timer: Timer | undefined;
  #method: 'INVITE' | 'UPDATE' = 'INVITE';
  #noUpdate = false;

  constructor(usage: DialogUsage) {
    this.#usage = usage;
    this.#machine = new Machine({
      table: MODIFY,
      initial: 'idle',
      run: (effect) => this.#run(effect),
      onTransition: (from, event, to, verdict) => {
        if (verdict === 'illegal') usage.context.metrics.illegal('modify');
        usage.context.log.trace({ machine: 'modify', from, event: event.type, to, verdict }, 'sip');
      },
    });
  }

  /** An INVITE of ours is open: one of the peer gets 491. */
  get inviteOpen(): boolean {
    return this.#machine.state === 'sent' && this.#method === 'INVITE';
  }

  reinvite(): Promise<Outcome> {
    return new Promise((resolve) => this.#ask('full', resolve));
  }

  /** For the session timer; a change that is under way refreshes as well. */
  refresh(): void {
    if (this.#machine.state !== 'idle') {
      this.#usage.timer.refreshLater(REFRESH_AGAIN_MS);
      return;
    }
    this.#ask('refresh', (outcome) => {
      if (!outcome.ok && !this.#usage.owner.ended) {
        this.#usage.context.log.info(
          { error: outcome.error.message },
          'sip session refresh failed',
        );
        this.#usage.timer.refreshLater(REFRESH_AGAIN_MS);
      }
    });
  }

  /** Something that a waiting change waits for is over. */
  wake(): void {
    if (this.#machine.state === 'waiting') this.#check();
  }

  close(): void {
    this.#machine.send({ type: 'close' });
  }

  #ask(purpose: Change['purpose'], done: Change['done']): void {
    const { state } = this.#machine;
    if (state === 'closed') done(fail(new MediaError('closed', 'the session is over')));
    else if (state !== 'idle') done(fail(new MediaError('conflict', 'a change is under way')));
    else {
      this.#change = { purpose, done, tries: 0, minimumS: 0 };
      this.#machine.send({ type: 'ask' });
    }
  }

  #run(effect: ModifyEffect): void {
    switch (effect.type) {
      case 'check':
        this.#check();
        break;
      case 'send':
        this.#send();
        break;
      case 'start-timer':
        this.#timer = this.#usage.context.clock.after(effect.delayMs, () =>
          this.#machine.send({ type: 'timer' }),
        );
        break;
      case 'stop-timer':
        this.#timer?.cancel();
        break;
      case 'abandon':
        this.#finish(fail(new MediaError('closed', 'the session ended first')));
    }
  }

  #finish(outcome: Outcome): void {
    const change = this.#change;
    this.#change = undefined;
    this.#machine.send({ type: 'finished' });
    change?.done(outcome);
  }

  #check(): void {
    const { owner, awaitsAck, exchange } = this.#usage;
    const offerOpen = exchange === 'local-offer' || exchange === 'remote-offer';
    if (owner.answered && (awaitsAck || offerOpen)) return;
    this.#machine.send({ type: 'clear' });
  }

  #send(): void {
    const change = this.#change;
    if (change === undefined) return;
    change.tries += 1;
    const content = this.#content(change);
    if (!content.ok) {
      this.#finish(content);
      return;
    }
    const offered = content.value.body !== undefined;
    this.#usage.request(this.#method, content.value, {
      onFinal: (response) => this.#onFinal(change, response, offered),
      onFailure: (error) => {
        if (offered) this.#usage.offerRefused();
        if (this.#change !== change) return;
        this.#finish(fail(error));
        if (error.code !== 'timeout') return;
        // RFC 3261 section 12.2.1.2: no response is as good as a 408.
        const { message: reason, q850 } = error;
        this.#usage.owner.onBroken({ by: 'timeout', reason, q850, established: true });
      },
    });
  }

  /** Chooses the method and makes the body. */
  #content(change: Change): Result<InDialogContent, MediaError> {
    const usage = this.#usage;
    const mayUpdate = usage.peerAllows('UPDATE') && !this.#noUpdate;
    const established = usage.owner.answered;
    this.#method =
      !established || (change.purpose === 'refresh' && mayUpdate) ? 'UPDATE' : 'INVITE';
    const headers = [
      ...usage.dialogFields,
      ...requestFields(usage.context.timerPolicy, usage.timer.agreed, change.minimumS),
    ];
    if (this.#method === 'UPDATE' && change.purpose === 'refresh') return ok({ headers });
    if (this.#method === 'UPDATE' && (!mayUpdate || usage.exchange !== 'stable')) {
      return fail(new MediaError('conflict', 'not before the session is established'));
    }
    const offer = usage.makeOffer(change.purpose);
    if (!offer.ok) return offer;
    return ok({ headers, body: offer.value, contentType: 'application/sdp' });
  }

  #onFinal(change: Change, response: SipResponse, offered: boolean): void {
    const usage = this.#usage;
    if (this.#change !== change) {
      // The session ended meanwhile; a 2xx is acknowledged all the same (section 13.2.2.4).
      if (response.status < 300 && this.#method === 'INVITE') usage.acknowledge(numberOf(response));
    } else if (response.status < 300) this.#onSuccess(response, offered);
    else {
      if (offered) usage.offerRefused();
      this.#onRefused(change, response);
    }
  }

  #onSuccess(response: SipResponse, offered: boolean): void {
    const usage = this.#usage;
    usage.dialog = refreshTarget(usage.dialog, response);
    usage.learn(response.headers);
    const description = offered ? descriptionOf(response) : undefined;
    const result: Outcome =
      description === undefined
        ? ok(undefined)
        : usage.takeAnswer(description.ok ? description.value : undefined);
    // Whatever came, a 2xx to an INVITE is acknowledged (RFC 3261 section 13.2.2.4).
    if (this.#method === 'INVITE') usage.acknowledge(numberOf(response));
    if (result.ok) usage.timer.restart(fromResponse(response));
    this.#finish(result);
    if (!result.ok) {
      const { message, q850 } = result.error;
      usage.owner.onBroken({ by: 'media', reason: message, q850, established: true });
    }
  }

  #onRefused(change: Change, response: SipResponse): void {
    const { status } = response;
    const error = new MediaError('rejected', `${status} ${response.reasonPhrase}`);
    const wait = this.#waitFor(response);
    const again = change.tries < MAX_TRIES;
    const minimumS = status === 422 ? minimumAfter422(response, change.minimumS) : undefined;
    if (wait !== undefined && again) this.#machine.send({ type: 'glare', delayMs: wait });
    else if (minimumS !== undefined && again) {
      change.minimumS = minimumS;
      this.#machine.send({ type: 'again' });
    } else if (
      this.#method === 'UPDATE' &&
      change.purpose === 'refresh' &&
      again &&
      mayLack(status)
    ) {
      this.#noUpdate = true;
      this.#machine.send({ type: 'again' });
    } else {
      this.#finish(fail(error));
      this.#endIfLost(status, response.reasonPhrase);
    }
  }

  /** RFC 3261 section 12.2.1.2. */
  #endIfLost(status: number, reason: string): void {
    const end = { by: 'remote', status, reason, established: true } as const;
    if (status === 481) this.#usage.owner.onGone(end);
    else if (status === 408) this.#usage.owner.onBroken({ ...end, by: 'timeout' });
  }

  /** Section 14.1: the owner of the Call-ID waits 2.1 to 4 s, the other 0 to 2 s, in steps of 10 ms. */
  #waitFor(response: SipResponse): number | undefined {
    const { random } = this.#usage.context;
    if (response.status === 491) {
      return this.#usage.caller ? 2_100 + 10 * random.below(191) : 10 * random.below(201);
    }
    // Section 14.2: the peer was not done with another one.
    const value = response.headers.get('Retry-After');
    const seconds = value === undefined ? undefined : parseRetryAfter(value);
    const maySend = response.status === 500 || response.status === 503;
    if (!maySend || seconds === undefined || !seconds.ok) return undefined;
    return seconds.value <= MAX_RETRY_AFTER_S ? seconds.value * 1_000 : undefined;
  }
}

const mayLack = (status: number): boolean => status === 405 || status === 501 || status === 420;

function numberOf(response: SipResponse): number {
  return Number.parseInt(response.headers.get('CSeq') ?? '0', 10);
}
