import { describe, expect, it } from 'vitest';
import { MediaError } from '../../../common/errors.ts';
import { step, type Table } from '../../../common/fsm.ts';
import { createHeaders } from '../headers.ts';
import { EMPTY_BODY, type SipRequest, type SipResponse } from '../message.ts';
import { INVITE_CLIENT } from './invite-client.ts';
import { INVITE_SERVER } from './invite-server.ts';
import { NON_INVITE_CLIENT } from './non-invite-client.ts';
import { NON_INVITE_SERVER } from './non-invite-server.ts';
import type { Flow } from './transaction-user.ts';

const flow: Flow = {
  transport: 'udp',
  remoteAddress: '192.0.2.1',
  remotePort: 5060,
  localAddress: '192.0.2.2',
  localPort: 5060,
};
const headers = createHeaders();
const response = (status: number): SipResponse => ({
  kind: 'response',
  status,
  reasonPhrase: '',
  headers,
  body: EMPTY_BODY,
});
const request: SipRequest = {
  kind: 'request',
  method: 'X',
  uri: 'sip:x',
  headers,
  body: EMPTY_BODY,
};
const error = new MediaError('transport-failed', 'x');

const EVENTS = {
  begin: { type: 'begin' },
  provisional: { type: 'provisional', response: response(180), flow },
  success: { type: 'success', response: response(200), flow },
  failure: { type: 'failure', response: response(486), flow },
  transportError: { type: 'transportError', error },
  cancel: { type: 'cancel', cancel: request },
  cancelTimeout: { type: 'cancelTimeout' },
  request: { type: 'request' },
  respondProvisional: { type: 'respondProvisional', response: response(180) },
  respondSuccess: { type: 'respondSuccess', response: response(200) },
  respondFailure: { type: 'respondFailure', response: response(486) },
  ack: { type: 'ack', ack: request, flow },
  trying: { type: 'trying' },
} as const;

/** One cell as text: `-` ignored, `!` illegal, else the new state and the effects in order. */
function cell<State extends string, Effect extends { readonly type: string }>(
  table: Table<State, { readonly type: string }, Effect>,
  state: State,
  type: string,
): string {
  const known = Object.entries(EVENTS).find(([name]) => name === type);
  const result = step(table, state, known === undefined ? { type } : known[1]);
  if (result.verdict === 'ignored') return '-';
  if (result.verdict === 'illegal') return '!';
  const effects = result.effects.map((effect) =>
    'timer' in effect
      ? `${effect.type} ${String(effect.timer)}${'atT2' in effect ? ' at T2' : ''}`
      : effect.type,
  );
  return [result.state, ...effects].join(', ');
}

type AnyTable = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Every cell of a table. */
function walk(table: AnyTable): Record<string, Record<string, string>> {
  const rows: Record<string, Record<string, string>> = {};
  const known = table as Table<string, { readonly type: string }, { readonly type: string }>;
  for (const [state, row] of Object.entries(known)) {
    const cells: Record<string, string> = {};
    for (const type of Object.keys(row)) cells[type] = cell(known, state, type);
    rows[state] = cells;
  }
  return rows;
}

/** The cells that are expected to do something or to be ignored; all others are illegal. */
type Expected = Readonly<Record<string, Readonly<Record<string, string>>>>;

function complete(table: AnyTable, expected: Expected): Record<string, Record<string, string>> {
  const rows: Record<string, Record<string, string>> = {};
  for (const [state, row] of Object.entries(table)) {
    rows[state] = Object.fromEntries(Object.keys(row).map((type) => [type, '!']));
    Object.assign(rows[state], expected[state]);
  }
  return rows;
}

const ACCEPTED = 'accepted, stop A, stop B, stop cancel, start M, tellFinal';
const REFUSED = 'completed, stop A, stop B, stop cancel, start D, sendAck, tellFinal';
const TIMEOUT = 'terminated, tellTimeout, terminate';
const BROKEN = 'terminated, tellTransportError, terminate';

describe('INVITE client table (RFC 3261 figure 5, RFC 6026 figure 8)', () => {
  it('every cell', () => {
    expect(walk(INVITE_CLIENT)).toEqual(
      complete(INVITE_CLIENT, {
        idle: { begin: 'calling, sendRequest, start A, start B' },
        calling: {
          cancel: 'cancelling',
          provisional: 'proceeding, stop A, stop B, tellProvisional',
          success: ACCEPTED,
          failure: REFUSED,
          transportError: BROKEN,
          A: 'calling, sendRequest, backOff A',
          B: TIMEOUT,
        },
        cancelling: {
          cancel: '-',
          provisional: 'cancelled, stop A, stop B, sendCancel, start cancel, tellProvisional',
          success: ACCEPTED,
          failure: REFUSED,
          transportError: BROKEN,
          A: 'cancelling, sendRequest, backOff A',
          B: TIMEOUT,
        },
        proceeding: {
          cancel: 'cancelled, sendCancel, start cancel',
          provisional: 'proceeding, stop A, stop B, tellProvisional',
          success: ACCEPTED,
          failure: REFUSED,
          transportError: '-',
        },
        cancelled: {
          cancel: '-',
          provisional: 'cancelled, stop A, stop B, tellProvisional',
          success: ACCEPTED,
          failure: REFUSED,
          transportError: '-',
          cancelTimeout: TIMEOUT,
        },
        completed: {
          cancel: '-',
          provisional: '-',
          failure: 'completed, sendAck',
          transportError: '-',
          D: 'terminated, terminate',
        },
        accepted: {
          cancel: '-',
          provisional: '-',
          success: 'accepted, tellFinal',
          failure: '-',
          transportError: '-',
          M: 'terminated, terminate',
        },
        terminated: {
          cancel: '-',
          provisional: '-',
          success: '-',
          failure: '-',
          transportError: '-',
        },
      }),
    );
  });
});

