import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../common/ids.ts';
import { FakeMedia } from '../fake-media.ts';
import type { SipResponse } from '../message.ts';
import { PEER_SDP, request } from '../testing/raw-messages.ts';
import { type AgentOptions, type RawPeer, SessionBench } from '../testing/session-bench.ts';
import type { Session, UserAgent } from '../user-agent.ts';

interface Setup {
  readonly bench: SessionBench;
  readonly agent: UserAgent;
  readonly peer: RawPeer;
  readonly sessions: Session[];
}

async function setup(options: AgentOptions = {}): Promise<Setup> {
  const bench = new SessionBench();
  const sessions: Session[] = [];
  const agent = await bench.agent(2, {
    events: {
      onInvite: (session) => {
        sessions.push(session);
        void session.accept(new FakeMedia());
      },
    },
    ...options,
  });
  return { bench, agent, peer: bench.peer(1), sessions };
}

async function answerTo(
  message: string,
  options: AgentOptions = {},
): Promise<SipResponse | undefined> {
  const { bench, peer } = await setup(options);
  peer.send(message, 2);
  await bench.advance(50);
  return peer.responses().find((response) => response.status >= 200);
}

const INVITE = request('INVITE', 1, { sdp: PEER_SDP });

describe('requests outside of a dialog (RFC 3261 section 8.2), R47', () => {
  it.each<[number, string, string]>([
    [405, 'a method that nobody knows', request('DANCE', 1)],
    [405, 'MESSAGE', request('MESSAGE', 1)],
    [405, 'REGISTER', request('REGISTER', 1)],
    [489, 'SUBSCRIBE', request('SUBSCRIBE', 1, { headers: ['Event: presence'] })],
    [489, 'NOTIFY', request('NOTIFY', 1, { headers: ['Event: presence'] })],
    [
      416,
      'a URI scheme that we do not have',
      request('INVITE', 1, { uri: 'http://example.com', sdp: PEER_SDP }),
    ],
    [
      420,
      'an extension that we lack',
      request('INVITE', 1, { sdp: PEER_SDP, headers: ['Require: 100rel, precondition, foo'] }),
    ],
    [420, 'in OPTIONS too', request('OPTIONS', 1, { headers: ['Require: foo'] })],
    [
      415,
      'a body that is no description',
      request('INVITE', 1, { headers: ['Content-Type: text/plain'] }).concat('hello'),
    ],
    [
      415,
      'a packed body',
      request('INVITE', 1, { sdp: PEER_SDP, headers: ['Content-Encoding: gzip'] }),
    ],
    [
      422,
      'too short a session',
      request('INVITE', 1, { sdp: PEER_SDP, headers: ['Supported: timer', 'Session-Expires: 60'] }),
    ],
    [400, 'no Contact', request('INVITE', 1, { sdp: PEER_SDP, contact: undefined })],
    [400, 'two Contacts', request('INVITE', 1, { sdp: PEER_SDP, contact: '<sip:a@b>, <sip:c@d>' })],
    [
      400,
      'a Contact that is no SIP URI',
      request('INVITE', 1, { sdp: PEER_SDP, contact: '<tel:+491234>' }),
    ],
    [488, 'no codec of ours', request('INVITE', 1, { sdp: PEER_SDP.replace('AVP 0', 'AVP 18') })],
    [488, 'no audio', request('INVITE', 1, { sdp: PEER_SDP.replace('m=audio', 'm=video') })],
    [488, 'a description that is none', request('INVITE', 1, { sdp: 'hello' })],
    [481, 'BYE', request('BYE', 1)],
    [481, 'INFO', request('INFO', 1)],
    [481, 'UPDATE', request('UPDATE', 1)],
    [481, 'PRACK', request('PRACK', 1, { headers: ['RAck: 1 1 INVITE'] })],
    [481, 'BYE of a dialog that is not there', request('BYE', 1, { to: '<sip:x@y>;tag=nobody' })],
    [
      481,
      'INVITE in a dialog that is not there',
      request('INVITE', 1, { to: '<sip:x@y>;tag=nobody', sdp: PEER_SDP }),
    ],
    [200, 'OPTIONS', request('OPTIONS', 1)],
    [200, 'INVITE', INVITE],
    [
      200,
      'INVITE with Max-Forwards 0 (RFC 4475 section 3.3.11)',
      INVITE.replace('Max-Forwards: 70', 'Max-Forwards: 0'),
    ],
    [
      200,
      'INVITE to a telephone number',
      request('INVITE', 1, { uri: 'tel:+4930123', sdp: PEER_SDP }),
    ],
    [
      200,
      'a body that may be left aside',
      request('INVITE', 1, {
        headers: ['Content-Type: text/plain', 'Content-Disposition: render;handling=optional'],
      }).concat('hello'),
    ],
  ])('%i: %s', async (status, _what, message) => {
    expect((await answerTo(message))?.status).toBe(status);
  });

  it('say what would be right', async () => {
    const header = async (message: string, name: string): Promise<string | undefined> =>
      (await answerTo(message))?.headers.get(name);
    const allow = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK';
    expect(await header(request('DANCE', 1), 'Allow')).toBe(allow);
    expect(await header(request('OPTIONS', 1), 'Allow')).toBe(allow);
    expect(await header(request('OPTIONS', 1), 'Accept')).toBe('application/sdp, multipart/mixed');
    expect(await header(request('OPTIONS', 1), 'Supported')).toBe('100rel, timer');
    expect(
      await header(request('INVITE', 1, { headers: ['Require: 100rel, foo'] }), 'Unsupported'),
    ).toBe('foo');
    expect(
      await header(request('INVITE', 1, { headers: ['Content-Type: a/b'] }).concat('x'), 'Accept'),
    ).toBe('application/sdp, multipart/mixed');
    expect(
      await header(
        request('INVITE', 1, { headers: ['Supported: timer', 'Session-Expires: 30'] }),
        'Min-SE',
      ),
    ).toBe('90');
  });

  it('takes the description out of a multipart body', async () => {
    const body = `--xyz\r\nContent-Type: text/plain\r\n\r\nhello\r\n--xyz\r\nContent-Type: application/sdp\r\n\r\n${PEER_SDP}\r\n--xyz--\r\n`;
    const answer = await answerTo(
      request('INVITE', 1, { headers: ['Content-Type: multipart/mixed;boundary=xyz'] }).concat(
        body,
      ),
    );
    expect(answer?.status).toBe(200);
    expect(Buffer.from(answer?.body ?? []).toString()).toContain('m=audio 40000 RTP/AVP 0');
  });

  it('the same request on two paths: 482', async () => {
    const { bench, peer } = await setup();
    peer.send(INVITE, 2);
    peer.send(request('INVITE', 1, { sdp: PEER_SDP, branch: 'other' }), 2);
    await bench.advance(50);
    expect(peer.statuses()).toEqual([200, 482]);
  });

  it('peers that are not trusted get 403', async () => {
    const trust = (flow: { readonly remoteAddress: string }): boolean =>
      flow.remoteAddress !== '10.0.0.1';
    expect((await answerTo(INVITE, { trust }))?.status).toBe(403);
    expect((await answerTo(request('OPTIONS', 1), { trust }))?.status).toBe(403);
  });

  it('more sessions than the limit: 503 with Retry-After', async () => {
    const { bench, peer } = await setup({ limits: { sessions: 1 }, retryAfterS: 3 });
    peer.send(INVITE, 2);
    await bench.advance(50);
    peer.send(INVITE.replaceAll('abc', 'def').replaceAll('z9hG4bK', 'z9hG4bKx'), 2);
    await bench.advance(50);
    const refused = peer.responses().find((response) => response.status === 503);
    expect(refused?.headers.get('Retry-After')).toBe('3');
  });
});

