/** The way of a request: client, proxy, queue of the interface server; bounds, retries, classification. */
import { describe, expect, it } from 'vitest';
import { ok } from '../../common/result.ts';
import { AccountQueue } from './account-queue.ts';
import type { EnterReply } from './client.ts';
import { CodeTrie } from './code-trie.ts';
import { FakeWorld, HOST, PARTICIPANT } from './fake-world.ts';
import { SUBJECTS } from './messages.ts';

const DEADLINE = { deadlineMs: 10_000 };

describe('proxy', () => {
  it('R3: sends conferencing requests to an interface server, others to their own service', async () => {
    const world = await FakeWorld.start();
    await world.account();
    await world.bus.serve('service.weather', (body) => Promise.resolve(ok({ heard: body })));
    const ask = (body: unknown) => world.run(world.bus.request(SUBJECTS.proxy, body, DEADLINE));
    expect(await ask({ service: 'weather', city: 'Rome' })).toEqual(
      ok({ heard: { service: 'weather', city: 'Rome' } }),
    );
    const refused = ok({ kind: 'refused', reason: 'service-unavailable' });
    expect(await ask({ service: 'lottery' })).toEqual(refused);
    for (const nonsense of [null, 5, {}, { service: 7 }, { service: '../x' }]) {
      const answer = await ask(nonsense);
      expect(answer.ok ? 'ok' : answer.error.code).toBe('bad-request');
    }
    const bad = await ask({ service: 'conference', kind: 'enter' });
    expect(bad.ok ? 'ok' : bad.error.code).toBe('bad-request');
    const [, reply] = await world.run(world.vru().enter(HOST));
    expect(reply.kind).toBe('enter');
  });

  it('R42: balances over all interface servers', async () => {
    const world = await FakeWorld.start({ interfaces: 3 });
    await world.account({ waitingMode: 'start' });
    const entries = Array.from({ length: 90 }, () => world.vru().enter(PARTICIPANT));
    await world.run(Promise.all(entries));
    const text = await world.metrics.text();
    for (const { id } of world.interfaces) {
      expect(text).toContain(`minusone_interface_queue_requests{server="${id}"} 0`);
    }
    expect(text).toMatch(/minusone_conference_races_total [1-9]/);
  });

  it('goes elsewhere when a server drains, and says so when none is there', async () => {
    const world = await FakeWorld.start({ interfaces: 2 });
    await world.account();
    world.interfaces[0]?.it.drain();
    expect(world.interfaces[0]?.it.health()).toEqual({ ready: false, detail: 'draining' });
    const replies = await world.run(
      Promise.all(Array.from({ length: 10 }, () => world.vru().enter(HOST))),
    );
    expect(replies.every(([, reply]) => reply.kind === 'enter')).toBe(true);
    await world.run(Promise.all(world.interfaces.map(({ it }) => it.stop())));
    expect(world.proxies[0]?.it.health().ready).toBe(false);
    const [, reply] = await world.run(world.vru().enter(HOST));
    expect(reply).toEqual({ kind: 'refused', reason: 'service-unavailable' });
  });
});

describe('queue of an interface server (R41)', () => {
  it('keeps the order of each account, one at a time, and refuses at its bounds', async () => {
    const depths: number[] = [];
    const queue = new AccountQueue({ perAccount: 3, total: 4, onDepth: (n) => depths.push(n) });
    const order: string[] = [];
    const gates: (() => void)[] = [];
    const submit = (account: string, name: string) =>
      queue.submit(account as never, async () => {
        order.push(`begin ${name}`);
        await new Promise<void>((resolve) => gates.push(resolve));
        order.push(`end ${name}`);
        return name;
      });
    const taken = [submit('a', 'a1'), submit('a', 'a2'), submit('a', 'a3')];
    expect(submit('a', 'a4')).toBeUndefined();
    taken.push(submit('b', 'b1'));
    expect(submit('b', 'b2')).toBeUndefined();
    expect(queue.depth).toBe(4);
    for (let round = 0; round < 8; round++) {
      gates.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const done: (string | undefined)[] = [];
    for (const one of taken) done.push(await one);
    expect(done).toEqual(['a1', 'a2', 'a3', 'b1']);
    expect(order.filter((line) => line.includes('a'))).toEqual(
      ['a1', 'a2', 'a3'].flatMap((name) => [`begin ${name}`, `end ${name}`]),
    );
    expect(depths.at(-1)).toBe(0);
    expect(Math.max(...depths)).toBe(4);
  });

  it('answers busy-retry at once when it is full; clients try again, and all get in', async () => {
    const world = await FakeWorld.start({ interfaces: 2, queuePerAccount: 5 });
    await world.account({ waitingMode: 'start' });
    const entries = Array.from({ length: 100 }, () => world.vru().enter(PARTICIPANT));
    const entered = await world.run(Promise.all(entries));
    const kinds = entered.map(([, reply]: [unknown, EnterReply]) => reply.kind);
    expect(kinds.filter((kind) => kind === 'refused')).toEqual([]);
    const text = await world.metrics.text();
    expect(text).toMatch(/outcome="busy-retry"\} [1-9]/);
    const ordinals = entered.map(([call]) => call.place?.ordinal ?? 0).toSorted((a, b) => a - b);
    expect(ordinals).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });
});

