/** One server transaction: a table, its timers and the way back to the peer. */
import { check } from '../../../common/check.ts';
import type { Clock } from '../../../common/clock.ts';
import { MediaError } from '../../../common/errors.ts';
import { Machine } from '../../../common/fsm.ts';
import { tagOf } from '../fields.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message.ts';
import { serializeMessage } from '../serializer.ts';
import { TimerSet } from './effects.ts';
import {
  INVITE_SERVER,
  type InviteServerEvent,
  type InviteServerState,
  type ServerEffect,
  type ServerEvent,
} from './invite-server.ts';
import {
  NON_INVITE_SERVER,
  type NonInviteServerEvent,
  type NonInviteServerState,
} from './non-invite-server.ts';
import type { TimerName, TimerValues } from './timers.ts';
import type { Flow, ServerTransaction } from './transaction-user.ts';

export interface ServerOwner {
  /** Sends towards the peer of `flow` (section 18.2.2); reports a failure. */
  transmit(bytes: Uint8Array, onFailure: (error: MediaError) => void): void;
  onAck(ack: SipRequest, flow: Flow): void;
  onTerminated(): void;
  onTransition(from: string, event: string, to: string, verdict: string): void;
}

export interface ServerOptions {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly reliable: boolean;
  readonly clock: Clock;
  readonly timers: TimerValues;
  readonly owner: ServerOwner;
}

export class ServerRunner implements ServerTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  onCancel?: (cancel: SipRequest) => void;
  onTransportError?: (error: MediaError) => void;
  readonly #options: ServerOptions;
  readonly #timers: TimerSet;
  /** One of the two, by the method. */
  readonly #invite: Machine<InviteServerState, InviteServerEvent, ServerEffect> | undefined;
  readonly #other: Machine<NonInviteServerState, NonInviteServerEvent, ServerEffect> | undefined;
  #lastResponse: Uint8Array | undefined;
  #toTag: string | undefined;

  constructor(options: ServerOptions) {
    this.request = options.request;
    this.flow = options.flow;
    this.#options = options;
    const { clock, timers, reliable, owner } = options;
    this.#timers = new TimerSet(clock, timers, reliable, (timer) => this.#onTimer(timer));
    const run = (effect: ServerEffect): void => this.#run(effect);
    const onTransition = (from: string, event: { type: string }, to: string, verdict: string) =>
      owner.onTransition(from, event.type, to, verdict);
    if (options.request.method === 'INVITE') {
      this.#invite = new Machine({ table: INVITE_SERVER, initial: 'idle', run, onTransition });
    } else {
      this.#other = new Machine({ table: NON_INVITE_SERVER, initial: 'idle', run, onTransition });
    }
  }

  #send(event: ServerEvent): void {
    this.#invite?.send(event);
    this.#other?.send(event);
  }

  begin(): void {
    this.#send({ type: 'begin' });
  }

  /** Of the responses so far: the one to a CANCEL has the same (section 9.2). */
  get toTag(): string | undefined {
    return this.#toTag;
  }

  respond(response: SipResponse): void {
    const { status } = response;
    this.#toTag = tagOf(response.headers.get('To')) ?? this.#toTag;
    const type: ServerEvent['type'] =
      status < 200 ? 'respondProvisional' : status < 300 ? 'respondSuccess' : 'respondFailure';
    this.#send({ type, response });
  }

  onRetransmission(): void {
    this.#send({ type: 'request' });
  }

  /** INVITE only. */
  onAck(ack: SipRequest, flow: Flow): void {
    this.#invite?.send({ type: 'ack', ack, flow });
  }

  /** INVITE only. */
  onCancelRequest(cancel: SipRequest): void {
    this.#invite?.send({ type: 'cancel', cancel });
  }

  abandon(): void {
    this.#timers.stopAll();
  }

  #onTimer(timer: TimerName): void {
    switch (timer) {
      case 'trying':
      case 'G':
      case 'H':
      case 'I':
      case 'L':
        this.#invite?.send({ type: timer });
        break;
      case 'J':
        this.#other?.send({ type: timer });
        break;
      default:
        check(false, `timer ${timer} in a server transaction`);
    }
  }

  #run(effect: ServerEffect): void {
    const { owner } = this.#options;
    switch (effect.type) {
      case 'start':
      case 'backOff':
      case 'stop':
        this.#timers.run(effect);
        break;
      case 'sendResponse':
        this.#transmit(serializeMessage(effect.response));
        break;
      case 'sendTrying':
        this.#transmit(serializeMessage(responseTo(this.request, 100)));
        break;
      case 'resend':
        if (this.#lastResponse !== undefined) this.#transmit(this.#lastResponse);
        break;
      case 'tellAck':
        owner.onAck(effect.ack, effect.flow);
        break;
      case 'tellCancel':
        this.onCancel?.(effect.cancel);
        break;
      case 'tellNoAck':
        this.onTransportError?.(new MediaError('timeout', 'no ACK to the final response'));
        break;
      case 'tellTransportError':
        this.onTransportError?.(effect.error);
        break;
      case 'terminate':
        this.#timers.stopAll();
        owner.onTerminated();
        break;
    }
  }

  #transmit(bytes: Uint8Array): void {
    this.#lastResponse = bytes;
    this.#options.owner.transmit(bytes, (error) => {
      this.#options.clock.after(0, () => this.#send({ type: 'transportError', error }));
    });
  }
}
