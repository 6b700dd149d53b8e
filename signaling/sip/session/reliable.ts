/**
 * Reliable provisional responses of a called side (RFC 3262 section 3): one is open at a time, repeated
 * from T1 doubling until its PRACK, the next ones wait in a short queue.
 */
import type { Clock, Timer } from '../../../common/clock.ts';
import type { Random } from '../../../common/ids.ts';
import type { RAck } from '../fields.ts';
import type { SipResponse } from '../message.ts';
import type { TimerValues } from '../transaction/timers.ts';

export interface ReliableOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: TimerValues;
  /** CSeq number of the INVITE. */
  readonly inviteCSeq: number;
  readonly send: (response: SipResponse) => void;
  /** No PRACK within 64*T1: the INVITE is to be refused with a 5xx. */
  readonly onTimeout: () => void;
}

interface Entry {
  readonly build: (rseq: number) => SipResponse;
  /** What the response carries; the PRACK for an offer brings the answer. */
  readonly description: 'offer' | 'answer' | undefined;
}

/** An application that rings and progresses more often than that has no reason to. */
const MAX_QUEUED = 8;

export class ReliableProvisionals {
  readonly #options: ReliableOptions;
  readonly #queue: Entry[] = [];
  #rseq: number;
  #open: Entry | undefined;
  #repeat: Timer | undefined;
  #giveUp: Timer | undefined;
  #stopped = false;

  constructor(options: ReliableOptions) {
    this.#options = options;
    // Section 3: the first value is random, below 2^31.
    this.#rseq = options.random.below(2 ** 31 - 1000);
  }

  /** False: too many wait already; nothing is sent. */
  send(build: Entry['build'], description: Entry['description']): boolean {
    if (this.#stopped || this.#queue.length >= MAX_QUEUED) return false;
    this.#queue.push({ build, description });
    if (this.#open === undefined) this.#next();
    return true;
  }

  /**
   * Something is on its way that was not acknowledged. A 2xx must not overtake a description (section 3);
   * we let it overtake nothing, as peers that ask for PRACK expect one thing after the other.
   */
  get pending(): boolean {
    return this.#open !== undefined || this.#queue.length > 0;
  }

  /** Section 3: the PRACK acknowledges what is open, or gets 481. */
  acknowledge(rack: RAck): { readonly description: Entry['description'] } | undefined {
    const { inviteCSeq } = this.#options;
    const entry = this.#open;
    const fits =
      rack.rseq === this.#rseq && rack.cseq.number === inviteCSeq && rack.cseq.method === 'INVITE';
    if (entry === undefined || !fits) return undefined;
    this.#open = undefined;
    this.#stopTimers();
    return { description: entry.description };
  }

  /** The PRACK has its answer: what waits may go. */
  proceed(): void {
    if (!this.#stopped && this.#open === undefined) this.#next();
  }

  /** A final response was sent: nothing is repeated, a late PRACK for the last one is still known. */
  stop(): void {
    this.#stopped = true;
    this.#queue.length = 0;
    this.#stopTimers();
  }

  #next(): void {
    const entry = this.#queue.shift();
    if (entry === undefined) return;
    this.#rseq += 1;
    this.#open = entry;
    const response = entry.build(this.#rseq);
    const { clock, timers, send, onTimeout } = this.#options;
    const again = (intervalMs: number): void => {
      this.#repeat = clock.after(intervalMs, () => {
        send(response);
        again(intervalMs * 2);
      });
    };
    this.#giveUp = clock.after(64 * timers.t1Ms, () => {
      this.stop();
      onTimeout();
    });
    send(response);
    again(timers.t1Ms);
  }

  #stopTimers(): void {
    this.#repeat?.cancel();
    this.#giveUp?.cancel();
  }
}
