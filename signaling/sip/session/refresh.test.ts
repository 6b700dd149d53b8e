import { describe, expect, it } from 'vitest';
import { createHeaders } from '../headers.ts';
import { EMPTY_BODY, type SipRequest, type SipResponse } from '../message.ts';
import { PEER_SDP, reply } from '../testing/raw-messages.ts';
import { established, pair, SessionBench } from '../testing/session-bench.ts';
import {
  answerRequest,
  fromResponse,
  minimumAfter422,
  plan,
  requestFields,
} from './session-timer.ts';

const HOUR_MS = 3_600_000;

function request(headers: Readonly<Record<string, string>>): SipRequest {
  return {
    kind: 'request',
    method: 'INVITE',
    uri: 'sip:x',
    headers: createHeaders(Object.entries(headers)),
    body: EMPTY_BODY,
  };
}

function response(headers: Readonly<Record<string, string>>): SipResponse {
  return {
    kind: 'response',
    status: 200,
    reasonPhrase: 'OK',
    headers: createHeaders(Object.entries(headers)),
    body: EMPTY_BODY,
  };
}

const POLICY = { intervalS: 1_800, minimumS: 90 };

describe('what is agreed (RFC 4028)', () => {
  it.each([
    // Supported, Session-Expires, Min-SE: interval, refresher, fields (section 9, table 2)
    ['timer', '1800', '', 1800, 'remote', '1800;refresher=uac|timer'],
    ['timer', '1800;refresher=uac', '', 1800, 'remote', '1800;refresher=uac|timer'],
    ['timer', '1800;refresher=uas', '', 1800, 'local', '1800;refresher=uas'],
    ['', '1800', '', 1800, 'local', '1800;refresher=uas'],
    ['', '1800;refresher=uac', '', 1800, 'local', '1800;refresher=uas'],
    ['timer', '3600', '', 1800, 'remote', '1800;refresher=uac|timer'],
    ['timer', '3600', '2400', 2400, 'remote', '2400;refresher=uac|timer'],
    ['timer', '600', '', 600, 'remote', '600;refresher=uac|timer'],
    ['', '60', '', 60, 'local', '60;refresher=uas'],
    ['timer', '', '', 1800, 'local', '1800;refresher=uas'],
    ['timer', '', '3000', 3000, 'local', '3000;refresher=uas'],
    ['', '', '', undefined, undefined, ''],
  ])(
    'supported "%s", asked "%s", least "%s"',
    (supported, asked, least, intervalS, refresher, fields) => {
      const result = answerRequest(
        POLICY,
        request({
          ...(supported === '' ? {} : { Supported: supported }),
          ...(asked === '' ? {} : { 'Session-Expires': asked }),
          ...(least === '' ? {} : { 'Min-SE': least }),
        }),
      );
      if (!result.ok) throw new Error('422');
      expect(result.value.agreed).toEqual(
        intervalS === undefined ? undefined : { intervalS, refresher },
      );
      expect(result.value.fields.map(([, value]) => value).join('|')).toBe(fields);
    },
  );

  it('too short, from a peer that knows the extension: 422', () => {
    const asked = request({ Supported: 'timer', 'Session-Expires': '60' });
    expect(answerRequest(POLICY, asked)).toEqual({ ok: false, error: { minimumS: 90 } });
  });

  it('our request', () => {
    expect(requestFields(POLICY, undefined, 0)).toEqual([['Session-Expires', '1800']]);
    expect(requestFields(POLICY, undefined, 2400)).toEqual([
      ['Session-Expires', '2400'],
      ['Min-SE', '2400'],
    ]);
    expect(requestFields({ ...POLICY, intervalS: 0 }, undefined, 0)).toEqual([]);
    expect(requestFields(POLICY, { intervalS: 600, refresher: 'remote' }, 0)).toEqual([
      ['Session-Expires', '600;refresher=uas'],
    ]);
  });

  it('the response to it', () => {
    expect(fromResponse(response({ 'Session-Expires': '1800;refresher=uac' }))).toEqual({
      intervalS: 1800,
      refresher: 'local',
    });
    expect(fromResponse(response({ 'Session-Expires': '1800;refresher=uas' }))?.refresher).toBe(
      'remote',
    );
    expect(fromResponse(response({}))).toBeUndefined();
    expect(fromResponse(response({ 'Session-Expires': '1' }))).toBeUndefined();
    expect(fromResponse(response({ 'Session-Expires': 'soon' }))).toBeUndefined();
    expect(minimumAfter422(response({ 'Min-SE': '600' }), 90)).toBe(600);
    expect(minimumAfter422(response({ 'Min-SE': '60' }), 90)).toBeUndefined();
    expect(minimumAfter422(response({}), 90)).toBeUndefined();
  });

  it('times (section 10)', () => {
    expect(plan({ intervalS: 1800, refresher: 'local' })).toEqual({
      refreshMs: 900_000,
      expireMs: 1_768_000,
    });
    expect(plan({ intervalS: 90, refresher: 'local' }).expireMs).toBe(60_000);
  });
});

