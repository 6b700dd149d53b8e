/**
 * One subscription of the notifier's side (RFC 6665 section 4.2.2) as a table: one NOTIFY at a time, a rest
 * after each, what changes meanwhile is told once, by its newest state. A SUBSCRIBE is always followed
 * by a NOTIFY with everything.
 *
 *   new ─▶ telling ─▶ resting ─▶ calm        telling ─ news ─▶ stale ─▶ waiting ─ rested ─▶ telling
 *            └─ Retry-After ─▶ put-off ─ rested ─▶ telling     any ─ end ─▶ (closing ─▶) last ─▶ over
 */
import type { Step, Table } from '../../../common/fsm.ts';

export type SubscriptionState =
  | 'new'
  /** All is told, and news may be told at once. */
  | 'calm'
  /** A NOTIFY is under way. */
  | 'telling'
  /** And there is news since. */
  | 'stale'
  /** And everything is to be told after it, as a SUBSCRIBE came. */
  | 'again'
  /** All is told; no NOTIFY before the rest is over. */
  | 'resting'
  /** As resting, with news. */
  | 'waiting'
  /** The subscriber asked for a pause; then everything is told. */
  | 'put-off'
  /** A NOTIFY is under way, and after it the last one is sent. */
  | 'closing'
  /** The last NOTIFY is under way. */
  | 'last'
  | 'over';

export type SubscriptionEvent =
  /** SUBSCRIBE: the first, or a refresh. */
  | { readonly type: 'subscribe' }
  /** With Expires: 0 (sections 4.1.2.3 and 4.4.3). */
  | { readonly type: 'unsubscribe' }
  | { readonly type: 'news' }
  /** There was nothing to say after all. */
  | { readonly type: 'nothing' }
  /** 2xx to NOTIFY; `more`: its document did not hold all. */
  | { readonly type: 'taken'; readonly more: boolean }
  /** A failure with Retry-After. */
  | { readonly type: 'put-off'; readonly forMs: number }
  /** 481, no answer, or any other failure: the subscriber is gone. */
  | { readonly type: 'failed' }
  | { readonly type: 'rested' }
  /** Its time is over, what it is about is gone, or it may not be told any longer. */
  | { readonly type: 'end' }
  /** Without another word. */
  | { readonly type: 'abort' };

export type SubscriptionEffect =
  /** 200 to the SUBSCRIBE; from here on the time that was granted runs. */
  | { readonly type: 'grant' }
  /** 481 to the SUBSCRIBE: it came too late. */
  | { readonly type: 'deny' }
  | { readonly type: 'notify'; readonly what: 'full' | 'partial' }
  /** With Subscription-State: terminated. */
  | { readonly type: 'notify-last' }
  | { readonly type: 'rest' }
  | { readonly type: 'pause'; readonly forMs: number }
  | { readonly type: 'stop-rest' }
  /** No timer is left, no effect follows. */
  | { readonly type: 'finish' };

type SubscriptionStep = Step<SubscriptionState, SubscriptionEffect>;
type PutOff = Extract<SubscriptionEvent, { type: 'put-off' }>;
type Taken = Extract<SubscriptionEvent, { type: 'taken' }>;

const to = (state: SubscriptionState, ...effects: SubscriptionEffect[]): SubscriptionStep => ({
  state,
  effects,
});

const STOP_REST = { type: 'stop-rest' } as const;
const GRANT = { type: 'grant' } as const;
const FULL = { type: 'notify', what: 'full' } as const;
const PARTIAL = { type: 'notify', what: 'partial' } as const;
const LAST = { type: 'notify-last' } as const;

/** Section 4.2.1.2: a NOTIFY at once, rest or not. */
const grant = (): SubscriptionStep => to('telling', STOP_REST, GRANT, FULL);
const deny = (state: SubscriptionState) => (): SubscriptionStep => to(state, { type: 'deny' });
const leave = (): SubscriptionStep => to('last', STOP_REST, GRANT, LAST);
const tell = (): SubscriptionStep => to('telling', PARTIAL);
const end = (): SubscriptionStep => to('last', STOP_REST, LAST);
const endAfter = (): SubscriptionStep => to('closing');
const leaveAfter = (): SubscriptionStep => to('closing', GRANT);
const over = (): SubscriptionStep => to('over', { type: 'finish' });
const pause = ({ forMs }: PutOff): SubscriptionStep => to('put-off', { type: 'pause', forMs });