describe('retries', () => {
  const request = (world: FakeWorld, requestId: string) => {
    const call = world.vru().newCall();
    const caller = { ...world.vru().caller(call), vruId: world.vrus[0]?.id };
    return { service: 'conference', kind: 'enter', requestId, code: PARTICIPANT, caller };
  };

  it('one request at two interface servers has one effect and one answer', async () => {
    for (const waitingMode of ['start', 'hold', 'mingle'] as const) {
      const world = await FakeWorld.start({ interfaces: 2, seed: 7 });
      await world.account({ waitingMode });
      const body = request(world, 'q-the-same-request');
      const ask = (index: number) => {
        const server = world.interfaces[index];
        if (server === undefined) throw new Error('no server');
        return world.bus.request(SUBJECTS.interfaceServer(server.id), body, DEADLINE);
      };
      const both = await world.run(Promise.all([ask(0), ask(1)]));
      const late = await world.run(ask(1));
      expect(both[0]?.ok).toBe(true);
      for (const answer of [both[1], late]) expect(answer).toEqual(both[0]);
      expect((await world.keys('waiting/')).length).toBe(waitingMode === 'hold' ? 1 : 0);
      expect([...world.onMixers().values()]).toEqual(waitingMode === 'hold' ? [] : [1]);
    }
  });

  it('a retry that arrives after its caller has left is answered as before, and does not bring the caller back', async () => {
    const world = await FakeWorld.start();
    await world.account({ waitingMode: 'start' });
    await world.run(world.vru(1).enter(HOST));
    const body = request(world, 'q-late-request');
    const ask = () => world.run(world.bus.request(SUBJECTS.proxy, body, DEADLINE));
    const first = await ask();
    const place = first.ok ? (first.value as { place: never }).place : undefined;
    if (place === undefined) throw new Error('not entered');
    await world.run(world.vru().client.leave(place, body.caller, 'hangup'));
    expect(await ask()).toEqual(first);
    expect([...world.onMixers().values()]).toEqual([1]);
  });

  it('an enter whose answer never comes is undone', async () => {
    const world = await FakeWorld.start({ interfaces: 1, mixers: 1 });
    await world.account({ waitingMode: 'start' });
    await world.run(world.vru(1).enter(HOST));
    // The server decides and records, but its mixer does not answer any more, nor does any other.
    world.mixer().hanging = true;
    const [call, reply] = await world.run(world.vru().enter(PARTICIPANT));
    expect(reply.kind).toBe('refused');
    world.vru().calls.delete(call.callId);
    world.mixer().hanging = false;
    await world.clock.advance(60_000);
    const [record] = await world.keys('conference/');
    const entry = await world.store.get(record ?? '');
    expect(entry.ok && entry.value?.value).toMatchObject({ size: 1 });
  });
});

describe('code trie', () => {
  it('knows valid, prefix and neither, and forgets what is deleted', () => {
    const trie = new CodeTrie<string>();
    trie.set('12', 'a');
    trie.set('1234', 'b');
    expect(trie.match('1')).toEqual({ kind: 'prefix' });
    expect(trie.match('12')).toEqual({ kind: 'valid-prefix', value: 'a' });
    expect(trie.match('1234')).toEqual({ kind: 'valid', value: 'b' });
    expect(trie.match('13')).toEqual({ kind: 'invalid' });
    trie.delete('1234');
    trie.delete('999');
    expect(trie.match('12')).toEqual({ kind: 'valid', value: 'a' });
    expect(trie.match('123')).toEqual({ kind: 'invalid' });
    trie.delete('12');
    expect(trie.match('1')).toEqual({ kind: 'invalid' });
  });
});
