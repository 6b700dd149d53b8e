/** One change of a session by us: a re-INVITE or UPDATE, with glare (RFC 3261 section 14.1). Pure. */
import type { Table } from '../../../common/fsm.ts';

export type ModifyState =
  | 'idle'
  /** Until no INVITE of the peer and no offer is open. */
  | 'waiting'
  | 'sent'
  /** Glare: for a random time. */
  | 'backing-off'
  | 'closed';

export type ModifyEvent =
  | { readonly type: 'ask' }
  | { readonly type: 'clear' }
  | { readonly type: 'finished' }
  | { readonly type: 'glare'; readonly delayMs: number }
  /** Once more, with another method or header. */
  | { readonly type: 'again' }
  | { readonly type: 'timer' }
  | { readonly type: 'close' };

export type ModifyEffect =
  /** Send `clear` as soon as nothing is open. */
  | { readonly type: 'check' }
  | { readonly type: 'send' }
  | { readonly type: 'start-timer'; readonly delayMs: number }
  | { readonly type: 'stop-timer' }
  | { readonly type: 'abandon' };

const close = () => ({
  state: 'closed' as const,
  effects: [{ type: 'stop-timer' }, { type: 'abandon' }] as const,
});

export const MODIFY: Table<ModifyState, ModifyEvent, ModifyEffect> = {
  idle: {
    ask: () => ({ state: 'waiting', effects: [{ type: 'check' }] }),
    clear: 'ignore',
    finished: 'illegal',
    glare: 'illegal',
    again: 'illegal',
    timer: 'illegal',
    close,
  },
  waiting: {
    ask: 'illegal',
    clear: () => ({ state: 'sent', effects: [{ type: 'send' }] }),
    finished: 'illegal',
    glare: 'illegal',
    again: 'illegal',
    timer: 'illegal',
    close,
  },
  sent: {
    ask: 'illegal',
    clear: 'ignore',
    finished: () => ({ state: 'idle', effects: [] }),
    glare: ({ delayMs }) => ({
      state: 'backing-off',
      effects: [{ type: 'start-timer', delayMs }],
    }),
    again: () => ({ state: 'waiting', effects: [{ type: 'check' }] }),
    timer: 'illegal',
    close,
  },
  'backing-off': {
    ask: 'illegal',
    clear: 'ignore',
    finished: 'illegal',
    glare: 'illegal',
    again: 'illegal',
    timer: () => ({ state: 'waiting', effects: [{ type: 'check' }] }),
    close,
  },
  closed: {
    ask: 'illegal',
    clear: 'ignore',
    finished: 'ignore',
    glare: 'ignore',
    again: 'ignore',
    timer: 'ignore',
    close: 'ignore',
  },
};
