/**
 * Non-INVITE server transaction: RFC 3261 section 17.2.2.
 *
 *   idle → trying → proceeding → completed (timer J answers retransmissions) → terminated
 */
import type { MediaError } from '../../../common/errors.ts';
import type { Step, Table } from '../../../common/fsm.ts';
import type { SipResponse } from '../message.ts';
import { start } from './effects.ts';
import type { ServerEffect, ServerEvent } from './invite-server.ts';

export type NonInviteServerState = 'idle' | 'trying' | 'proceeding' | 'completed' | 'terminated';

export type NonInviteServerEvent = ServerEvent | { readonly type: 'J' };

type ServerStep = Step<NonInviteServerState, ServerEffect>;

const TERMINATE = { type: 'terminate' } as const;

const finished = ({ response }: { readonly response: SipResponse }): ServerStep => ({
  state: 'completed',
  effects: [{ type: 'sendResponse', response }, start('J')],
});

const progress = ({ response }: { readonly response: SipResponse }): ServerStep => ({
  state: 'proceeding',
  effects: [{ type: 'sendResponse', response }],
});

const broken = ({ error }: { readonly error: MediaError }): ServerStep => ({
  state: 'terminated',
  effects: [{ type: 'tellTransportError', error }, TERMINATE],
});

export const NON_INVITE_SERVER: Table<NonInviteServerState, NonInviteServerEvent, ServerEffect> = {
  idle: {
    begin: () => ({ state: 'trying', effects: [] }),
    request: 'illegal',
    respondProvisional: 'illegal',
    respondSuccess: 'illegal',
    respondFailure: 'illegal',
    transportError: 'illegal',
    J: 'illegal',
  },
  trying: {
    begin: 'illegal',
    // Nothing was answered yet: the retransmission is dropped.
    request: 'ignore',
    respondProvisional: progress,
    respondSuccess: finished,
    respondFailure: finished,
    transportError: 'illegal',
    J: 'illegal',
  },
  proceeding: {
    begin: 'illegal',
    request: () => ({ state: 'proceeding', effects: [{ type: 'resend' }] }),
    respondProvisional: progress,
    respondSuccess: finished,
    respondFailure: finished,
    transportError: broken,
    J: 'illegal',
  },
  completed: {
    begin: 'illegal',
    request: () => ({ state: 'completed', effects: [{ type: 'resend' }] }),
    respondProvisional: 'ignore',
    respondSuccess: 'ignore',
    respondFailure: 'ignore',
    transportError: broken,
    J: () => ({ state: 'terminated', effects: [TERMINATE] }),
  },
  terminated: {
    begin: 'illegal',
    request: 'ignore',
    respondProvisional: 'ignore',
    respondSuccess: 'ignore',
    respondFailure: 'ignore',
    transportError: 'ignore',
    J: 'illegal',
  },
};
