/**
 * INVITE client transaction: RFC 3261 section 17.1.1 with the Accepted state and timer M of RFC 6026.
 *
 *   idle → calling → proceeding → completed (3xx–6xx, ACK sent, timer D)
 *             │           │     ↘ accepted (2xx, every one told, timer M) → terminated
 *        cancelling → cancelled      CANCEL waits for a provisional response (section 9.1)
 */
import type { MediaError } from '../../../common/errors.ts';
import type { Step, Table } from '../../../common/fsm.ts';
import type { SipResponse } from '../message.ts';
import { backOff, start, stop, type TimerEffect } from './effects.ts';
import type { Flow } from './transaction-user.ts';

export type InviteClientState =
  | 'idle'
  | 'calling'
  | 'cancelling'
  | 'proceeding'
  | 'cancelled'
  | 'completed'
  | 'accepted'
  | 'terminated';

interface Arrived<Type extends string> {
  readonly type: Type;
  readonly response: SipResponse;
  readonly flow: Flow;
}

export type ClientEvent =
  | { readonly type: 'begin' }
  | Arrived<'provisional'>
  | Arrived<'success'>
  | Arrived<'failure'>
  | { readonly type: 'transportError'; readonly error: MediaError };

export type InviteClientEvent =
  | ClientEvent
  | { readonly type: 'cancel' }
  | { readonly type: 'A' | 'B' | 'D' | 'M' }
  /** Section 9.1: no final response came 64*T1 after the CANCEL. */
  | { readonly type: 'cancelTimeout' };

export type ClientEffect =
  | TimerEffect
  | { readonly type: 'sendRequest' }
  | { readonly type: 'sendAck'; readonly response: SipResponse }
  | { readonly type: 'sendCancel' }
  | { readonly type: 'tellProvisional'; readonly response: SipResponse; readonly flow: Flow }
  | { readonly type: 'tellFinal'; readonly response: SipResponse; readonly flow: Flow }
  | { readonly type: 'tellTimeout' }
  | { readonly type: 'tellTransportError'; readonly error: MediaError }
  | { readonly type: 'terminate' };

type InviteStep = Step<InviteClientState, ClientEffect>;

const SEND_REQUEST = { type: 'sendRequest' } as const;
const TERMINATE = { type: 'terminate' } as const;

const retransmit = (state: 'calling' | 'cancelling') => (): InviteStep => ({
  state,
  effects: [SEND_REQUEST, backOff('A')],
});

const timedOut = (): InviteStep => ({
  state: 'terminated',
  effects: [{ type: 'tellTimeout' }, TERMINATE],
});

const broken = ({ error }: { readonly error: MediaError }): InviteStep => ({
  state: 'terminated',
  effects: [{ type: 'tellTransportError', error }, TERMINATE],
});

const QUIET = [stop('A'), stop('B'), stop('cancel')];

const progress =
  (state: 'proceeding' | 'cancelled') =>
  ({ response, flow }: Arrived<'provisional'>): InviteStep => ({
    state,
    effects: [stop('A'), stop('B'), { type: 'tellProvisional', response, flow }],
  });

/** RFC 6026 section 7.2: stays for 2xx retransmissions and for those of other forks. */
const accepted = ({ response, flow }: Arrived<'success'>): InviteStep => ({
  state: 'accepted',
  effects: [...QUIET, start('M'), { type: 'tellFinal', response, flow }],
});

const refused = ({ response, flow }: Arrived<'failure'>): InviteStep => ({
  state: 'completed',
  effects: [
    ...QUIET,
    start('D'),
    { type: 'sendAck', response },
    { type: 'tellFinal', response, flow },
  ],
});

const gone = (): InviteStep => ({ state: 'terminated', effects: [TERMINATE] });

export const INVITE_CLIENT: Table<InviteClientState, InviteClientEvent, ClientEffect> = {
  idle: {
    begin: () => ({ state: 'calling', effects: [SEND_REQUEST, start('A'), start('B')] }),
    cancel: 'illegal',
    provisional: 'illegal',
    success: 'illegal',
    failure: 'illegal',
    transportError: 'illegal',
    A: 'illegal',
    B: 'illegal',
    D: 'illegal',
    M: 'illegal',
    cancelTimeout: 'illegal',
  },
  calling: {
    begin: 'illegal',
    cancel: () => ({ state: 'cancelling', effects: [] }),
    provisional: progress('proceeding'),
    success: accepted,
    failure: refused,
    transportError: broken,
    A: retransmit('calling'),
    B: timedOut,
    D: 'illegal',
    M: 'illegal',
    cancelTimeout: 'illegal',
  },
  cancelling: {
    begin: 'illegal',
    cancel: 'ignore',
    provisional: ({ response, flow }) => ({
      state: 'cancelled',
      effects: [
        stop('A'),
        stop('B'),
        { type: 'sendCancel' },
        start('cancel'),
        { type: 'tellProvisional', response, flow },
      ],
    }),
    success: accepted,
    failure: refused,
    transportError: broken,
    A: retransmit('cancelling'),
    B: timedOut,
    D: 'illegal',
    M: 'illegal',
    cancelTimeout: 'illegal',
  },
  proceeding: {
    begin: 'illegal',
    cancel: () => ({ state: 'cancelled', effects: [{ type: 'sendCancel' }, start('cancel')] }),
    provisional: progress('proceeding'),
    success: accepted,
    failure: refused,
    // The peer has answered: the request arrived, whatever an older send now says.
    transportError: 'ignore',
    A: 'illegal',
    B: 'illegal',
    D: 'illegal',
    M: 'illegal',
    cancelTimeout: 'illegal',
  },
  cancelled: {
    begin: 'illegal',
    cancel: 'ignore',
    provisional: progress('cancelled'),
    success: accepted,
    failure: refused,
    transportError: 'ignore',
    A: 'illegal',
    B: 'illegal',
    D: 'illegal',
    M: 'illegal',
    cancelTimeout: timedOut,
  },
  completed: {
    begin: 'illegal',
    cancel: 'ignore',
    provisional: 'ignore',
    success: 'illegal',
    failure: ({ response }) => ({ state: 'completed', effects: [{ type: 'sendAck', response }] }),
    // The user has its final response; a lost ACK is asked for again by the peer's retransmission.
    transportError: 'ignore',
    A: 'illegal',
    B: 'illegal',
    D: gone,
    M: 'illegal',
    cancelTimeout: 'illegal',
  },
  accepted: {
    begin: 'illegal',
    cancel: 'ignore',
    provisional: 'ignore',
    success: ({ response, flow }) => ({
      state: 'accepted',
      effects: [{ type: 'tellFinal', response, flow }],
    }),
    failure: 'ignore',
    transportError: 'ignore',
    A: 'illegal',
    B: 'illegal',
    D: 'illegal',
    M: gone,
    cancelTimeout: 'illegal',
  },
  terminated: {
    begin: 'illegal',
    cancel: 'ignore',
    provisional: 'ignore',
    success: 'ignore',
    failure: 'ignore',
    transportError: 'ignore',
    A: 'illegal',
    B: 'illegal',
    D: 'illegal',
    M: 'illegal',
    cancelTimeout: 'illegal',
  },
};
