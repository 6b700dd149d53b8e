import { describe, expect, it } from 'vitest';
import { step, type Table } from '../../../common/fsm.ts';
import type { SessionEnd } from '../user-agent.ts';
import { CLIENT_CALL, type ClientEvent } from './client-table.ts';
import { EXCHANGE, type ExchangeEvent, offerRefusal } from './exchange.ts';
import { MODIFY, type ModifyEvent } from './modify-table.ts';
import { SERVER_CALL, type ServerEvent } from './server-table.ts';

const end: SessionEnd = { by: 'local', established: false };

const CLIENT_EVENTS: readonly ClientEvent[] = [
  { type: 'sent' },
  { type: 'provisional' },
  { type: 'success' },
  { type: 'failed', end },
  { type: 'hang-up', end },
  { type: 'ring-timeout', end },
  { type: 'cancel-timeout' },
  { type: 'peer-bye', end },
  { type: 'broken', end },
  { type: 'gone', end },
  { type: 'bye-done' },
  { type: 'abort', end },
];
const SERVER_EVENTS: readonly ServerEvent[] = [
  { type: 'progress' },
  { type: 'accept' },
  { type: 'accept-later' },
  { type: 'reject', refusal: { status: 486 }, end },
  { type: 'cancelled', end },
  { type: 'ack' },
  { type: 'ack-timeout', end },
  { type: 'hang-up', end },
  { type: 'peer-bye', end },
  { type: 'broken', end },
  { type: 'gone', end },
  { type: 'bye-done' },
  { type: 'abort', end },
];
const MODIFY_EVENTS: readonly ModifyEvent[] = [
  { type: 'ask' },
  { type: 'clear' },
  { type: 'finished' },
  { type: 'glare', delayMs: 100 },
  { type: 'again' },
  { type: 'timer' },
  { type: 'close' },
];
const EXCHANGE_EVENTS: readonly ExchangeEvent[] = [
  { type: 'send-offer' },
  { type: 'receive-offer' },
  { type: 'send-answer' },
  { type: 'receive-answer' },
  { type: 'refused' },
];

/** One line a cell: `state × event → next [effects]`. */
function cells<State extends string, Event extends { readonly type: string }, Effect>(
  table: Table<State, Event, Effect>,
  events: readonly Event[],
): readonly string[] {
  return statesOf(table).flatMap((state) =>
    events.map((event) => {
      const result = step(table, state, event);
      const effects = result.effects.map(effectName).join(' ');
      const outcome =
        result.verdict === 'moved'
          ? `→ ${result.state}${effects === '' ? '' : ` [${effects}]`}`
          : result.verdict;
      return `${state} × ${event.type} ${outcome}`;
    }),
  );
}

function effectName(effect: unknown): string {
  if (typeof effect !== 'object' || effect === null || !('type' in effect)) return '?';
  const refusal = 'refusal' in effect ? effect.refusal : undefined;
  const status =
    typeof refusal === 'object' && refusal !== null && 'status' in refusal
      ? ` ${refusal.status}`
      : '';
  return `${String(effect.type)}${status}`;
}

function statesOf<State extends string>(
  table: { readonly [S in State]: unknown },
): readonly State[] {
  const states: State[] = [];
  for (const state in table) states.push(state);
  return states;
}

describe('every cell of the session machines', () => {
  it('client call', () => expect(cells(CLIENT_CALL, CLIENT_EVENTS)).toMatchSnapshot());
  it('server call', () => expect(cells(SERVER_CALL, SERVER_EVENTS)).toMatchSnapshot());
  it('modify', () => expect(cells(MODIFY, MODIFY_EVENTS)).toMatchSnapshot());
  it('exchange', () => expect(cells(EXCHANGE, EXCHANGE_EVENTS)).toMatchSnapshot());

  it('a call ends once, and stays ended', () => {
    for (const line of [
      ...cells(CLIENT_CALL, CLIENT_EVENTS),
      ...cells(SERVER_CALL, SERVER_EVENTS),
    ]) {
      if (line.startsWith('ended ')) expect(line).toMatch(/ignored$/);
      // `finish` and the state `ended` come together, so that onEnded comes exactly once.
      expect(line.includes('finish')).toBe(line.includes('→ ended'));
    }
  });

  it('an INVITE gets its final response exactly once', () => {
    const before = /^(incoming|early|accepting) × /;
    for (const line of cells(SERVER_CALL, SERVER_EVENTS)) {
      if (/send-(success|failure)/.test(line)) expect(line).toMatch(before);
      // The stop of the agent, and a dialog that the peer denies, leave it to the transaction layer.
      const leaves =
        before.test(line) && !/→ (incoming|early|accepting)|illegal|ignored/.test(line);
      if (leaves && !/× (abort|gone)/.test(line)) expect(line).toMatch(/send-(success|failure)/);
    }
  });

  it('no BYE before the ACK, and none to a caller that was not answered (section 15)', () => {
    for (const line of cells(SERVER_CALL, SERVER_EVENTS)) {
      if (line.includes('bye]'))
        expect(line).toMatch(/^(established|closing × ack|\w+ × ack-timeout)/);
    }
  });

  it('offers at a wrong time (RFC 3311 section 5.2)', () => {
    expect([
      offerRefusal('none'),
      offerRefusal('stable'),
      offerRefusal('local-offer'),
      offerRefusal('remote-offer'),
    ]).toEqual([undefined, undefined, 491, 500]);
  });
});
