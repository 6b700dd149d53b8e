/** One client transaction: a table, its timers and the transport it sends on. */
import { check } from '../../../common/check.ts';
import type { Clock } from '../../../common/clock.ts';
import type { MediaError } from '../../../common/errors.ts';
import { Machine } from '../../../common/fsm.ts';
import type { SipRequest, SipResponse } from '../message.ts';
import { serializeMessage } from '../serializer.ts';
import type { Transport } from '../transport/transport.ts';
import { TimerSet } from './effects.ts';
import {
  type ClientEffect,
  type ClientEvent,
  INVITE_CLIENT,
  type InviteClientEvent,
  type InviteClientState,
} from './invite-client.ts';
import {
  NON_INVITE_CLIENT,
  type NonInviteClientEvent,
  type NonInviteClientState,
} from './non-invite-client.ts';
import { ackOf } from './requests.ts';
import type { TimerName, TimerValues } from './timers.ts';
import type { Flow, Target } from './transaction-user.ts';

export interface ClientOwner {
  onProvisional(response: SipResponse, flow: Flow): void;
  onFinal(response: SipResponse, flow: Flow): void;
  onTimeout(): void;
  onTransportError(error: MediaError): void;
  /** The INVITE wants its CANCEL sent now. */
  onCancelDue(): void;
  /** Last; forget it. */
  onTerminated(): void;
  onTransition(from: string, event: string, to: string, verdict: string): void;
}

export interface ClientOptions {
  /** With its Via. */
  readonly request: SipRequest;
  readonly transport: Transport;
  readonly target: Target;
  readonly clock: Clock;
  readonly timers: TimerValues;
  readonly owner: ClientOwner;
}

export class ClientRunner {
  readonly #options: ClientOptions;
  readonly #bytes: Uint8Array;
  readonly #timers: TimerSet;
  /** One of the two, by the method. */
  readonly #invite: Machine<InviteClientState, InviteClientEvent, ClientEffect> | undefined;
  readonly #other: Machine<NonInviteClientState, NonInviteClientEvent, ClientEffect> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#bytes = serializeMessage(options.request);
    const { clock, timers, transport, owner } = options;
    this.#timers = new TimerSet(clock, timers, transport.reliable, (timer) => this.#onTimer(timer));
    const run = (effect: ClientEffect): void => this.#run(effect);
    const onTransition = (from: string, event: { type: string }, to: string, verdict: string) =>
      owner.onTransition(from, event.type, to, verdict);
    if (options.request.method === 'INVITE') {
      this.#invite = new Machine({ table: INVITE_CLIENT, initial: 'idle', run, onTransition });
    } else {
      this.#other = new Machine({ table: NON_INVITE_CLIENT, initial: 'idle', run, onTransition });
    }
  }

  #send(event: ClientEvent): void {
    this.#invite?.send(event);
    this.#other?.send(event);
  }

  begin(): void {
    this.#send({ type: 'begin' });
  }

  /** INVITE only. */
  cancel(): void {
    this.#invite?.send({ type: 'cancel' });
  }

  onResponse(response: SipResponse, flow: Flow): void {
    const type: ClientEvent['type'] =
      response.status < 200 ? 'provisional' : response.status < 300 ? 'success' : 'failure';
    this.#send({ type, response, flow });
  }

  /** Ends it without a word to anyone: the layer closes. */
  abandon(): void {
    this.#timers.stopAll();
  }

  #onTimer(timer: TimerName): void {
    switch (timer) {
      case 'A':
      case 'B':
      case 'D':
      case 'M':
        this.#invite?.send({ type: timer });
        break;
      case 'cancel':
        this.#invite?.send({ type: 'cancelTimeout' });
        break;
      case 'E':
      case 'F':
      case 'K':
        this.#other?.send({ type: timer });
        break;
      default:
        check(false, `timer ${timer} in a client transaction`);
    }
  }

  #run(effect: ClientEffect): void {
    const { owner, request } = this.#options;
    switch (effect.type) {
      case 'start':
      case 'backOff':
      case 'stop':
        this.#timers.run(effect);
        break;
      case 'sendRequest':
        this.#transmit(this.#bytes);
        break;
      case 'sendAck':
        this.#transmit(serializeMessage(ackOf(request, effect.response)));
        break;
      case 'sendCancel':
        owner.onCancelDue();
        break;
      case 'tellProvisional':
        owner.onProvisional(effect.response, effect.flow);
        break;
      case 'tellFinal':
        owner.onFinal(effect.response, effect.flow);
        break;
      case 'tellTimeout':
        owner.onTimeout();
        break;
      case 'tellTransportError':
        owner.onTransportError(effect.error);
        break;
      case 'terminate':
        this.#timers.stopAll();
        owner.onTerminated();
        break;
    }
  }

  #transmit(bytes: Uint8Array): void {
    const { transport, target, clock } = this.#options;
    transport.send(bytes, target, (outcome) => {
      if (outcome.ok) return;
      const { error } = outcome;
      // Later, so that nobody is told of a failure before the call that caused it has returned.
      clock.after(0, () => this.#send({ type: 'transportError', error }));
    });
  }
}
