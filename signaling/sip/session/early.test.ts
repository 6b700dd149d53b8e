import { describe, expect, it } from 'vitest';
import { MediaError } from '../../../common/errors.ts';
import { CODEC_CHOICES } from '../../sdp/codec-selection.ts';
import { PEER_SDP, reply, request, requestBack } from '../testing/raw-messages.ts';
import { first, type Pair, pair, SessionBench } from '../testing/session-bench.ts';

const RELIABLE = { headers: [['Require', '100rel']] } as const;

async function over({ bench }: Pair): Promise<void> {
  expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  expect(await bench.metrics.text()).not.toMatch(/illegal_transitions_total\{[^}]*\} [1-9]/);
}

describe('reliable provisional responses (RFC 3262), R47', () => {
  it('180 with PRACK; the 200 waits for it', async () => {
    const call = await pair();
    const out = call.bench.call(call.caller, 2, RELIABLE);
    await call.bench.advance(100);
    expect(call.bench.ladder).toEqual([
      '1→2 INVITE +sdp',
      '2→1 180 INVITE',
      '1→2 PRACK',
      '2→1 200 PRACK',
      '2→1 200 INVITE +sdp',
      '1→2 ACK',
    ]);
    const [ringing] = call.bench.responses(180);
    const [prack] = call.bench.requests('PRACK');
    expect(ringing?.headers.get('Require')).toBe('100rel');
    expect(prack?.headers.get('RAck')).toBe(`${ringing?.headers.get('RSeq')} 1 INVITE`);
    void out.session.end();
    await over(call);
  });

  it('without Require nothing is reliable', async () => {
    const call = await pair();
    const out = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    expect(call.bench.responses(180)[0]?.headers.has('RSeq')).toBe(false);
    void out.session.end();
    await over(call);
  });

  it('the answer in a reliable 183 is not repeated in the 200', async () => {
    const call = await pair((session, media) => {
      session.ring();
      session.progress(media);
    });
    const out = call.bench.call(call.caller, 2, RELIABLE);
    await call.bench.advance(100);
    expect(out.events).toEqual(['progress 180', 'progress 183 early-media']);
    void first(call).session.accept(first(call).media);
    await call.bench.advance(100);
    expect(call.bench.ladder).toEqual([
      '1→2 INVITE +sdp',
      '2→1 180 INVITE',
      '1→2 PRACK',
      '2→1 200 PRACK',
      '2→1 183 INVITE +sdp',
      '1→2 PRACK',
      '2→1 200 PRACK',
      '2→1 200 INVITE',
      '1→2 ACK',
    ]);
    expect(out.media.calls).toEqual(['offer', 'accept-answer']);
    void out.session.end();
    await over(call);
  });

  it('late offer: the 183 offers, the PRACK answers', async () => {
    const call = await pair((session, media) => {
      session.ring();
      session.progress(media);
    });
    const out = call.bench.call(call.caller, 2, { ...RELIABLE, lateOffer: true });
    await call.bench.advance(100);
    void first(call).session.accept(first(call).media);
    await call.bench.advance(100);
    expect(call.bench.ladder).toEqual([
      '1→2 INVITE',
      '2→1 183 INVITE +sdp',
      '1→2 PRACK +sdp',
      '2→1 200 PRACK',
      '2→1 200 INVITE',
      '1→2 ACK',
    ]);
    expect(first(call).media.parameters?.remote?.port).toBe(40_000);
    expect(out.session.state).toBe('established');
    void out.session.end();
    await over(call);
  });

  it('no early media without an offer and without 100rel', async () => {
    const call = await pair((session, media) => {
      const result = session.progress(media);
      expect(result.ok ? '' : result.error.code).toBe('no-description');
      void session.accept(media);
    });
    const out = call.bench.call(call.caller, 2, { lateOffer: true });
    await call.bench.advance(100);
    expect(out.session.state).toBe('established');
    void out.session.end();
    await over(call);
  });

  it('repeated with doubling intervals until PRACK; without one, 504 after 32 s', async () => {
    const bench = new SessionBench();
    await bench.agent(2, { events: { onInvite: (session) => session.ring() } });
    const peer = bench.peer(1);
    peer.send(INVITE, 2);
    await bench.advance(31_000);
    // At 0, 0.5, 1.5, 3.5, 7.5, 15.5 s.
    expect(peer.statuses().filter((status) => status === 180)).toHaveLength(6);
    const rseqs = peer.responses().map((response) => response.headers.get('RSeq'));
    expect(new Set(rseqs.filter(Boolean)).size).toBe(1);
    await bench.advance(2_000);
    expect(peer.statuses()).toContain(504);
    expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('a PRACK for nothing that was sent: 481; a second one too', async () => {
    const bench = new SessionBench();
    await bench.agent(2, { events: { onInvite: (session) => session.ring() } });
    const peer = bench.peer(1);
    peer.send(INVITE, 2);
    await bench.advance(100);
    const ringing = peer.responses().find((response) => response.status === 180);
    const to = ringing?.headers.get('To') ?? '';
    const rseq = Number(ringing?.headers.get('RSeq'));
    peer.send(prack(to, `${rseq + 1} 1 INVITE`, 2), 2);
    await bench.advance(50);
    peer.send(prack(to, 'nonsense', 3), 2);
    await bench.advance(50);
    peer.send(prack(to, `${rseq} 1 INVITE`, 4), 2);
    await bench.advance(50);
    peer.send(prack(to, `${rseq} 1 INVITE`, 5), 2);
    await bench.advance(50);
    expect(peer.statuses().filter((status) => status !== 180)).toEqual([481, 400, 200, 481]);
    await bench.advance(40_000);
    expect(peer.statuses()).not.toContain(504);
  });

  it('the media cannot take the answer of a reliable 183: cancelled', async () => {
    const call = await pair((session, media) => {
      session.progress(media);
    });
    const out = call.bench.call(call.caller, 2, RELIABLE);
    out.media.failNext('accept-answer', new MediaError('bad-description', 'nonsense'));
    await call.bench.advance(200);
    expect(out.end).toMatchObject({ by: 'media', established: false });
    expect(call.bench.requests('PRACK')).toHaveLength(1);
    expect(call.bench.requests('CANCEL')).toHaveLength(1);
    await over(call);
  });

  it('each message of it lost once', async () => {
    for (let lost = 0; lost < 8; lost++) {
      let count = 0;
      const bench = new SessionBench(1, {
        bytes: (length) => new Uint8Array(length),
        below: () => (count++ === lost ? 0 : 999_999),
      });
      bench.network.conditions.lossRatio = 0.5;
      const call = await pair(
        (session, media) => {
          session.progress(media);
          void session.accept(media);
        },
        { bench },
      );
      const out = bench.call(call.caller, 2, RELIABLE);
      await bench.advance(10_000);
      expect([lost, out.session.state]).toEqual([lost, 'established']);
      void out.session.end();
      await over(call);
    }
  });
});

describe('early dialogs', () => {
  it('UPDATE in one, both ways (RFC 3311)', async () => {
    const call = await pair((session, media) => {
      session.progress(media);
    });
    const out = call.bench.call(call.caller, 2, RELIABLE);
    await call.bench.advance(100);
    out.media.local = { ...out.media.local, direction: 'sendonly' };
    const held = out.session.reinvite();
    await call.bench.advance(100);
    expect((await held).ok).toBe(true);
    expect(first(call).media.parameters?.direction).toBe('recvonly');
    const { media, session } = first(call);
    media.local = { ...media.local, codecs: [CODEC_CHOICES.PCMA] };
    const changed = session.reinvite();
    await call.bench.advance(100);
    expect((await changed).ok).toBe(true);
    expect(out.media.parameters?.send.name).toBe('PCMA');
    expect(call.bench.requests('UPDATE')).toHaveLength(2);
    void session.accept(media);
    await call.bench.advance(100);
    expect(out.session.state).toBe('established');
    void out.session.end();
    await over(call);
  });

  it('UPDATE with an offer while that of the INVITE is open: 500 with Retry-After', async () => {
    const bench = new SessionBench();
    await bench.agent(2, { events: { onInvite: (session) => session.ring() } });
    const peer = bench.peer(1);
    peer.send(PLAIN_INVITE, 2);
    await bench.advance(100);
    const to = peer.responses()[0]?.headers.get('To') ?? '';
    peer.send(request('UPDATE', 2, { to, sdp: PEER_SDP }), 2);
    await bench.advance(100);
    const refused = peer.responses().find((response) => response.status === 500);
    expect(Number(refused?.headers.get('Retry-After'))).toBeLessThanOrEqual(10);
    peer.send(request('UPDATE', 3, { to }), 2);
    peer.send(request('INVITE', 4, { to, sdp: PEER_SDP }), 2);
    await bench.advance(100);
    expect(peer.statuses()).toEqual([180, 500, 200, 500]);
  });

  it('BYE in one: 200, and 487 to the INVITE (section 15.1.2)', async () => {
    const bench = new SessionBench();
    const agent = await bench.agent(2, { events: { onInvite: (session) => session.ring() } });
    const peer = bench.peer(1);
    peer.send(PLAIN_INVITE, 2);
    await bench.advance(100);
    peer.send(request('BYE', 2, { to: peer.responses()[0]?.headers.get('To') ?? '' }), 2);
    await bench.advance(100);
    expect(peer.statuses()).toEqual([180, 200, 487]);
    expect(agent.sessionCount).toBe(0);
  });
});

describe('while an INVITE of ours is open', () => {
  it('offers of the peer get 491 (RFC 3261 section 14.2, RFC 3311 section 5.2)', async () => {
    const bench = new SessionBench();
    const caller = await bench.agent(1);
    const peer = bench.peer(3);
    peer.onMessage = (message) => {
      const first = message.kind === 'request' && peer.requests('INVITE').length === 1;
      if (message.kind !== 'request' || message.method === 'ACK') return;
      if (message.method === 'INVITE' && first)
        peer.send(reply(message, 200, 3, { sdp: PEER_SDP }), 1);
      if (message.method === 'BYE') peer.send(reply(message, 200, 3), 1);
    };
    const out = bench.call(caller, 3);
    await bench.advance(100);
    const changed = out.session.reinvite();
    await bench.advance(100);
    const [invite, reinvite] = peer.requests('INVITE');
    if (invite === undefined || reinvite === undefined) throw new Error('no re-INVITE');
    peer.send(requestBack(invite, 'UPDATE', 1, { sdp: PEER_SDP }), 1);
    peer.send(requestBack(invite, 'INVITE', 2, { sdp: PEER_SDP }), 1);
    peer.send(requestBack(invite, 'UPDATE', 3), 1);
    peer.send(requestBack(invite, 'UPDATE', 2), 1);
    await bench.advance(100);
    // The one without an offer may come at any time; the one with an older number may not.
    expect(peer.statuses()).toEqual([491, 491, 200, 500]);
    peer.send(reply(reinvite, 200, 3, { sdp: PEER_SDP }), 1);
    await bench.advance(100);
    expect((await changed).ok).toBe(true);
    void out.session.end();
    expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });
});

const prack = (to: string, rack: string, cseq: number): string =>
  request('PRACK', cseq, { to, headers: [`RAck: ${rack}`] });

const PLAIN_INVITE = request('INVITE', 1, { sdp: PEER_SDP });
const INVITE = request('INVITE', 1, { sdp: PEER_SDP, headers: ['Require: 100rel'] });