describe('non-INVITE client table (RFC 3261 figure 6)', () => {
  it('every cell', () => {
    const finished = 'completed, stop E, stop F, start K, tellFinal';
    expect(walk(NON_INVITE_CLIENT)).toEqual(
      complete(NON_INVITE_CLIENT, {
        idle: { begin: 'trying, sendRequest, start E, start F' },
        trying: {
          provisional: 'proceeding, tellProvisional',
          success: finished,
          failure: finished,
          transportError: BROKEN,
          E: 'trying, sendRequest, backOff E',
          F: TIMEOUT,
        },
        proceeding: {
          provisional: 'proceeding, tellProvisional',
          success: finished,
          failure: finished,
          transportError: BROKEN,
          E: 'proceeding, sendRequest, backOff E at T2',
          F: TIMEOUT,
        },
        completed: {
          provisional: '-',
          success: '-',
          failure: '-',
          transportError: '-',
          K: 'terminated, terminate',
        },
        terminated: { provisional: '-', success: '-', failure: '-', transportError: '-' },
      }),
    );
  });
});

describe('INVITE server table (RFC 3261 figure 7, RFC 6026 figure 7)', () => {
  it('every cell', () => {
    expect(walk(INVITE_SERVER)).toEqual(
      complete(INVITE_SERVER, {
        idle: { begin: 'proceeding, start trying' },
        proceeding: {
          request: 'proceeding, resend',
          respondProvisional: 'proceeding, stop trying, sendResponse',
          respondSuccess: 'accepted, stop trying, sendResponse, start L',
          respondFailure: 'completed, stop trying, sendResponse, start G, start H',
          transportError: BROKEN,
          cancel: 'proceeding, tellCancel',
          trying: 'proceeding, sendTrying',
        },
        completed: {
          request: 'completed, resend',
          respondProvisional: '-',
          respondSuccess: '-',
          respondFailure: '-',
          transportError: BROKEN,
          ack: 'confirmed, stop G, stop H, start I',
          cancel: '-',
          G: 'completed, resend, backOff G',
          H: 'terminated, tellNoAck, terminate',
        },
        confirmed: {
          request: '-',
          respondProvisional: '-',
          respondSuccess: '-',
          respondFailure: '-',
          transportError: '-',
          ack: '-',
          cancel: '-',
          I: 'terminated, terminate',
        },
        accepted: {
          request: '-',
          respondProvisional: '-',
          respondSuccess: 'accepted, sendResponse',
          respondFailure: '-',
          transportError: 'accepted, tellTransportError',
          ack: 'accepted, tellAck',
          cancel: '-',
          L: 'terminated, terminate',
        },
        terminated: {
          request: '-',
          respondProvisional: '-',
          respondSuccess: '-',
          respondFailure: '-',
          transportError: '-',
          ack: '-',
          cancel: '-',
        },
      }),
    );
  });
});

describe('non-INVITE server table (RFC 3261 figure 8)', () => {
  it('every cell', () => {
    const finished = 'completed, sendResponse, start J';
    expect(walk(NON_INVITE_SERVER)).toEqual(
      complete(NON_INVITE_SERVER, {
        idle: { begin: 'trying' },
        trying: {
          request: '-',
          respondProvisional: 'proceeding, sendResponse',
          respondSuccess: finished,
          respondFailure: finished,
        },
        proceeding: {
          request: 'proceeding, resend',
          respondProvisional: 'proceeding, sendResponse',
          respondSuccess: finished,
          respondFailure: finished,
          transportError: BROKEN,
        },
        completed: {
          request: 'completed, resend',
          respondProvisional: '-',
          respondSuccess: '-',
          respondFailure: '-',
          transportError: BROKEN,
          J: 'terminated, terminate',
        },
        terminated: {
          request: '-',
          respondProvisional: '-',
          respondSuccess: '-',
          respondFailure: '-',
          transportError: '-',
        },
      }),
    );
  });
});

/** One table as Markdown: a row a state; what is illegal stays empty. */
function markdown(title: string, table: AnyTable): string {
  const rows = walk(table);
  const lines = [
    `## ${title}`,
    '',
    '| state | event | leads to | effects |',
    '| --- | --- | --- | --- |',
  ];
  for (const [state, cells] of Object.entries(rows)) {
    for (const [type, text] of Object.entries(cells)) {
      if (text === '!') continue;
      const [next = '', ...effects] = text.split(', ');
      lines.push(
        `| ${state} | ${type} | ${next === '-' ? 'ignored' : next} | ${effects.join(', ')} |`,
      );
    }
  }
  return lines.join('\n');
}

it('docs/sip-transactions.md shows the tables as they are', async () => {
  const text = [
    '# SIP transactions',
    'Printed from the tables in `signaling/sip/transaction/` by `tables.test.ts`; `npx vitest run signaling/sip/transaction/tables.test.ts -u` prints them again. What is not listed is illegal in that state and counted.',
    markdown('INVITE client (RFC 3261 section 17.1.1, RFC 6026)', INVITE_CLIENT),
    markdown('Non-INVITE client (RFC 3261 section 17.1.2)', NON_INVITE_CLIENT),
    markdown('INVITE server (RFC 3261 section 17.2.1, RFC 6026)', INVITE_SERVER),
    markdown('Non-INVITE server (RFC 3261 section 17.2.2)', NON_INVITE_SERVER),
  ].join('\n\n');
  await expect(`${text}\n`).toMatchFileSnapshot('../../../docs/sip-transactions.md');
});
