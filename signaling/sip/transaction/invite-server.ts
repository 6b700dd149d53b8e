/**
 * INVITE server transaction: RFC 3261 section 17.2.1 with the Accepted state and timer L of RFC 6026.
 *
 *   idle → proceeding → completed (3xx–6xx, retransmitted by G until ACK or H) → confirmed → terminated
 *                     ↘ accepted (2xx; the user retransmits it, we absorb INVITEs until L) → terminated
 */
import type { MediaError } from '../../../common/errors.ts';
import type { Step, Table } from '../../../common/fsm.ts';
import type { SipRequest, SipResponse } from '../message.ts';
import { backOff, start, stop, type TimerEffect } from './effects.ts';
import type { Flow } from './transaction-user.ts';

export type InviteServerState =
  | 'idle'
  | 'proceeding'
  | 'completed'
  | 'confirmed'
  | 'accepted'
  | 'terminated';

export type ServerEvent =
  | { readonly type: 'begin' }
  /** A retransmission of the request. */
  | { readonly type: 'request' }
  | { readonly type: 'respondProvisional'; readonly response: SipResponse }
  | { readonly type: 'respondSuccess'; readonly response: SipResponse }
  | { readonly type: 'respondFailure'; readonly response: SipResponse }
  | { readonly type: 'transportError'; readonly error: MediaError };

export type InviteServerEvent =
  | ServerEvent
  | { readonly type: 'ack'; readonly ack: SipRequest; readonly flow: Flow }
  | { readonly type: 'cancel'; readonly cancel: SipRequest }
  | { readonly type: 'trying' | 'G' | 'H' | 'I' | 'L' };

export type ServerEffect =
  | TimerEffect
  /** Sends it and keeps it as the last response. */
  | { readonly type: 'sendResponse'; readonly response: SipResponse }
  | { readonly type: 'sendTrying' }
  /** The last response once more, if there is one. */
  | { readonly type: 'resend' }
  | { readonly type: 'tellAck'; readonly ack: SipRequest; readonly flow: Flow }
  | { readonly type: 'tellCancel'; readonly cancel: SipRequest }
  | { readonly type: 'tellNoAck' }
  | { readonly type: 'tellTransportError'; readonly error: MediaError }
  | { readonly type: 'terminate' };

type ServerStep = Step<InviteServerState, ServerEffect>;

const RESEND = { type: 'resend' } as const;
const TERMINATE = { type: 'terminate' } as const;

const broken = ({ error }: { readonly error: MediaError }): ServerStep => ({
  state: 'terminated',
  effects: [{ type: 'tellTransportError', error }, TERMINATE],
});

const gone = (): ServerStep => ({ state: 'terminated', effects: [TERMINATE] });

export const INVITE_SERVER: Table<InviteServerState, InviteServerEvent, ServerEffect> = {
  idle: {
    begin: () => ({ state: 'proceeding', effects: [start('trying')] }),
    request: 'illegal',
    respondProvisional: 'illegal',
    respondSuccess: 'illegal',
    respondFailure: 'illegal',
    transportError: 'illegal',
    ack: 'illegal',
    cancel: 'illegal',
    trying: 'illegal',
    G: 'illegal',
    H: 'illegal',
    I: 'illegal',
    L: 'illegal',
  },
  proceeding: {
    begin: 'illegal',
    request: () => ({ state: 'proceeding', effects: [RESEND] }),
    respondProvisional: ({ response }) => ({
      state: 'proceeding',
      effects: [stop('trying'), { type: 'sendResponse', response }],
    }),
    respondSuccess: ({ response }) => ({
      state: 'accepted',
      effects: [stop('trying'), { type: 'sendResponse', response }, start('L')],
    }),
    respondFailure: ({ response }) => ({
      state: 'completed',
      effects: [stop('trying'), { type: 'sendResponse', response }, start('G'), start('H')],
    }),
    transportError: broken,
    ack: 'illegal',
    cancel: ({ cancel }) => ({ state: 'proceeding', effects: [{ type: 'tellCancel', cancel }] }),
    trying: () => ({ state: 'proceeding', effects: [{ type: 'sendTrying' }] }),
    G: 'illegal',
    H: 'illegal',
    I: 'illegal',
    L: 'illegal',
  },
  completed: {
    begin: 'illegal',
    request: () => ({ state: 'completed', effects: [RESEND] }),
    // Section 17.2.1: further final responses of the user are discarded.
    respondProvisional: 'ignore',
    respondSuccess: 'ignore',
    respondFailure: 'ignore',
    transportError: broken,
    ack: () => ({ state: 'confirmed', effects: [stop('G'), stop('H'), start('I')] }),
    cancel: 'ignore',
    trying: 'illegal',
    G: () => ({ state: 'completed', effects: [RESEND, backOff('G')] }),
    H: () => ({ state: 'terminated', effects: [{ type: 'tellNoAck' }, TERMINATE] }),
    I: 'illegal',
    L: 'illegal',
  },
  confirmed: {
    begin: 'illegal',
    request: 'ignore',
    respondProvisional: 'ignore',
    respondSuccess: 'ignore',
    respondFailure: 'ignore',
    transportError: 'ignore',
    ack: 'ignore',
    cancel: 'ignore',
    trying: 'illegal',
    G: 'illegal',
    H: 'illegal',
    I: gone,
    L: 'illegal',
  },
  accepted: {
    begin: 'illegal',
    // RFC 6026 section 7.1: absorbed; the user retransmits its 2xx by its own timer.
    request: 'ignore',
    respondProvisional: 'ignore',
    respondSuccess: ({ response }) => ({
      state: 'accepted',
      effects: [{ type: 'sendResponse', response }],
    }),
    respondFailure: 'ignore',
    transportError: ({ error }) => ({
      state: 'accepted',
      effects: [{ type: 'tellTransportError', error }],
    }),
    ack: ({ ack, flow }) => ({ state: 'accepted', effects: [{ type: 'tellAck', ack, flow }] }),
    cancel: 'ignore',
    trying: 'illegal',
    G: 'illegal',
    H: 'illegal',
    I: 'illegal',
    L: gone,
  },
  terminated: {
    begin: 'illegal',
    request: 'ignore',
    respondProvisional: 'ignore',
    respondSuccess: 'ignore',
    respondFailure: 'ignore',
    transportError: 'ignore',
    ack: 'ignore',
    cancel: 'ignore',
    trying: 'illegal',
    G: 'illegal',
    H: 'illegal',
    I: 'illegal',
    L: 'illegal',
  },
};
