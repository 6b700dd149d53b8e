import { describe, expect, it } from 'vitest';
import type { CallId, ConfereeId, ConferenceId, NodeId } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import { addAccount } from '../conference/accounts.ts';
import { ConferenceLog } from '../conference/conference-log.ts';
import type { ConferenceEvent } from '../conference/events.ts';
import { KEYS } from '../conference/records.ts';
import type { EventSource, Subscriber } from '../sip/events/event-package.ts';
import { parseSipUri } from '../sip/uri.ts';
import { type ConferencePackageOptions, createConferencePackage } from './conference-package.ts';
import { ConferenceStates } from './conference-states.ts';
import { watchLogs } from './log-watch.ts';
import { created, value } from './webhook-bench.ts';

const DESK: Subscriber = { kind: 'user', name: 'desk' };
const call = (id: string): Subscriber => ({ kind: 'call', callId: id as CallId });

const joined = (
  ordinal: number,
  role: 'host' | 'participant' = 'participant',
): ConferenceEvent => ({
  kind: 'joined',
  ordinal,
  confereeId: `p${ordinal}` as ConfereeId,
  role,
  from: 'call',
  requestId: `request-${ordinal}`,
  caller: {
    vruId: 'vru-1' as NodeId,
    callId: `k${ordinal}` as CallId,
    callerNumber: `10${ordinal}`,
    dnis: '1000',
  },
});
const left = (ordinal: number): ConferenceEvent => ({
  kind: 'left',
  ordinal,
  confereeId: `p${ordinal}` as ConfereeId,
  why: 'hangup',
});

async function bench(change: Partial<ConferencePackageOptions> = {}) {
  const clock = new SimClock();
  const store = new MemoryStore(clock);
  const parts = { store, clock, onAppended: () => undefined, onRaceLost: () => undefined };
  const states = new ConferenceStates({ store, clock, log: silentLogger });
  await watchLogs({ store, log: silentLogger }, [states]);
  const logs = new Map<string, ConferenceLog>();
  const append = async (id: string, ...events: ConferenceEvent[]): Promise<void> => {
    const log = logs.get(id) ?? new ConferenceLog(id as ConferenceId, parts);
    logs.set(id, log);
    value(await log.commit(() => ({ events, result: undefined })));
    const record = log.roster.record();
    const key = KEYS.conference(id as ConferenceId);
    if (record === undefined) value(await store.delete(key));
    else value(await store.put(key, record));
    await clock.advance(1);
  };
  const account = { name: 'Sales', hostCodes: ['910001'], participantCodes: ['110001'] };
  value(await addAccount(store, { id: 'sales', ...account }));
  const conference = createConferencePackage({
    store,
    clock,
    states,
    subscribers: new Map([
      ['desk', { accounts: ['sales'], see: 'roster' }],
      ['board', { accounts: ['*'], see: 'counts' }],
      ['other', { accounts: ['support'], see: 'roster' }],
    ]),
    conferees: 'all',
    restMs: 5_000,
    ...change,
  });
  const open = async (
    subscriber: Subscriber,
    text = 'sip:conf=c1@192.0.2.1',
  ): Promise<EventSource | undefined> => {
    const uri = parseSipUri(text);
    if (!uri.ok) throw new Error(text);
    const opened = conference.open({ uri: uri.value, subscriber, ownHost: '192.0.2.1:5060' });
    await clock.advance(60);
    return opened;
  };
  return { clock, store, states, append, open, conference };
}

const watching = (source: EventSource | undefined): string[] => {
  const seen: string[] = [];
  source?.watch({ onNews: () => seen.push('news'), onEnd: (why) => seen.push(why) });
  return seen;
};
const said = (source: EventSource | undefined): string => source?.document('partial')?.body ?? '';

describe('who may follow a conference', () => {
  it('a configured subscriber of the account sees the roster', async () => {
    const { append, open } = await bench();
    await append('c1', created('sales'), joined(1, 'host'));
    const source = await open(DESK);
    expect(source?.contact).toEqual({ user: 'conf=c1', parameters: ['isfocus'] });
    expect(said(source)).toMatch(/entity="sip:conf=c1@192.0.2.1:5060"[\s\S]*Sales[\s\S]*>101</);
  });

  it('counts for who may see no more', async () => {
    const { append, open } = await bench();
    await append('c1', created('sales'), joined(1, 'host'));
    const body = said(await open({ kind: 'user', name: 'board' }));
    expect(body).toContain('<user-count>1<');
    expect(body).not.toContain('101');
  });

  it.each<[string, Subscriber, string]>([
    ['of another account', { kind: 'user', name: 'other' }, 'sip:conf=c1@192.0.2.1'],
    ['nobody knows', { kind: 'user', name: 'nobody' }, 'sip:conf=c1@192.0.2.1'],
    ['a conference that is not there', DESK, 'sip:conf=c9@192.0.2.1'],
    ['a conference that is over', DESK, 'sip:conf=c0@192.0.2.1'],
    ['no conference', DESK, 'sip:1000@192.0.2.1'],
    ['a number', DESK, 'tel:+4930123'],
    ['a name that is none', DESK, 'sip:conf=../../x@192.0.2.1'],
    ['a call without a seat', call('k9'), 'sip:1000@192.0.2.1'],
    ['a call that was there', call('k3'), 'sip:1000@192.0.2.1'],
    ['another conference than its own', call('k2'), 'sip:conf=c2@192.0.2.1'],
  ])('the same answer, after the same time: %s', async (_, subscriber, text) => {
    const { append, clock, conference } = await bench();
    await append('c0', created('sales'), joined(7), {
      kind: 'ended',
      why: 'empty',
      others: 'nothing',
    });
    await append('c1', created('sales'), joined(1, 'host'), joined(2), joined(3), left(3));
    await append('c2', created('support'), joined(5, 'host'));
    const uri = parseSipUri(text);
    if (!uri.ok) throw new Error(text);
    let answer: unknown = 'not yet';
    void conference.open({ uri: uri.value, subscriber, ownHost: 'h' }).then((source) => {
      answer = source;
    });
    await clock.advance(49);
    expect(answer).toBe('not yet');
    await clock.advance(1);
    expect(answer).toBeUndefined();
  });

  it('a host sees the roster of its own conference, a participant counts', async () => {
    const { append, open } = await bench();
    await append('c1', created('sales'), joined(1, 'host'), joined(2));
    expect(said(await open(call('k1'), 'sip:1000@192.0.2.1'))).toContain('>102<');
    const participant = said(await open(call('k2')));
    expect(participant).toContain('<user-count>2<');
    expect(participant).not.toMatch(/10[12]</);
  });

  it.each<['none' | 'hosts', number]>([
    ['none', 1],
    ['none', 2],
    ['hosts', 2],
  ])('conferees: %s: nothing for conferee %i', async (conferees, ordinal) => {
    const { append, open } = await bench({ conferees });
    await append('c1', created('sales'), joined(1, 'host'), joined(2));
    expect(await open(call(`k${ordinal}`))).toBeUndefined();
  });
});

