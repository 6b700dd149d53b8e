/**
 * Whose offer is open in a dialog (RFC 3261 section 13.2.1, RFC 3311 section 5, RFC 6337): decides between
 * taking an offer, 491 and 500, and tells when we may make one. Pure.
 *
 *   none ── offer ──▶ local-offer / remote-offer ── answer ──▶ stable ── offer ──▶ …
 */
import type { Table } from '../../../common/fsm.ts';

export type ExchangeState = 'none' | 'local-offer' | 'remote-offer' | 'stable';

export type ExchangeEvent =
  | { readonly type: 'send-offer' }
  | { readonly type: 'receive-offer' }
  | { readonly type: 'send-answer' }
  | { readonly type: 'receive-answer' }
  /** The open offer was refused, in either direction. */
  | { readonly type: 'refused' };

const to = (state: ExchangeState) => () => ({ state, effects: [] });

export const EXCHANGE: Table<ExchangeState, ExchangeEvent, never> = {
  none: {
    'send-offer': to('local-offer'),
    'receive-offer': to('remote-offer'),
    'send-answer': 'illegal',
    'receive-answer': 'illegal',
    refused: 'ignore',
  },
  'local-offer': {
    'send-offer': 'illegal',
    'receive-offer': 'illegal',
    'send-answer': 'illegal',
    'receive-answer': to('stable'),
    refused: to('stable'),
  },
  'remote-offer': {
    'send-offer': 'illegal',
    'receive-offer': 'illegal',
    'send-answer': to('stable'),
    'receive-answer': 'illegal',
    refused: to('stable'),
  },
  stable: {
    'send-offer': to('local-offer'),
    'receive-offer': to('remote-offer'),
    'send-answer': 'illegal',
    // The same answer again: in a 183 and in the 200 (RFC 6337 section 2.1).
    'receive-answer': 'ignore',
    refused: 'ignore',
  },
};

/** RFC 3311 section 5.2: what an offer that may not come now is answered. */
export function offerRefusal(state: ExchangeState): 491 | 500 | undefined {
  if (state === 'local-offer') return 491;
  return state === 'remote-offer' ? 500 : undefined;
}
