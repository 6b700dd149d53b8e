import { describe, expect, it } from 'vitest';
import type { MediaError } from '../../common/errors.ts';
import {
  type AccountId,
  type CallId,
  type ConfereeId,
  type ConferenceId,
  type NodeId,
  seededRandom,
} from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { createMetrics } from '../../common/metrics.ts';
import type { Result } from '../../common/result.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import type { Store } from '../../common/store/store.ts';
import { ConferenceLog } from '../conference/conference-log.ts';
import type { ConferenceEvent } from '../conference/events.ts';
import { KEYS } from '../conference/records.ts';
import { type CallEnd, createCallEndWriter } from './call-end.ts';
import { startDerived } from './derived.ts';
import { type CallFilter, openRecords } from './record-search.ts';
import type { WebhookSender } from './webhook-sender.ts';

const DAY_MS = 86_400_000;

const NO_SENDER: WebhookSender = {
  send: () => Promise.resolve({ kind: 'failed', why: 'none in this test' }),
  close() {},
};

function value<T>(result: Result<T, MediaError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

const parts = (store: Store, clock: SimClock) => ({
  store,
  clock,
  log: silentLogger,
  metrics: createMetrics(),
  random: seededRandom(1),
  keepRecordsMs: 2 * DAY_MS,
  webhooks: { sender: NO_SENDER, maxBacklog: 10, disableAfterMs: DAY_MS },
});

function bench() {
  const clock = new SimClock();
  const store = new MemoryStore(clock);
  const records = openRecords(store, clock);
  const writeEnd = createCallEndWriter(parts(store, clock));
  const calls = async (filter: CallFilter = {}) => {
    const found = records.calls(filter, { limit: 100 });
    await clock.advance(1);
    return value(await found).items;
  };
  return { clock, store, records, calls, writeEnd, start: () => startDerived(parts(store, clock)) };
}

type Bench = ReturnType<typeof bench>;

function logOf({ store, clock }: Bench, id: string) {
  const log = new ConferenceLog(id as ConferenceId, {
    store,
    clock,
    onAppended() {},
    onRaceLost() {},
  });
  return async (...events: ConferenceEvent[]): Promise<void> => {
    value(await log.commit(() => ({ events, result: undefined })));
  };
}

const created = (accountId = 'acme', temporary = false): ConferenceEvent => ({
  kind: 'created',
  accountId: accountId as AccountId,
  code: '910001',
  mixerId: 'mixer-1' as NodeId,
  mixerAddress: '127.0.0.1:5070',
  mixerClass: 'standard',
  temporary,
});

const joined = (ordinal: number, call: string): ConferenceEvent => ({
  kind: 'joined',
  ordinal,
  confereeId: `p${ordinal}` as ConfereeId,
  role: 'participant',
  caller: {
    vruId: 'vru-1' as NodeId,
    callId: call as CallId,
    callerNumber: '+4930123',
    dnis: '1000',
    vruStart: 'start-1',
  },
  from: 'call',
  requestId: `request-${call}`,
});

const left = (ordinal: number): ConferenceEvent => ({
  kind: 'left',
  ordinal,
  confereeId: `p${ordinal}` as ConfereeId,
  why: 'hangup',
});

function end(clock: SimClock, callId: string, change: Partial<CallEnd> = {}): CallEnd {
  return {
    version: 1,
    callId: callId as CallId,
    vruId: 'vru-1' as NodeId,
    direction: 'in',
    sipCallId: `${callId}@gateway`,
    trunk: '192.0.2.1',
    callerNumber: '+4930123',
    dnis: '1000',
    application: 'conference',
    startedAtMs: clock.wallMs() - 10_000,
    answeredAtMs: clock.wallMs() - 9_000,
    endedAtMs: clock.wallMs(),
    endedBy: 'caller',
    reason: 'hangup',
    media: null,
    decisions: [],
    ...change,
  };
}

describe('call records', () => {
  it('join what the log tells with what the VRU measured, one record a call', async () => {
    const test = bench();
    const role = await test.start();
    const append = logOf(test, 'c1');
    await append(created());
    await append(joined(1, 'k1'));
    await test.clock.advance(60_000);
    test.writeEnd(end(test.clock, 'k1'));
    await test.clock.advance(500);
    // The departure is on its way.
    expect(await test.calls()).toEqual([]);
    await append(left(1), { kind: 'ended', why: 'empty', others: 'nothing' });
    await test.clock.advance(10);
    const [record, ...others] = await test.calls();
    expect(others).toEqual([]);
    expect(record).toMatchObject({
      callId: 'k1',
      outcome: 'conference',
      accountId: 'acme',
      seats: [{ conferenceId: 'c1', ordinal: 1, why: 'hangup' }],
    });
    const seat = record?.seats[0];
    expect((seat?.leftAtMs ?? 0) - (seat?.joinedAtMs ?? 0)).toBeGreaterThanOrEqual(60_000);
    expect(value(await test.store.list('call-end/'))).toEqual([]);
    await role.stop();
  });

  it('are written also when the departure never comes, or the call was in no conference', async () => {
    const test = bench();
    const role = await test.start();
    const append = logOf(test, 'c1');
    await append(created());
    await append(joined(1, 'k1'));
    test.writeEnd(end(test.clock, 'k1'));
    test.writeEnd(end(test.clock, 'k2', { application: 'echo' }));
    test.writeEnd(end(test.clock, 'k3', { answeredAtMs: null, reason: 'max-calls' }));
    await test.clock.advance(25_000);
    const outcomes = (await test.calls()).map(({ callId, outcome }) => `${callId} ${outcome}`);
    expect(outcomes.toSorted()).toEqual(['k1 conference', 'k2 served', 'k3 refused']);
    await role.stop();
  });

  it('survive a kill: an end that nobody took is taken at the next start, once', async () => {
    const test = bench();
    const append = logOf(test, 'c1');
    await append(created());
    await append(joined(1, 'k1'));
    test.writeEnd(end(test.clock, 'k1'));
    await append(left(1), { kind: 'ended', why: 'empty', others: 'nothing' });
    await test.clock.advance(10);
    for (let start = 0; start < 3; start++) {
      const role = await test.start();
      await test.clock.advance(200_000);
      await role.stop();
    }
    expect(await test.calls()).toHaveLength(1);
    const found = test.records.conferences({}, { limit: 10 });
    await test.clock.advance(1);
    expect(value(await found).items).toMatchObject([
      { conferenceId: 'c1', conferees: 1, peak: 1, endedBy: 'empty' },
    ]);
  });

  it('exist of calls whose VRU was killed, and not of callers who wait', async () => {
    const test = bench();
    const role = await test.start();
    value(await test.store.put(KEYS.vru('vru-1' as NodeId), vruLease('start-1')));
    const append = logOf(test, 'c1');
    await append(created());
    await append(joined(1, 'k1'));
    await append({ kind: 'ended', why: 'host-left', others: 'wait' });
    await test.clock.advance(200_000);
    expect(await test.calls()).toEqual([]);
    value(await test.store.put(KEYS.vru('vru-1' as NodeId), vruLease('start-2')));
    await test.clock.advance(200_000);
    expect(await test.calls()).toMatchObject([{ callId: 'k1', reason: 'vru-lost' }]);
    await role.stop();
  });

  it('are deleted when they are old enough', async () => {
    const test = bench();
    const role = await test.start();
    test.writeEnd(end(test.clock, 'k1'));
    await test.clock.advance(1.5 * DAY_MS);
    test.writeEnd(end(test.clock, 'k2'));
    await test.clock.advance(0.6 * DAY_MS);
    expect((await test.calls()).map(({ callId }) => callId)).toEqual(['k2']);
    expect(value(await test.records.call('k1' as CallId))).toBeUndefined();
    expect(value(await test.store.list('call-of/'))).toHaveLength(1);
    await role.stop();
  });
});

const vruLease = (start: string) => ({ version: 1, id: 'vru-1', start, address: '', calls: 0 });

describe('the search', () => {
  it('filters, goes back in pages, and reads a bounded number of records at a time', async () => {
    const test = bench();
    const role = await test.start();
    for (let index = 0; index < 12; index++) {
      const caller = index % 2 === 0 ? '+4930123' : '+4989456';
      test.writeEnd(end(test.clock, `k${index}`, { callerNumber: caller }));
      await test.clock.advance(1_000);
    }
    expect(await test.calls({ caller: '+4989*' })).toHaveLength(6);
    expect(await test.calls({ callId: 'k3@gateway' })).toMatchObject([{ callId: 'k3' }]);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const asked = test.records.calls({}, { limit: 5, after });
      await test.clock.advance(1);
      const page = value(await asked);
      seen.push(...page.items.map(({ callId }) => callId));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(seen).toEqual(Array.from({ length: 12 }, (_, index) => `k${11 - index}`));
    await role.stop();
  });
});
