import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountId, CallId, NodeId } from '../../common/ids.ts';
import type { CallRecord } from '../derived/records.ts';
import { CALL_INDEX, callRecordKey } from '../derived/records.ts';
import { runProgram } from './cli/program.ts';
import { callViews, refusalList } from './record-schemas.ts';
import { ADMIN_TOKEN, startTestApi, type TestApi } from './test-api.ts';

const START_MS = Date.UTC(2026, 10, 21, 12);

function record(index: number, change: Partial<CallRecord> = {}): CallRecord {
  return {
    version: 1,
    callId: `k${index}` as CallId,
    vruId: 'vru-1' as NodeId,
    direction: 'in',
    sipCallId: `${index}@gateway`,
    trunk: '192.0.2.1',
    callerNumber: `+4930123${index}`,
    dnis: '1000',
    application: 'conference',
    startedAtMs: START_MS + index * 60_000,
    answeredAtMs: START_MS + index * 60_000,
    endedAtMs: START_MS + index * 60_000 + 30_000,
    endedBy: 'caller',
    reason: 'hangup',
    media: null,
    decisions: [],
    outcome: 'conference',
    accountId: 'demo-start' as AccountId,
    seats: [],
    ...change,
  };
}

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
  const locked: CallRecord['decisions'] = [{ atMs: START_MS, kind: 'refused', reason: 'locked' }];
  const records = [
    ...Array.from({ length: 5 }, (_, index) => record(index)),
    record(5, {
      accountId: 'demo-hold' as AccountId,
      callerName: '=HYPERLINK("x")',
      reason: 'refused-locked',
      outcome: 'refused',
      decisions: locked,
    }),
    record(6, { reason: 'max-calls', outcome: 'refused', answeredAtMs: null, sipStatus: 503 }),
  ];
  for (const one of records) {
    const key = callRecordKey(one.endedAtMs, one.callId);
    await api.store.put(key, one);
    await api.store.put(`${CALL_INDEX}${one.callId}`, { version: 1, key, callId: one.callId });
  }
});
afterEach(() => api.stop());

const get = (path: string, token = ADMIN_TOKEN, headers = {}) =>
  fetch(api.base + path, { headers: { authorization: `Bearer ${token}`, ...headers } });

async function hostToken(): Promise<string> {
  const response = await fetch(`${api.base}/api/v1/host-sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: '910001' }),
  });
  const body: unknown = await response.json();
  if (typeof body === 'object' && body !== null && 'token' in body) return String(body.token);
  throw new Error(JSON.stringify(body));
}

async function run(...argv: string[]) {
  let out = '';
  await runProgram(
    {
      version: '1',
      addLocalCommands: () => {},
      terminal: {
        out: (text) => {
          out += `${text}\n`;
        },
        err: (text) => {
          out += `${text}\n`;
        },
        environment: { MINUSONE_URL: api.base, MINUSONE_TOKEN: ADMIN_TOKEN },
        setExitCode: () => {},
      },
    },
    argv,
  );
  return out;
}

describe('GET /api/v1/call-records', () => {
  it('pages back in time, with the next page in the Link header', async () => {
    const seen: string[] = [];
    let path = '/api/v1/call-records?limit=3';
    for (let page = 0; page < 5; page++) {
      const response = await get(path);
      const { items, next } = callViews.parse(await response.json());
      seen.push(...items.map(({ callId }) => callId));
      if (next === null) break;
      path = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1] ?? '';
    }
    expect(seen).toEqual(['k6', 'k5', 'k4', 'k3', 'k2', 'k1', 'k0']);
  });

  it('filters, also by time', async () => {
    const from = new Date(START_MS + 2 * 60_000).toISOString();
    const to = new Date(START_MS + 4 * 60_000).toISOString();
    const ids = async (query: string) =>
      callViews
        .parse(await (await get(`/api/v1/call-records?${query}`)).json())
        .items.map(({ callId }) => callId);
    expect(await ids(`from=${from}&to=${to}`)).toEqual(['k3', 'k2']);
    expect(await ids('caller=%2B49301234')).toEqual(['k4']);
    expect(await ids('account=demo-hold')).toEqual(['k5']);
    expect(await ids('outcome=refused')).toEqual(['k6', 'k5']);
    expect((await get('/api/v1/call-records?from=yesterday')).status).toBe(422);
    expect((await get('/api/v1/call-records?after=~~~%00')).status).toBe(200);
  });

  it('comes as CSV and as JSON lines', async () => {
    const csv = await get('/api/v1/call-records?limit=2', ADMIN_TOKEN, { accept: 'text/csv' });
    expect(csv.headers.get('content-type')).toContain('text/csv');
    const lines = (await csv.text()).split('\r\n');
    expect(lines[0]).toMatch(/^call_id,sip_call_id,direction,/);
    expect(lines[1]).toMatch(/^k6,6@gateway,in,\+49301236,/);
    expect(lines[2]).toContain(`"'=HYPERLINK(""x"")"`);
    const jsonl = await (await get('/api/v1/call-records?format=jsonl')).text();
    expect(jsonl.trim().split('\n')).toHaveLength(7);
  });

  it('shows a host the own account only, and no refusals', async () => {
    const token = await hostToken();
    const own = callViews.parse(await (await get('/api/v1/call-records', token)).json());
    expect(own.items.map(({ accountId }) => accountId)).not.toContain('demo-hold');
    const asked = await get('/api/v1/call-records?account=demo-hold', token);
    expect(
      callViews.parse(await asked.json()).items.every((one) => one.accountId !== 'demo-hold'),
    ).toBe(true);
    expect((await get('/api/v1/call-records/k5', token)).status).toBe(404);
    expect((await get('/api/v1/call-records/k4', token)).status).toBe(200);
    expect((await get('/api/v1/refusals', token)).status).toBe(403);
  });
});

describe('why was this call refused', () => {
  it('is answered with the rule, its meaning and what to do', async () => {
    const all = refusalList.parse(await (await get('/api/v1/refusals')).json());
    expect(all.items.map(({ callId, reason }) => `${callId} ${reason}`)).toEqual([
      'k6 max-calls',
      'k5 locked',
    ]);
    expect(all.items[1]?.remedy).toContain('unlock');
    const one = refusalList.parse(await (await get('/api/v1/refusals?callId=6@gateway')).json());
    expect(one.items).toMatchObject([{ callId: 'k6', sipStatus: 503 }]);
  });

  it('from the command line', async () => {
    expect(await run('calls', 'why', 'k5')).toContain('What to do: A host unlocks it');
    expect(await run('calls', 'why', '--caller', '+49301236')).toContain('max-calls');
    expect(await run('calls', 'why', 'nothing')).toContain('no refused call fits');
    expect(await run('calls', 'list', '--limit', '2')).toMatch(/ENDED(?:.|\n)*k6(?:.|\n)*k5/);
    expect(JSON.parse(await run('calls', 'show', 'k1'))).toMatchObject({ callId: 'k1' });
    const exported = await run('calls', 'export', '--account', 'demo-start');
    expect(exported.split('\r\n')).toHaveLength(8);
    expect(await run('calls', 'conferences')).toContain('no such conferences');
  });
});