describe('session timers, R47', () => {
  it('a call of 8 hours lives by refreshes alone', async () => {
    const call = await established();
    const { calls } = call.out.media;
    const offers = calls.length;
    await call.bench.advance(8 * HOUR_MS);
    expect([call.out.session.state, call.in.session.state]).toEqual(['established', 'established']);
    // Every 15 minutes one UPDATE without a description; nobody's media is touched.
    expect(call.bench.requests('UPDATE')).toHaveLength(32);
    expect(call.bench.requests('INVITE')).toHaveLength(0);
    expect(calls.length).toBe(offers);
    void call.out.session.end();
    expect(await call.bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('the contact never changes', async () => {
    const call = await established();
    await call.bench.advance(HOUR_MS);
    const contacts = new Set(
      call.bench.messages().map((message) => message.headers.get('Contact')),
    );
    expect(contacts).toEqual(new Set(['<sip:10.0.0.1:5060>', '<sip:10.0.0.2:5060>']));
  });

  it('the peer is gone: the refresher notices and ends', async () => {
    const call = await established();
    call.bench.network.conditions.lossRatio = 1;
    await call.bench.advance(900_000 + 33_000 + 33_000);
    expect(call.out.end).toMatchObject({ by: 'timeout', established: true });
    // The other side waits until shortly before the interval is over, then ends too.
    expect(call.in.end).toBeUndefined();
    await call.bench.advance(900_000);
    expect(call.in.end).toMatchObject({ by: 'timeout', reason: 'session expired', q850: 102 });
    expect(await call.bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('refreshes by re-INVITE when the peer does not allow UPDATE, with the same description', async () => {
    const bench = new SessionBench();
    const call = await pair(undefined, { bench });
    // What the called side says of itself is changed on the wire.
    const peer = bench.peer(3);
    peer.onMessage = (message) => {
      if (message.kind !== 'request') return;
      if (message.method === 'INVITE')
        peer.send(
          reply(message, 200, 3, {
            sdp: PEER_SDP,
            headers: [
              'Session-Expires: 600;refresher=uac',
              'Require: timer',
              'Allow: INVITE, ACK, BYE',
            ],
          }),
          1,
        );
      if (message.method === 'BYE') peer.send(reply(message, 200, 3), 1);
    };
    const out = bench.call(call.caller, 3);
    await bench.advance(301_000);
    const invites = peer.requests('INVITE');
    expect(invites).toHaveLength(2);
    expect(out.media.calls).toEqual(['offer', 'accept-answer', 'refresh', 'accept-answer']);
    expect(invites[1]?.headers.get('Session-Expires')).toBe('600;refresher=uac');
    expect(out.session.state).toBe('established');
    void out.session.end();
    expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('falls back to re-INVITE when UPDATE is refused after all, and 481 ends the session', async () => {
    const bench = new SessionBench();
    const call = await pair(undefined, { bench });
    const peer = bench.peer(3);
    let gone = false;
    peer.onMessage = (message) => {
      if (message.kind !== 'request') return;
      if (gone && message.method !== 'ACK') peer.send(reply(message, 481, 3), 1);
      else if (message.method === 'UPDATE') peer.send(reply(message, 405, 3), 1);
      else if (message.method === 'INVITE')
        peer.send(
          reply(message, 200, 3, {
            sdp: PEER_SDP,
            headers: ['Session-Expires: 600;refresher=uac', 'Allow: INVITE, ACK, BYE, UPDATE'],
          }),
          1,
        );
    };
    const out = bench.call(call.caller, 3);
    await bench.advance(310_000);
    expect([peer.requests('UPDATE').length, peer.requests('INVITE').length]).toEqual([1, 2]);
    gone = true;
    await bench.advance(310_000);
    expect(out.end).toMatchObject({ by: 'remote', status: 481, established: true });
    expect(peer.requests('BYE')).toEqual([]);
    expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('422 to our INVITE: once more with the least that is asked', async () => {
    const call = await pair(undefined, {
      caller: { sessionTimer: { intervalS: 100 } },
      called: {},
    });
    const strict = await call.bench.agent(4, {
      sessionTimer: { minimumS: 600 },
      events: { onInvite: (session) => session.reject(486) },
    });
    const out = call.bench.call(call.caller, 4);
    await call.bench.advance(100);
    const [first, second] = call.bench.requests('INVITE');
    expect(first?.headers.get('Session-Expires')).toBe('100');
    expect(second?.headers.get('Session-Expires')).toBe('600');
    expect(second?.headers.get('Min-SE')).toBe('600');
    expect(second?.headers.get('CSeq')).toBe('2 INVITE');
    expect(out.end?.status).toBe(486);
    expect(strict.sessionCount).toBe(0);
    expect(await call.bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('no timers when switched off and nobody asks', async () => {
    const off = { sessionTimer: { intervalS: 0 } };
    const bench = new SessionBench();
    await bench.agent(1, off);
    const call = await established({ caller: off, bench: new SessionBench(9) });
    await call.bench.advance(8 * HOUR_MS);
    // The called side asked for one all the same, as the caller knows the extension.
    expect(call.bench.requests('UPDATE').length).toBe(32);
    void call.out.session.end();
    expect(await call.bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });
});
