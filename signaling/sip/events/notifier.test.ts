import { describe, expect, it } from 'vitest';
import {
  type Asked,
  final,
  eventBench as setup,
  source,
  subscribe,
  text,
  told,
  toOf,
} from '../testing/event-bench.ts';
import { PEER_SDP, request } from '../testing/raw-messages.ts';
import { SessionBench } from '../testing/session-bench.ts';

describe('subscribing (RFC 6665)', () => {
  it('200, and at once a NOTIFY with everything', async () => {
    const made = await setup();
    const response = await subscribe(made, { headers: ['Expires: 600'] });
    expect([response.status, response.headers.get('Expires')]).toEqual([200, '600']);
    expect(response.headers.get('Contact')).toBe('<sip:thing@10.0.0.2:5060>;isfocus');
    expect(response.headers.get('Allow-Events')).toBe('thing');
    expect(told(made)).toEqual(['active;expires=600 | full start']);
    const [notify] = made.peer.requests('NOTIFY');
    expect(notify?.headers.get('Event')).toBe('thing');
    expect(notify?.headers.get('Content-Type')).toBe('application/thing+xml');
    expect(notify?.headers.get('To')).toBe('<sip:peer@10.0.0.1>;tag=p1');
    expect(notify?.headers.get('From')).toBe(toOf(response));
    expect(source(made).wanted.subscriber).toEqual({ kind: 'user', name: 'alice' });
    expect(source(made).wanted.ownHost).toBe('10.0.0.2:5060');
  });

  it.each<[number, string, Asked, string, string | undefined]>([
    [489, 'an event that is not there', { event: 'presence' }, 'Allow-Events', 'thing'],
    [489, 'events compare by case', { event: 'Thing' }, 'Allow-Events', 'thing'],
    [489, 'a template of it', { event: 'thing.winfo' }, 'Allow-Events', 'thing'],
    [400, 'no token', { event: 'a b' }, 'Allow-Events', undefined],
    [400, 'an id that is none', { event: 'thing;id="a b"' }, 'Allow-Events', undefined],
    [400, 'two', { headers: ['Event: thing'] }, 'Allow-Events', undefined],
    [400, 'a bad Expires', { headers: ['Expires: soon'] }, 'Expires', undefined],
    [400, 'one below zero', { headers: ['Expires: -1'] }, 'Expires', undefined],
    [423, 'too short a time', { headers: ['Expires: 59'] }, 'Min-Expires', '60'],
    [
      406,
      'another type',
      { headers: ['Accept: application/pidf+xml'] },
      'Accept',
      'application/thing+xml',
    ],
    [406, 'no type at all', { headers: ['Accept: '] }, 'Accept', 'application/thing+xml'],
    [200, 'any type', { headers: ['Accept: text/plain, */*'] }, 'Expires', '3600'],
    [200, 'the family', { headers: ['Accept: application/*;q=0.5'] }, 'Expires', '3600'],
    [200, 'an id', { event: 'thing;id=7' }, 'Expires', '3600'],
    [
      200,
      'the compact form',
      { event: 'thing', headers: ['Accept: application/thing+xml'] },
      'Expires',
      '3600',
    ],
    [200, 'longer than we keep', { headers: ['Expires: 4294967295'] }, 'Expires', '7200'],
    [404, 'what is not there', { uri: 'sip:other@10.0.0.2' }, 'Expires', undefined],
    [401, 'a wrong password', { password: 'wrong' }, 'Expires', undefined],
    [401, 'a stranger', { user: 'mallory' }, 'Expires', undefined],
    [420, 'an unknown extension', { headers: ['Require: eventlist'] }, 'Unsupported', 'eventlist'],
  ])('%i: %s', async (status, _, asked, header, value) => {
    const made = await setup();
    const response = await subscribe(made, asked);
    expect(response.status).toBe(status);
    expect(response.headers.get(header)).toBe(value);
    expect(made.peer.requests('NOTIFY')).toHaveLength(status === 200 ? 1 : 0);
    await made.bench.advance(7_300_000);
    expect(await made.bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('without a Contact there is nowhere to notify: 400, and nothing stays', async () => {
    const made = await setup();
    const { bench, peer } = made;
    const response = await subscribe(made, { callId: 'x' });
    expect(response.status).toBe(200);
    const before = peer.received.length;
    const bad = text({ cseq: 5, callId: 'y' }).replace(/Contact: .*\n/, '');
    peer.send(bad, 2);
    await bench.advance(20);
    expect(peer.received.length).toBeGreaterThan(before);
    expect([400, 401]).toContain(final(peer).status);
  });

  it('an agent that notifies of nothing says 489, and so do the calls in it', async () => {
    const bench = new SessionBench();
    await bench.agent(2);
    const peer = bench.peer(1);
    peer.send(text({}), 2);
    await bench.advance(20);
    expect(final(peer).status).toBe(489);
    expect(final(peer).headers.has('Allow-Events')).toBe(false);
  });

  it('a store that fails: 503, with a time to come back', async () => {
    const made = await setup();
    made.things.broken = true;
    const response = await subscribe(made);
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '30']);
  });

  it('OPTIONS, and the answer to an INVITE, say what there is to subscribe to', async () => {
    const { bench, peer } = await setup();
    peer.send(request('OPTIONS', 1), 2);
    peer.send(request('INVITE', 2, { sdp: PEER_SDP }), 2);
    await bench.advance(50);
    for (const response of peer.responses().filter(({ status }) => status === 200)) {
      expect(response.headers.get('Allow-Events')).toBe('thing');
      expect(response.headers.get('Allow')).toContain('SUBSCRIBE');
      expect(response.headers.get('Supported')).toContain('tdialog');
    }
    expect(peer.statuses().filter((status) => status === 200).length).toBeGreaterThanOrEqual(2);
  });
});

describe('news', () => {
  it('comes after the rest, once, in its newest state', async () => {
    const made = await setup();
    await subscribe(made);
    source(made).change('a');
    source(made).change('b');
    await made.bench.advance(4_900);
    expect(told(made)).toHaveLength(1);
    await made.bench.advance(200);
    expect(told(made).slice(1)).toEqual(['active;expires=3595 | partial a b']);
    await made.bench.advance(6_000);
    source(made).change('c');
    await made.bench.advance(20);
    expect(told(made).at(-1)).toMatch(/partial c$/);
    await made.bench.advance(60_000);
    source(made).rumour();
    await made.bench.advance(60_000);
    expect(told(made)).toHaveLength(3);
  });

  it('one NOTIFY at a time', async () => {
    const made = await setup();
    made.answerWith = undefined;
    await subscribe(made);
    source(made).change('a');
    await made.bench.advance(10_000);
    const bodies = new Set(told(made).map((each) => each.split('|')[1]));
    expect([...bodies]).toEqual([' full start']);
  });

  it('what does not go into one document follows without a rest', async () => {
    const made = await setup();
    await subscribe(made);
    await made.bench.advance(6_000);
    source(made).perDocument = 2;
    source(made).change('a', 'b', 'c', 'd', 'e');
    await made.bench.advance(100);
    expect(
      told(made)
        .slice(1)
        .map((each) => each.split('| ')[1]),
    ).toEqual(['partial a b', 'partial c d', 'partial e']);
  });

  it('put off by Retry-After: everything after it', async () => {
    const made = await setup();
    await subscribe(made);
    await made.bench.advance(6_000);
    made.answerWith = { status: 503, headers: ['Retry-After: 20'] };
    source(made).change('a');
    await made.bench.advance(100);
    made.answerWith = { status: 200 };
    await made.bench.advance(18_000);
    expect(told(made)).toHaveLength(2);
    await made.bench.advance(3_000);
    expect(told(made).at(-1)).toMatch(/full start a$/);
  });
});

describe('refresh and end', () => {
  it('a refresh is answered with its time and with everything, at once', async () => {
    const made = await setup();
    const first = await subscribe(made, { headers: ['Expires: 60'] });
    source(made).change('a');
    await made.bench.advance(1_000);
    const again = await subscribe(made, { cseq: 5, to: toOf(first), headers: ['Expires: 120'] });
    expect([again.status, again.headers.get('Expires')]).toEqual([200, '120']);
    expect(told(made).slice(1)).toEqual(['active;expires=120 | full start a']);
    await made.bench.advance(100_000);
    expect(source(made).closed).toBe(0);
    await made.bench.advance(21_000);
    expect(told(made).at(-1)).toBe('terminated;reason=timeout | ');
    expect(source(made).closed).toBeGreaterThan(0);
    const late = await subscribe(made, { cseq: 9, to: toOf(first) });
    expect(late.status).toBe(481);
  });

  it('Expires: 0 ends it, with everything for the last time', async () => {
    const made = await setup();
    const first = await subscribe(made);
    await made.bench.advance(100);
    const last = await subscribe(made, { cseq: 5, to: toOf(first), headers: ['Expires: 0'] });
    expect(last.status).toBe(200);
    expect(told(made).at(-1)).toBe('terminated;reason=timeout | full start');
    expect(await made.bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('Expires: 0 at first: a fetch', async () => {
    const made = await setup();
    const response = await subscribe(made, { headers: ['Expires: 0'] });
    expect(response.status).toBe(200);
    expect(told(made)).toEqual(['terminated;reason=timeout | full start']);
    expect(await made.bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it.each([
    ['gone', 'terminated;reason=noresource | gone'],
    ['rejected', 'terminated;reason=rejected | '],
  ] as const)('the source ends: %s', async (why, line) => {
    const made = await setup();
    await subscribe(made);
    source(made).end(why);
    await made.bench.advance(50);
    expect(told(made).at(-1)).toBe(line);
    expect(await made.bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it.each([481, 404, 500, 603])('a NOTIFY that is answered %i ends it', async (status) => {
    const made = await setup();
    made.answerWith = { status };
    const first = await subscribe(made);
    await made.bench.advance(100);
    expect(source(made).closed).toBeGreaterThan(0);
    expect((await subscribe(made, { cseq: 5, to: toOf(first) })).status).toBe(481);
    expect(await made.bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('481 ends it even with Retry-After', async () => {
    const made = await setup();
    made.answerWith = { status: 481, headers: ['Retry-After: 5'] };
    await subscribe(made);
    await made.bench.advance(100);
    expect(source(made).closed).toBeGreaterThan(0);
  });

  it('a subscriber that never answers is given up after 64*T1', async () => {
    const made = await setup();
    made.answerWith = undefined;
    await subscribe(made);
    await made.bench.advance(31_000);
    expect(source(made).closed).toBe(0);
    await made.bench.advance(2_000);
    expect(source(made).closed).toBeGreaterThan(0);
    expect(await made.bench.metrics.text()).toContain(
      'minusone_sip_notifies_total{event="thing",outcome="unanswered"} 1',
    );
    expect(await made.bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('we go away: probation, and when to come back', async () => {
    const made = await setup();
    const first = await subscribe(made);
    made.agent.drain(10);
    expect((await subscribe(made, { cseq: 5, callId: 'other' })).status).toBe(503);
    expect((await subscribe(made, { cseq: 5, to: toOf(first) })).status).toBe(200);
    const stopped = made.agent.stop();
    await made.bench.advance(1_500);
    await stopped;
    expect(told(made).at(-1)).toBe('terminated;reason=probation;retry-after=10 | ');
  });

  it('a dead subscriber holds up nobody who goes away', async () => {
    const made = await setup();
    made.answerWith = undefined;
    await subscribe(made);
    const stopped = made.agent.stop();
    await made.bench.advance(1_200);
    await stopped;
    expect(source(made).closed).toBeGreaterThan(0);
  });
});

describe('dialogs (RFC 6665 section 4.5)', () => {
  it.each<[number, string, Asked]>([
    [403, 'a second subscription', { event: 'thing;id=2' }],
    [489, 'an unknown event', { event: 'presence' }],
    [423, 'too brief a refresh', { headers: ['Expires: 5'] }],
    [500, 'an old number', { cseq: 2 }],
  ])('%i in the dialog of a subscription: %s', async (status, _, asked) => {
    const made = await setup();
    const first = await subscribe(made, { cseq: 3 });
    const answered = await subscribe(made, { cseq: 7, to: toOf(first), ...asked });
    expect(answered.status).toBe(status);
    expect(source(made).closed).toBe(0);
  });

  it.each<[number, string]>([
    [403, 'INVITE'],
    [481, 'BYE'],
    [481, 'INFO'],
    [405, 'REFER'],
    [405, 'NOTIFY'],
    [200, 'OPTIONS'],
  ])('%i to %s in it', async (status, method) => {
    const made = await setup();
    const { peer, bench } = made;
    const first = await subscribe(made);
    peer.send(request(method, 7, { to: toOf(first) }), 2);
    await bench.advance(20);
    expect(final(peer).status).toBe(status);
    expect(source(made).closed).toBe(0);
  });

  it('a SUBSCRIBE in the dialog of a call: outside of it, please', async () => {
    const made = await setup();
    const { peer, bench, sessions } = made;
    peer.send(request('INVITE', 1, { sdp: PEER_SDP }), 2);
    await bench.advance(50);
    const to = toOf(final(peer));
    peer.send(request('ACK', 1, { to, branch: 'ack' }), 2);
    expect((await subscribe(made, { cseq: 3, to })).status).toBe(403);
    const unknown = await subscribe(made, { cseq: 4, to, event: 'presence' });
    expect([unknown.status, unknown.headers.get('Allow-Events')]).toEqual([489, 'thing']);
    expect(sessions[0]?.state).toBe('established');
  });

  it('a call is known by both tags of its dialog (RFC 4538), and by nothing less', async () => {
    const made = await setup();
    const { peer, bench, sessions } = made;
    peer.send(request('INVITE', 1, { sdp: PEER_SDP }), 2);
    await bench.advance(50);
    const to = toOf(final(peer));
    const tag = to.split('tag=')[1] ?? '';
    peer.send(request('ACK', 1, { to, branch: 'ack' }), 2);
    const asked = (target: string): Asked => ({
      callId: 'another',
      headers: ['Require: tdialog', `Target-Dialog: ${target}`],
      user: 'nobody',
    });
    for (const target of [
      'abc;local-tag=p1;remote-tag=wrong',
      `abc;local-tag=${tag}`,
      `abd;local-tag=${tag};remote-tag=p1`,
      'abc',
      '',
      ';;;',
    ]) {
      expect(
        (await subscribe(made, { ...asked(target), callId: `try ${target}`.replaceAll(/\W/g, '') }))
          .status,
      ).toBe(401);
    }
    expect((await subscribe(made, asked(`abc;local-tag=p1;remote-tag=${tag}`))).status).toBe(200);
    expect(source(made).wanted.subscriber).toEqual({ kind: 'call', callId: sessions[0]?.id });
    const other = { ...asked(`abc;local-tag=${tag};remote-tag=p1`), callId: 'third' };
    expect((await subscribe(made, other)).status).toBe(200);
  });
});

describe('bounds', () => {
  it('of one subscriber: 486; of all: 503; and room again when one ends', async () => {
    const made = await setup({ limits: { total: 3, perSubscriber: 2 } });
    const first = await subscribe(made, { callId: 'a' });
    await subscribe(made, { callId: 'b' });
    const third = await subscribe(made, { callId: 'c' });
    expect([third.status, third.headers.get('Retry-After')]).toEqual([486, '30']);
    expect((await subscribe(made, { callId: 'd', user: 'bob' })).status).toBe(200);
    const fifth = await subscribe(made, { callId: 'e', user: 'bob' });
    expect([fifth.status, fifth.headers.get('Retry-After')]).toEqual([503, '30']);
    const ended = { callId: 'a', cseq: 9, to: toOf(first), headers: ['Expires: 0'] };
    expect((await subscribe(made, ended)).status).toBe(200);
    await made.bench.advance(100);
    expect((await subscribe(made, { callId: 'f', user: 'bob' })).status).toBe(200);
    expect(await made.bench.metrics.text()).toContain(
      'minusone_sip_subscriptions{event="thing"} 3',
    );
  });
});
