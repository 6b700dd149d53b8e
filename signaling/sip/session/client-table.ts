/**
 * The INVITE session from the caller's side (RFC 3261 sections 9.1, 13.2, 15.1.1). Pure.
 *
 *   starting ─▶ calling ─▶ early ──▶ established ─▶ ending ─▶ ended
 *                  └─────────┴─▶ cancelling ─(2xx)──▶ ending
 */
import type { Table } from '../../../common/fsm.ts';
import type { SessionEnd, SessionState } from '../user-agent.ts';

export type ClientState =
  /** Targets are being looked up; nothing was sent. */
  | 'starting'
  | 'calling'
  | 'early'
  /** CANCEL asked for; the INVITE still has a final response to come. */
  | 'cancelling'
  | 'established'
  /** BYE sent. */
  | 'ending'
  | 'ended';

export type ClientEvent =
  | { readonly type: 'sent' }
  /** Above 100. */
  | { readonly type: 'provisional' }
  /** First 2xx. */
  | { readonly type: 'success' }
  /** Final response that is not retried, or none at all. */
  | { readonly type: 'failed'; readonly end: SessionEnd }
  | { readonly type: 'hang-up'; readonly end: SessionEnd }
  | { readonly type: 'ring-timeout'; readonly end: SessionEnd }
  | { readonly type: 'cancel-timeout' }
  | { readonly type: 'peer-bye'; readonly end: SessionEnd }
  /** The dialog is broken, but the peer may still be there. */
  | { readonly type: 'broken'; readonly end: SessionEnd }
  /** The peer said that there is no dialog. */
  | { readonly type: 'gone'; readonly end: SessionEnd }
  | { readonly type: 'bye-done' }
  /** The agent stops and waits no longer. */
  | { readonly type: 'abort'; readonly end: SessionEnd };

export type ClientEffect =
  | { readonly type: 'start-ring-timer' }
  | { readonly type: 'stop-timers' }
  | { readonly type: 'cancel' }
  | { readonly type: 'start-cancel-timer' }
  /** Take the answer, ACK, tell. */
  | { readonly type: 'confirm' }
  /** ACK a 2xx that nobody wants any more. */
  | { readonly type: 'acknowledge' }
  | { readonly type: 'bye' }
  /** Why it ends; the first one counts. */
  | { readonly type: 'because'; readonly end: SessionEnd }
  | { readonly type: 'finish' };

type Row = Table<ClientState, ClientEvent, ClientEffect>[ClientState];
type Ending = Extract<ClientEvent, { readonly end: SessionEnd }>;

const finish = ({ end }: Ending) => ({
  state: 'ended' as const,
  effects: [{ type: 'stop-timers' }, { type: 'because', end }, { type: 'finish' }] as const,
});
const bye = ({ end }: Ending) => ({
  state: 'ending' as const,
  effects: [{ type: 'stop-timers' }, { type: 'because', end }, { type: 'bye' }] as const,
});
const cancel = ({ end }: Ending) => ({
  state: 'cancelling' as const,
  effects: [
    { type: 'stop-timers' },
    { type: 'because', end },
    { type: 'cancel' },
    { type: 'start-cancel-timer' },
  ] as const,
});
const over = () => ({
  state: 'ended' as const,
  effects: [{ type: 'stop-timers' }, { type: 'finish' }] as const,
});

const PENDING: Row = {
  sent: 'ignore',
  provisional: () => ({ state: 'early', effects: [] }),
  success: () => ({
    state: 'established',
    effects: [{ type: 'stop-timers' }, { type: 'confirm' }],
  }),
  failed: finish,
  'hang-up': cancel,
  'ring-timeout': cancel,
  'cancel-timeout': 'illegal',
  // Section 15: a callee must not send BYE in an early dialog; its final response will come.
  'peer-bye': 'ignore',
  broken: cancel,
  gone: cancel,
  'bye-done': 'illegal',
  abort: finish,
};

export const CLIENT_CALL: Table<ClientState, ClientEvent, ClientEffect> = {
  starting: {
    sent: () => ({ state: 'calling', effects: [{ type: 'start-ring-timer' }] }),
    provisional: 'illegal',
    success: 'illegal',
    failed: finish,
    'hang-up': finish,
    'ring-timeout': 'illegal',
    'cancel-timeout': 'illegal',
    'peer-bye': 'illegal',
    broken: finish,
    gone: finish,
    'bye-done': 'illegal',
    abort: finish,
  },
  calling: PENDING,
  early: PENDING,
  cancelling: {
    sent: 'ignore',
    provisional: 'ignore',
    // Section 15: the 2xx crossed the CANCEL; the call exists and is ended with BYE.
    success: () => ({
      state: 'ending',
      effects: [{ type: 'stop-timers' }, { type: 'acknowledge' }, { type: 'bye' }],
    }),
    failed: over,
    'hang-up': 'ignore',
    'ring-timeout': 'ignore',
    // Section 9.1: no final response within 64*T1 of the CANCEL.
    'cancel-timeout': over,
    'peer-bye': 'ignore',
    broken: 'ignore',
    gone: 'ignore',
    'bye-done': 'illegal',
    abort: finish,
  },
  established: {
    sent: 'illegal',
    provisional: 'illegal',
    // Further 2xx are told apart by tag before they come here.
    success: 'illegal',
    failed: 'illegal',
    'hang-up': bye,
    'ring-timeout': 'illegal',
    'cancel-timeout': 'illegal',
    'peer-bye': finish,
    broken: bye,
    gone: finish,
    'bye-done': 'illegal',
    abort: finish,
  },
  ending: {
    sent: 'illegal',
    provisional: 'illegal',
    success: 'illegal',
    failed: 'ignore',
    'hang-up': 'ignore',
    'ring-timeout': 'illegal',
    'cancel-timeout': 'illegal',
    // Both hung up at once: ours is still answered, or times out.
    'peer-bye': 'ignore',
    broken: 'ignore',
    gone: 'ignore',
    'bye-done': over,
    abort: finish,
  },
  ended: {
    sent: 'ignore',
    provisional: 'ignore',
    success: 'ignore',
    failed: 'ignore',
    'hang-up': 'ignore',
    'ring-timeout': 'ignore',
    'cancel-timeout': 'ignore',
    'peer-bye': 'ignore',
    broken: 'ignore',
    gone: 'ignore',
    'bye-done': 'ignore',
    abort: 'ignore',
  },
};

/** As the application sees them. */
export const PUBLIC_CLIENT_STATES: Readonly<Record<ClientState, SessionState>> = {
  starting: 'calling',
  calling: 'calling',
  early: 'early',
  cancelling: 'ending',
  established: 'established',
  ending: 'ending',
  ended: 'ended',
};