describe('requests in a dialog', () => {
  async function talking(): Promise<Setup & { readonly to: string }> {
    const made = await setup();
    made.peer.send(INVITE, 2);
    await made.bench.advance(50);
    const to = made.peer.responses()[0]?.headers.get('To') ?? '';
    made.peer.send(request('ACK', 1, { to, branch: 'ack' }), 2);
    await made.bench.advance(50);
    made.peer.received.length = 0;
    return { ...made, to };
  }

  it.each<[number, string, readonly string[], string]>([
    [200, 'OPTIONS', [], ''],
    [405, 'MESSAGE', ['Content-Type: text/plain'], 'hello'],
    [405, 'REFER', ['Refer-To: <sip:x@y>'], ''],
    [489, 'NOTIFY', ['Event: refer'], ''],
    [469, 'INFO', ['Info-Package: nothing'], ''],
    [415, 'INFO', ['Content-Type: text/plain'], 'hello'],
    [200, 'INFO', [], ''],
    [200, 'INFO', ['Content-Type: application/dtmf-relay'], 'Signal=#\r\nDuration=100'],
    [420, 'BYE', ['Require: foo'], ''],
    [415, 'UPDATE', ['Content-Type: text/plain'], 'hello'],
    [422, 'UPDATE', ['Supported: timer', 'Session-Expires: 30'], ''],
    [415, 'INVITE', ['Content-Type: text/plain'], 'hello'],
    [422, 'INVITE', ['Supported: timer', 'Session-Expires: 30'], ''],
    [481, 'PRACK', ['RAck: 1 1 INVITE'], ''],
  ])('%i: %s %j', async (status, method, headers, body) => {
    const { bench, peer, to, sessions } = await talking();
    peer.send(request(method, 2, { to, headers }).concat(body), 2);
    await bench.advance(50);
    expect(peer.statuses()).toEqual([status]);
    expect(sessions[0]?.state).toBe('established');
  });

  it('a number that was used before: 500', async () => {
    const { bench, peer, to } = await talking();
    peer.send(request('OPTIONS', 5, { to }), 2);
    await bench.advance(50);
    peer.send(request('OPTIONS', 4, { to }), 2);
    await bench.advance(50);
    expect(peer.statuses()).toEqual([200, 500]);
  });

  it('re-INVITE without an offer: ours is in the 200, the answer in the ACK', async () => {
    const { bench, peer, to, sessions } = await talking();
    peer.send(request('INVITE', 2, { to }), 2);
    await bench.advance(50);
    const offer = peer.responses()[0];
    expect(Buffer.from(offer?.body ?? []).toString()).toContain('m=audio 40000 RTP/AVP 0 8 101');
    peer.send(request('ACK', 2, { to, branch: 'ack2', sdp: PEER_SDP.replace('5000', '6000') }), 2);
    await bench.advance(50);
    expect(sessions[0]?.state).toBe('established');
  });

  it('re-INVITE without an offer, and no answer in the ACK: BYE', async () => {
    const { bench, peer, to, sessions } = await talking();
    peer.send(request('INVITE', 2, { to }), 2);
    await bench.advance(50);
    peer.send(request('ACK', 2, { to, branch: 'ack2' }), 2);
    await bench.advance(50);
    expect(peer.requests('BYE')).toHaveLength(1);
    expect(sessions[0]?.state).toBe('ending');
  });

  it('a second re-INVITE while our offer waits for the answer in the ACK: 491', async () => {
    const { bench, peer, to } = await talking();
    peer.send(request('INVITE', 2, { to }), 2);
    await bench.advance(50);
    peer.send(request('INVITE', 3, { to, sdp: PEER_SDP }), 2);
    await bench.advance(50);
    expect(peer.statuses()).toEqual([200, 491]);
  });

  it('the contact moves with a re-INVITE, and our BYE goes there', async () => {
    const { bench, peer, to, sessions } = await talking();
    const elsewhere = bench.peer(7);
    peer.send(request('INVITE', 2, { to, sdp: PEER_SDP, contact: '<sip:new@10.0.0.7>' }), 2);
    await bench.advance(50);
    peer.send(request('ACK', 2, { to, branch: 'ack2' }), 2);
    await bench.advance(50);
    void sessions[0]?.end();
    await bench.advance(50);
    expect(elsewhere.requests('BYE').map((bye) => bye.uri)).toEqual(['sip:new@10.0.0.7']);
  });

  it('goes through the recorded route, and a strict router becomes the Request-URI', async () => {
    const { bench, peer, sessions } = await setup();
    const proxy = bench.peer(8);
    const headers = ['Record-Route: <sip:10.0.0.8>, <sip:10.0.0.9;lr>'];
    peer.send(request('INVITE', 1, { sdp: PEER_SDP, headers }), 2);
    await bench.advance(50);
    const to = peer.responses()[0]?.headers.get('To') ?? '';
    peer.send(request('ACK', 1, { to, branch: 'ack' }), 2);
    await bench.advance(50);
    void sessions[0]?.end();
    await bench.advance(50);
    const [bye] = proxy.requests('BYE');
    expect(bye?.uri).toBe('sip:10.0.0.8');
    expect(bye?.headers.list('Route')).toEqual(['<sip:10.0.0.9;lr>', '<sip:peer@10.0.0.1>']);
  });

  it('CANCEL after the 200 changes nothing (section 9.2)', async () => {
    const { bench, peer, sessions } = await setup();
    peer.send(INVITE, 2);
    await bench.advance(50);
    const to = peer.responses()[0]?.headers.get('To') ?? '';
    peer.send(request('CANCEL', 1, { branch: 'INVITE1' }), 2);
    await bench.advance(50);
    expect(peer.responses()[1]?.headers.get('To')).toBe(to);
    peer.send(request('ACK', 1, { to, branch: 'ack' }), 2);
    await bench.advance(50);
    expect(sessions[0]?.state).toBe('established');
  });

  it('BYE before the ACK', async () => {
    const { bench, peer, agent } = await setup();
    peer.send(INVITE, 2);
    await bench.advance(50);
    const to = peer.responses()[0]?.headers.get('To') ?? '';
    peer.send(request('BYE', 2, { to }), 2);
    await bench.advance(50);
    peer.send(request('ACK', 1, { to, branch: 'ack' }), 2);
    await bench.advance(5_000);
    expect(peer.statuses()).toEqual([200, 200]);
    expect(agent.sessionCount).toBe(0);
  });

  it('hung up by us before the ACK: BYE waits for it (section 15)', async () => {
    const { bench, peer, sessions } = await setup();
    peer.send(INVITE, 2);
    await bench.advance(50);
    const to = peer.responses()[0]?.headers.get('To') ?? '';
    void sessions[0]?.end();
    await bench.advance(50);
    expect(peer.requests('BYE')).toEqual([]);
    peer.send(request('ACK', 1, { to, branch: 'ack' }), 2);
    await bench.advance(50);
    expect(peer.requests('BYE')).toHaveLength(1);
  });

  it('4,000 mutated messages: no exception, and the session lives', async () => {
    const { bench, peer, to, sessions } = await talking();
    const random = seededRandom(7);
    const samples = ['INVITE', 'BYE', 'UPDATE', 'INFO', 'PRACK', 'ACK', 'OPTIONS', 'CANCEL'];
    for (let round = 0; round < 4_000; round++) {
      const method = samples[random.below(samples.length)] ?? 'BYE';
      const inside = random.below(2) === 0 && method !== 'BYE';
      const text = request(method, round + 10, {
        ...(inside ? { to } : {}),
        branch: `fuzz${round}`,
        sdp: PEER_SDP,
        headers: ['Session-Expires: 100', 'RAck: 1 1 INVITE'],
      });
      const bytes = Buffer.from(text.replaceAll('\n', '\r\n'));
      for (let flips = 1 + random.below(6); flips > 0; flips--) {
        bytes[random.below(bytes.length)] = random.below(256);
      }
      // A mutation may leave a To tag and a BYE intact only if it made one of another method: not here.
      peer.sendBytes(bytes, 2);
      if (round % 500 === 0) await bench.advance(10);
    }
    await bench.advance(100);
    expect(sessions[0]?.state).toBe('established');
  });
});
