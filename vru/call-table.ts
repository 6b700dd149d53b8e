/**
 * The life of one call as a table (common/fsm.ts): which of session, media and flow is there, and
 * what has to go when one of them ends. One that comes in begins with `routing`, one that we make
 * with `dialling`.
 *
 *   routing ─▶ answering ─┬▶ running ─┬─▶ winding-up (caller gone, flow gives back) ─┬─▶ ended
 *   dialling ─────────────┘           └─▶ saying-bye (flow done, BYE under way) ─────┘
 *       any of the first three ──────────────────────────────────────────────────────▶ ended
 */
import type { Step, Table } from '../common/fsm.ts';

export type CallState =
  | 'routing'
  | 'dialling'
  | 'answering'
  | 'running'
  | 'winding-up'
  | 'saying-bye'
  | 'ended';

export interface CallRefusal {
  readonly status: number;
  readonly q850: number;
  /** Which rule refused: metric label and text of the Reason header. */
  readonly rule: string;
  /** Whether to send Retry-After. */
  readonly retry: boolean;
}

export type CallEvent =
  | { readonly type: 'routed' }
  | { readonly type: 'refused'; readonly refusal: CallRefusal }
  /** The ACK came, or we sent it. */
  | { readonly type: 'answered' }
  | { readonly type: 'answer-failed'; readonly rule: string }
  | { readonly type: 'flow-ended'; readonly reason: string }
  /** Hang-up, CANCEL, or the end of a BYE of ours. */
  | { readonly type: 'session-ended' }
  /** Worker lost, or nothing received for too long. */
  | { readonly type: 'media-lost'; readonly reason: string }
  | { readonly type: 'stop'; readonly reason: string }
  /** The flow did not finish giving back in time. */
  | { readonly type: 'clean-up-late' };

export type CallEffect =
  | { readonly type: 'answer' }
  | { readonly type: 'refuse'; readonly refusal: CallRefusal }
  | { readonly type: 'count-refused'; readonly rule: string }
  | { readonly type: 'run-flow' }
  | { readonly type: 'cancel-flow' }
  | { readonly type: 'hang-up'; readonly reason: string }
  | { readonly type: 'close-media' }
  /** Out of the call table. */
  | { readonly type: 'forget' };

type CallStep = Step<CallState, CallEffect>;

const to = (state: CallState, ...effects: CallEffect[]): CallStep => ({ state, effects });
const END: readonly CallEffect[] = [{ type: 'close-media' }, { type: 'forget' }];

const STOPPED: CallRefusal = { status: 503, q850: 42, rule: 'stopping', retry: true };

const refuse = (refusal: CallRefusal): CallStep =>
  to('ended', { type: 'refuse', refusal }, { type: 'count-refused', rule: refusal.rule }, ...END);
const unanswered = (rule: string): CallStep => to('ended', { type: 'count-refused', rule }, ...END);

const drop = (reason: string): CallStep =>
  to('winding-up', { type: 'hang-up', reason }, { type: 'cancel-flow' });

export const CALL_TABLE: Table<CallState, CallEvent, CallEffect> = {
  routing: {
    routed: () => to('answering', { type: 'answer' }),
    refused: (event) => refuse(event.refusal),
    answered: 'illegal',
    'answer-failed': 'illegal',
    'flow-ended': 'illegal',
    'session-ended': () => unanswered('cancelled'),
    'media-lost': 'illegal',
    stop: () => refuse(STOPPED),
    'clean-up-late': 'illegal',
  },
  dialling: {
    routed: 'illegal',
    // Before the INVITE: there is no leg for it.
    refused: (event) => unanswered(event.refusal.rule),
    answered: () => to('running', { type: 'run-flow' }),
    'answer-failed': 'illegal',
    'flow-ended': 'illegal',
    'session-ended': () => unanswered('not-answered'),
    // CANCEL; the end of the session follows, and ends the call.
    'media-lost': (event) => to('dialling', { type: 'hang-up', reason: event.reason }),
    stop: (event) => to('dialling', { type: 'hang-up', reason: event.reason }),
    'clean-up-late': 'illegal',
  },
  answering: {
    routed: 'illegal',
    refused: (event) => refuse(event.refusal),
    answered: () => to('running', { type: 'run-flow' }),
    'answer-failed': (event) => unanswered(event.rule),
    'flow-ended': 'illegal',
    'session-ended': () => unanswered('cancelled'),
    // The end of the session follows, and ends the call.
    'media-lost': (event) => to('answering', { type: 'hang-up', reason: event.reason }),
    stop: (event) => to('answering', { type: 'hang-up', reason: event.reason }),
    'clean-up-late': 'illegal',
  },
  running: {
    routed: 'illegal',
    refused: 'illegal',
    answered: 'illegal',
    'answer-failed': 'illegal',
    'flow-ended': (event) =>
      to('saying-bye', { type: 'hang-up', reason: event.reason }, { type: 'close-media' }),
    'session-ended': () => to('winding-up', { type: 'cancel-flow' }),
    // The BYE may go unanswered for 32 s; what the caller holds is given back at once.
    'media-lost': (event) => drop(event.reason),
    stop: (event) => drop(event.reason),
    'clean-up-late': 'illegal',
  },
  'winding-up': {
    routed: 'illegal',
    refused: 'illegal',
    answered: 'illegal',
    'answer-failed': 'illegal',
    'flow-ended': () => to('ended', ...END),
    'session-ended': 'ignore',
    'media-lost': 'ignore',
    stop: 'ignore',
    'clean-up-late': () => to('ended', ...END),
  },
  'saying-bye': {
    routed: 'illegal',
    refused: 'illegal',
    answered: 'illegal',
    'answer-failed': 'illegal',
    'flow-ended': 'illegal',
    'session-ended': () => to('ended', ...END),
    'media-lost': 'ignore',
    stop: 'ignore',
    'clean-up-late': 'illegal',
  },
  ended: {
    // Answers to what was under way when the call ended.
    routed: 'ignore',
    refused: 'ignore',
    answered: 'ignore',
    'answer-failed': 'ignore',
    'flow-ended': 'ignore',
    'session-ended': 'ignore',
    'media-lost': 'ignore',
    stop: 'ignore',
    'clean-up-late': 'ignore',
  },
};
