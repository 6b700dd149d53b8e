/**
 * Non-INVITE client transaction: RFC 3261 section 17.1.2.
 *
 *   idle → trying → proceeding → completed (timer K absorbs retransmitted answers) → terminated
 */
import type { MediaError } from '../../../common/errors.ts';
import type { Step, Table } from '../../../common/fsm.ts';
import type { SipResponse } from '../message.ts';
import { backOff, start, stop } from './effects.ts';
import type { ClientEffect, ClientEvent } from './invite-client.ts';
import type { Flow } from './transaction-user.ts';

export type NonInviteClientState = 'idle' | 'trying' | 'proceeding' | 'completed' | 'terminated';

export type NonInviteClientEvent = ClientEvent | { readonly type: 'E' | 'F' | 'K' };

type NonInviteStep = Step<NonInviteClientState, ClientEffect>;

const SEND_REQUEST = { type: 'sendRequest' } as const;
const TERMINATE = { type: 'terminate' } as const;

const timedOut = (): NonInviteStep => ({
  state: 'terminated',
  effects: [{ type: 'tellTimeout' }, TERMINATE],
});

const broken = ({ error }: { readonly error: MediaError }): NonInviteStep => ({
  state: 'terminated',
  effects: [{ type: 'tellTransportError', error }, TERMINATE],
});

interface Arrived {
  readonly response: SipResponse;
  readonly flow: Flow;
}

const progress = ({ response, flow }: Arrived): NonInviteStep => ({
  state: 'proceeding',
  effects: [{ type: 'tellProvisional', response, flow }],
});

const finished = ({ response, flow }: Arrived): NonInviteStep => ({
  state: 'completed',
  effects: [stop('E'), stop('F'), start('K'), { type: 'tellFinal', response, flow }],
});

export const NON_INVITE_CLIENT: Table<NonInviteClientState, NonInviteClientEvent, ClientEffect> = {
  idle: {
    begin: () => ({ state: 'trying', effects: [SEND_REQUEST, start('E'), start('F')] }),
    provisional: 'illegal',
    success: 'illegal',
    failure: 'illegal',
    transportError: 'illegal',
    E: 'illegal',
    F: 'illegal',
    K: 'illegal',
  },
  trying: {
    begin: 'illegal',
    provisional: progress,
    success: finished,
    failure: finished,
    transportError: broken,
    E: () => ({ state: 'trying', effects: [SEND_REQUEST, backOff('E')] }),
    F: timedOut,
    K: 'illegal',
  },
  proceeding: {
    begin: 'illegal',
    provisional: progress,
    success: finished,
    failure: finished,
    transportError: broken,
    // Section 17.1.2.2: in Proceeding the interval is T2.
    E: () => ({
      state: 'proceeding',
      effects: [SEND_REQUEST, { type: 'backOff', timer: 'E', atT2: true }],
    }),
    F: timedOut,
    K: 'illegal',
  },
  completed: {
    begin: 'illegal',
    provisional: 'ignore',
    success: 'ignore',
    failure: 'ignore',
    transportError: 'ignore',
    E: 'illegal',
    F: 'illegal',
    K: () => ({ state: 'terminated', effects: [TERMINATE] }),
  },
  terminated: {
    begin: 'illegal',
    provisional: 'ignore',
    success: 'ignore',
    failure: 'ignore',
    transportError: 'ignore',
    E: 'illegal',
    F: 'illegal',
    K: 'illegal',
  },
};