export const SUBSCRIPTION: Table<SubscriptionState, SubscriptionEvent, SubscriptionEffect> = {
  new: {
    subscribe: grant,
    // A fetch: the last NOTIFY is the first.
    unsubscribe: leave,
    news: 'ignore',
    nothing: 'illegal',
    taken: 'illegal',
    'put-off': 'illegal',
    failed: 'illegal',
    rested: 'illegal',
    end: over,
    abort: over,
  },
  calm: {
    subscribe: grant,
    unsubscribe: leave,
    news: tell,
    nothing: 'illegal',
    taken: 'illegal',
    'put-off': 'illegal',
    failed: 'illegal',
    rested: 'illegal',
    end,
    abort: over,
  },
  telling: {
    subscribe: () => to('again', GRANT),
    unsubscribe: leaveAfter,
    news: () => to('stale'),
    nothing: () => to('calm'),
    taken: ({ more }: Taken) => (more ? tell() : to('resting', { type: 'rest' })),
    'put-off': pause,
    failed: over,
    rested: 'illegal',
    end: endAfter,
    abort: over,
  },
  stale: {
    subscribe: () => to('again', GRANT),
    unsubscribe: leaveAfter,
    news: 'ignore',
    nothing: 'illegal',
    taken: ({ more }: Taken) => (more ? tell() : to('waiting', { type: 'rest' })),
    'put-off': pause,
    failed: over,
    rested: 'illegal',
    end: endAfter,
    abort: over,
  },
  again: {
    subscribe: () => to('again', GRANT),
    unsubscribe: leaveAfter,
    news: 'ignore',
    nothing: 'illegal',
    taken: () => to('telling', FULL),
    'put-off': pause,
    failed: over,
    rested: 'illegal',
    end: endAfter,
    abort: over,
  },
  resting: {
    subscribe: grant,
    unsubscribe: leave,
    news: () => to('waiting'),
    nothing: 'illegal',
    taken: 'illegal',
    'put-off': 'illegal',
    failed: 'illegal',
    rested: () => to('calm'),
    end,
    abort: over,
  },
  waiting: {
    subscribe: grant,
    unsubscribe: leave,
    news: 'ignore',
    nothing: 'illegal',
    taken: 'illegal',
    'put-off': 'illegal',
    failed: 'illegal',
    rested: tell,
    end,
    abort: over,
  },
  'put-off': {
    subscribe: grant,
    unsubscribe: leave,
    news: 'ignore',
    nothing: 'illegal',
    taken: 'illegal',
    'put-off': 'illegal',
    failed: 'illegal',
    // What the refused one said is not known there.
    rested: () => to('telling', FULL),
    end,
    abort: over,
  },
  closing: {
    subscribe: deny('closing'),
    unsubscribe: deny('closing'),
    news: 'ignore',
    nothing: 'illegal',
    taken: () => to('last', LAST),
    'put-off': () => to('last', LAST),
    failed: over,
    rested: 'illegal',
    end: 'ignore',
    abort: over,
  },
  last: {
    subscribe: deny('last'),
    unsubscribe: deny('last'),
    news: 'ignore',
    nothing: 'illegal',
    taken: over,
    'put-off': over,
    failed: over,
    rested: 'illegal',
    end: 'ignore',
    abort: over,
  },
  over: {
    subscribe: deny('over'),
    unsubscribe: deny('over'),
    news: 'ignore',
    nothing: 'ignore',
    taken: 'ignore',
    'put-off': 'ignore',
    failed: 'ignore',
    rested: 'ignore',
    end: 'ignore',
    abort: 'ignore',
  },
};
