/**
 * The INVITE session from the called side (RFC 3261 sections 9.2, 13.3, 15.1.2; RFC 3262). Pure.
 *
 *   incoming ─▶ early ─▶ (accepting) ─▶ accepted ─▶ established ─▶ ending ─▶ ended
 *                                          └─▶ closing ─────────────┘
 */
import type { Table } from '../../../common/fsm.ts';
import type { RejectOptions, SessionEnd, SessionState } from '../user-agent.ts';

export type ServerState =
  | 'incoming'
  | 'early'
  /** To be accepted as soon as the reliable 1xx are acknowledged (RFC 3262 section 3). */
  | 'accepting'
  /** 2xx sent, ACK not here yet. */
  | 'accepted'
  /** As accepted, but to be ended: BYE must wait for the ACK (RFC 3261 section 15). */
  | 'closing'
  | 'established'
  | 'ending'
  | 'ended';

export interface Refusal extends RejectOptions {
  readonly status: number;
}

export type ServerEvent =
  | { readonly type: 'progress' }
  | { readonly type: 'accept' }
  | { readonly type: 'accept-later' }
  | { readonly type: 'reject'; readonly refusal: Refusal; readonly end: SessionEnd }
  | { readonly type: 'cancelled'; readonly end: SessionEnd }
  | { readonly type: 'ack' }
  | { readonly type: 'ack-timeout'; readonly end: SessionEnd }
  | { readonly type: 'hang-up'; readonly end: SessionEnd }
  | { readonly type: 'peer-bye'; readonly end: SessionEnd }
  | { readonly type: 'broken'; readonly end: SessionEnd }
  | { readonly type: 'gone'; readonly end: SessionEnd }
  | { readonly type: 'bye-done' }
  /** The agent stops and waits no longer. */
  | { readonly type: 'abort'; readonly end: SessionEnd };

export type ServerEffect =
  | { readonly type: 'send-success' }
  | { readonly type: 'send-failure'; readonly refusal: Refusal }
  | { readonly type: 'established' }
  | { readonly type: 'bye' }
  | { readonly type: 'because'; readonly end: SessionEnd }
  | { readonly type: 'finish' };

type Row = Table<ServerState, ServerEvent, ServerEffect>[ServerState];
type Ending = Extract<ServerEvent, { readonly end: SessionEnd }>;

const refuseWith =
  (refusal: Refusal) =>
  ({ end }: Ending) => ({
    state: 'ended' as const,
    effects: [
      { type: 'send-failure', refusal },
      { type: 'because', end },
      { type: 'finish' },
    ] as const,
  });
const finish = ({ end }: Ending) => ({
  state: 'ended' as const,
  effects: [{ type: 'because', end }, { type: 'finish' }] as const,
});
const bye = ({ end }: Ending) => ({
  state: 'ending' as const,
  effects: [{ type: 'because', end }, { type: 'bye' }] as const,
});
const sendSuccess = () => ({
  state: 'accepted' as const,
  effects: [{ type: 'send-success' }] as const,
});

const PENDING: Row = {
  progress: () => ({ state: 'early', effects: [] }),
  accept: sendSuccess,
  'accept-later': () => ({ state: 'accepting', effects: [] }),
  reject: ({ refusal, end }) => refuseWith(refusal)({ type: 'hang-up', end }),
  // Section 9.2.
  cancelled: refuseWith({ status: 487 }),
  ack: 'illegal',
  'ack-timeout': 'illegal',
  'hang-up': refuseWith({ status: 480 }),
  // Section 15.1.2: the INVITE still needs its final response.
  'peer-bye': refuseWith({ status: 487 }),
  // RFC 3262 section 3: a reliable 1xx was never acknowledged.
  broken: refuseWith({ status: 504 }),
  gone: finish,
  'bye-done': 'illegal',
  abort: finish,
};

export const SERVER_CALL: Table<ServerState, ServerEvent, ServerEffect> = {
  incoming: PENDING,
  early: PENDING,
  accepting: {
    ...PENDING,
    progress: 'illegal',
    'accept-later': 'illegal',
  },
  accepted: {
    progress: 'illegal',
    accept: 'illegal',
    'accept-later': 'illegal',
    reject: 'illegal',
    // Section 9.2: too late, it was answered 200 and changes nothing.
    cancelled: 'ignore',
    ack: () => ({ state: 'established', effects: [{ type: 'established' }] }),
    'ack-timeout': bye,
    'hang-up': ({ end }) => ({ state: 'closing', effects: [{ type: 'because', end }] }),
    'peer-bye': finish,
    broken: ({ end }) => ({ state: 'closing', effects: [{ type: 'because', end }] }),
    gone: finish,
    'bye-done': 'illegal',
    abort: finish,
  },
  closing: {
    progress: 'illegal',
    accept: 'illegal',
    'accept-later': 'illegal',
    reject: 'illegal',
    cancelled: 'ignore',
    ack: () => ({ state: 'ending', effects: [{ type: 'bye' }] }),
    'ack-timeout': bye,
    'hang-up': 'ignore',
    'peer-bye': finish,
    broken: 'ignore',
    gone: finish,
    'bye-done': 'illegal',
    abort: finish,
  },
  established: {
    progress: 'illegal',
    accept: 'illegal',
    'accept-later': 'illegal',
    reject: 'illegal',
    cancelled: 'ignore',
    ack: 'ignore',
    'ack-timeout': 'illegal',
    'hang-up': bye,
    'peer-bye': finish,
    broken: bye,
    gone: finish,
    'bye-done': 'illegal',
    abort: finish,
  },
  ending: {
    progress: 'ignore',
    accept: 'ignore',
    'accept-later': 'ignore',
    reject: 'ignore',
    cancelled: 'ignore',
    ack: 'ignore',
    'ack-timeout': 'ignore',
    'hang-up': 'ignore',
    // Both hung up at once: our BYE is still answered, or times out.
    'peer-bye': 'ignore',
    broken: 'ignore',
    gone: 'ignore',
    'bye-done': () => ({ state: 'ended', effects: [{ type: 'finish' }] }),
    abort: finish,
  },
  ended: {
    progress: 'ignore',
    accept: 'ignore',
    'accept-later': 'ignore',
    reject: 'ignore',
    cancelled: 'ignore',
    ack: 'ignore',
    'ack-timeout': 'ignore',
    'hang-up': 'ignore',
    'peer-bye': 'ignore',
    broken: 'ignore',
    gone: 'ignore',
    'bye-done': 'ignore',
    abort: 'ignore',
  },
};

/** As the application sees them. */
export const PUBLIC_SERVER_STATES: Readonly<Record<ServerState, SessionState>> = {
  incoming: 'incoming',
  early: 'early',
  accepting: 'early',
  accepted: 'early',
  closing: 'ending',
  established: 'established',
  ending: 'ending',
  ended: 'ended',
};
