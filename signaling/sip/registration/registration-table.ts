/**
 * One registration (RFC 3261 section 10.2) as a table: keeps a contact at a registrar by refreshing it in
 * time, and tries again with growing pauses after a failure (RFC 5626 section 4.5).
 *
 *   idle ─▶ registering ─▶ registered ─▶ refreshing ─▶ registered …        any of them ─▶ leaving ─▶ over
 *               └─▶ failed ─┘ (pause)        └─▶ failed
 */
import type { Step, Table } from '../../../common/fsm.ts';

export type RegistrationState =
  | 'idle'
  | 'registering'
  | 'registered'
  | 'refreshing'
  | 'failed'
  | 'leaving'
  | 'over';

export type RegistrationEvent =
  | { readonly type: 'start' }
  /** 2xx; what the registrar granted. */
  | { readonly type: 'accepted'; readonly expiresS: number }
  /** A final answer that no repetition cures, or none at all. */
  | { readonly type: 'refused'; readonly why: string; readonly retryAfterS: number }
  /** The one timer that runs. */
  | { readonly type: 'due' }
  | { readonly type: 'stop' };

export type RegistrationEffect =
  /** 0 takes the contact away (section 10.2.2). */
  | { readonly type: 'send'; readonly expires: 'wanted' | 'zero' }
  | { readonly type: 'start-refresh-timer'; readonly expiresS: number }
  | { readonly type: 'start-retry-timer'; readonly retryAfterS: number }
  /** The registrar has this long to answer when we leave. */
  | { readonly type: 'start-leave-timer' }
  | { readonly type: 'stop-timer' }
  | { readonly type: 'tell'; readonly detail: string }
  | { readonly type: 'finish' };

type RegistrationStep = Step<RegistrationState, RegistrationEffect>;

const to = (state: RegistrationState, ...effects: RegistrationEffect[]): RegistrationStep => ({
  state,
  effects,
});

const accepted = ({ expiresS }: { readonly expiresS: number }): RegistrationStep =>
  to('registered', { type: 'start-refresh-timer', expiresS }, { type: 'tell', detail: '' });
const refused = (event: { readonly why: string; readonly retryAfterS: number }): RegistrationStep =>
  to(
    'failed',
    { type: 'start-retry-timer', retryAfterS: event.retryAfterS },
    { type: 'tell', detail: event.why },
  );
const leave = (): RegistrationStep =>
  to(
    'leaving',
    { type: 'stop-timer' },
    { type: 'send', expires: 'zero' },
    { type: 'start-leave-timer' },
  );
const over = (): RegistrationStep => to('over', { type: 'stop-timer' }, { type: 'finish' });

export const REGISTRATION: Table<RegistrationState, RegistrationEvent, RegistrationEffect> = {
  idle: {
    start: () => to('registering', { type: 'send', expires: 'wanted' }),
    accepted: 'illegal',
    refused: 'illegal',
    due: 'illegal',
    stop: over,
  },
  registering: {
    start: 'ignore',
    accepted,
    refused,
    due: 'illegal',
    // It may be registered already, only the answer is not here.
    stop: leave,
  },
  registered: {
    start: 'ignore',
    accepted: 'illegal',
    refused: 'illegal',
    due: () => to('refreshing', { type: 'send', expires: 'wanted' }),
    stop: leave,
  },
  refreshing: {
    start: 'ignore',
    accepted,
    refused,
    due: 'illegal',
    stop: leave,
  },
  failed: {
    start: 'ignore',
    accepted: 'illegal',
    refused: 'illegal',
    due: () => to('registering', { type: 'send', expires: 'wanted' }),
    stop: over,
  },
  leaving: {
    start: 'ignore',
    accepted: over,
    refused: over,
    due: over,
    stop: 'ignore',
  },
  over: {
    start: 'ignore',
    accepted: 'ignore',
    refused: 'ignore',
    due: 'ignore',
    stop: 'ignore',
  },
};