describe('what becomes of it', () => {
  it('news of everything that happens, from whichever server', async () => {
    const { append, open } = await bench();
    await append('c1', created('sales'), joined(1, 'host'));
    const source = await open(DESK);
    said(source);
    const seen = watching(source);
    await append('c1', joined(2));
    expect(seen).toEqual(['news', 'news']);
    expect(said(source)).toContain('>102<');
    await append('c1', { kind: 'ended', why: 'host-ended', others: 'release' });
    expect(seen.at(-1)).toBe('gone');
    expect(source?.farewell()).toContain('state="deleted"');
  });

  it('a conferee who becomes host sees more, and one who leaves nothing', async () => {
    const { append, open } = await bench();
    await append('c1', created('sales'), joined(1, 'host'), joined(2));
    const source = await open(call('k2'));
    expect(said(source)).not.toContain('101');
    const seen = watching(source);
    await append('c1', { kind: 'role', ordinal: 2, role: 'host' });
    expect(said(source)).toMatch(/state="full"[\s\S]*>101</);
    await append('c1', { kind: 'role', ordinal: 2, role: 'participant' });
    expect(said(source)).toMatch(/state="full"[\s\S]*user-count/);
    await append('c1', left(2));
    expect(seen.at(-1)).toBe('rejected');
    expect(said(source)).toBe('');
  });

  it('hosts only: a host who is none any longer is told nothing more', async () => {
    const { append, open } = await bench({ conferees: 'hosts' });
    await append('c1', created('sales'), joined(1, 'host'), joined(2, 'host'));
    const source = await open(call('k2'));
    const seen = watching(source);
    await append('c1', { kind: 'role', ordinal: 2, role: 'participant' });
    expect(seen.at(-1)).toBe('rejected');
  });

  it('from a waiting room to the conference proper: there it is to be subscribed anew', async () => {
    const { append, open } = await bench();
    await append('c1', { ...created('sales'), temporary: true } as ConferenceEvent, joined(1));
    const source = await open(call('k1'));
    const seen = watching(source);
    await append('c1', { kind: 'superseded', by: 'c2' as ConferenceId });
    await append('c2', created('sales'), joined(1));
    const to = 'c2' as ConferenceId;
    await append('c1', { kind: 'moved', ordinal: 1, confereeId: 'p1' as ConfereeId, to });
    expect(seen.at(-1)).toBe('moved');
    expect(said(await open(call('k1')))).toBe('');
    expect((await open(call('k1'), 'sip:1000@192.0.2.1'))?.contact?.user).toBe('conf=c2');
  });

  it('many follow, one fold; nobody follows, none', async () => {
    const { append, open, states } = await bench();
    await append('c1', created('sales'), joined(1, 'host'));
    const sources = [await open(DESK), await open(call('k1')), await open(DESK)];
    expect(states.size).toBe(1);
    for (const source of sources) source?.close();
    for (const source of sources) source?.close();
    expect(states.size).toBe(0);
    await append('c1', joined(2));
    expect(said(await open(DESK))).toContain('>102<');
  });

  it('events that come while the log is being read are neither lost nor taken twice', async () => {
    const { append, states, clock } = await bench();
    await append('c1', created('sales'), joined(1, 'host'));
    const following = states.follow('c1' as ConferenceId, () => undefined);
    await Promise.all([append('c1', joined(2)), append('c1', joined(3))]);
    await clock.advance(10);
    const { roster } = await following;
    expect([...roster.conferees.keys()]).toEqual([1, 2, 3]);
  });

  it('a log that cannot be read: an error, and the next one tries again', async () => {
    const { append, store, open, states } = await bench();
    await append('c1', created('sales'), joined(1, 'host'));
    const list = store.list.bind(store);
    store.list = () => Promise.reject(new Error('disk'));
    await expect(states.follow('c1' as ConferenceId, () => undefined)).rejects.toThrow('disk');
    store.list = list;
    expect(said(await open(DESK))).toContain('>101<');
  });
});
