import { describe, expect, it } from 'vitest';
import { MediaError } from '../../../common/errors.ts';
import { fail, ok } from '../../../common/result.ts';
import type { SipRequest } from '../message.ts';
import type { Resolver } from '../resolver.ts';
import { PEER_SDP, reply } from '../testing/raw-messages.ts';
import {
  accepting,
  address,
  first,
  pair,
  type RawPeer,
  SessionBench,
  uri,
  type Watched,
} from '../testing/session-bench.ts';
import type { UserAgent } from '../user-agent.ts';

async function over(bench: SessionBench): Promise<void> {
  expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  expect(await bench.metrics.text()).not.toMatch(/illegal_transitions_total\{[^}]*\} [1-9]/);
}

/** A caller and a peer without a stack at 10.0.0.3 that answers requests as the test says. */
async function facing(
  onRequest: (request: SipRequest, peer: RawPeer) => void,
): Promise<{ readonly bench: SessionBench; readonly caller: UserAgent; readonly peer: RawPeer }> {
  const bench = new SessionBench();
  const caller = await bench.agent(1);
  const peer = bench.peer(3);
  peer.onMessage = (message) => {
    if (message.kind === 'request') onRequest(message, peer);
  };
  return { bench, caller, peer };
}

describe('digest (RFC 3261 section 22, RFC 8760), R47', () => {
  const challenge = {
    realm: 'test',
    passwordOf: (name: string) => (name === 'alice' ? 'wonderland' : undefined),
  };

  it.each([['SHA-256'], ['MD5']] as const)(
    '%s: the INVITE goes again with an answer',
    async (algorithm) => {
      const call = await pair(accepting, {
        called: {
          challenge: { ...challenge, algorithms: [algorithm] },
          events: { onInvite: (session) => session.reject(486) },
        },
      });
      const out = call.bench.call(call.caller, 2, {
        credentials: { username: 'alice', password: 'wonderland' },
      });
      await call.bench.advance(100);
      expect(out.end?.status).toBe(486);
      const invites = call.bench.requests('INVITE');
      expect(invites.map((invite) => invite.headers.get('CSeq'))).toEqual(['1 INVITE', '2 INVITE']);
      expect(new Set(invites.map((invite) => invite.headers.get('Call-ID'))).size).toBe(1);
      expect(invites[1]?.headers.get('Authorization')).toContain(`algorithm=${algorithm}`);
      await over(call.bench);
    },
  );

  it('a wrong password ends it after one more try', async () => {
    const call = await pair(accepting, { called: { challenge } });
    const out = call.bench.call(call.caller, 2, {
      credentials: { username: 'alice', password: 'guessed' },
    });
    await call.bench.advance(100);
    expect(out.end).toMatchObject({ by: 'remote', status: 401 });
    expect(call.bench.requests('INVITE')).toHaveLength(2);
    await over(call.bench);
  });

  it('no credentials: 401', async () => {
    const call = await pair(accepting, { called: { challenge } });
    const out = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    expect(out.end?.status).toBe(401);
    await over(call.bench);
  });

  it('a whole call, and requests in the dialog that are challenged too', async () => {
    let challenged = 0;
    const { bench, caller, peer } = await facing((request) => {
      if (request.method === 'ACK') return;
      const known = request.headers.has('Proxy-Authorization');
      if (!known) {
        challenged += 1;
        const nonce = `n${challenged}`;
        peer.send(
          reply(request, 407, 3, {
            headers: [`Proxy-Authenticate: Digest realm="p", nonce="${nonce}", qop="auth"`],
          }),
          1,
        );
      } else
        peer.send(reply(request, 200, 3, request.method === 'INVITE' ? { sdp: PEER_SDP } : {}), 1);
    });
    const out = bench.call(caller, 3, { credentials: { username: 'a', password: 'b' } });
    await bench.advance(100);
    expect(out.session.state).toBe('established');
    // RFC 3261 section 22.1: the ACK carries what its INVITE carried.
    expect(peer.requests('ACK')[1]?.headers.has('Proxy-Authorization')).toBe(true);
    void out.session.end();
    await bench.advance(100);
    // What was learned is used from the start.
    expect([challenged, peer.requests('BYE').length]).toEqual([1, 1]);
    await over(bench);
  });
});

describe('elsewhere', () => {
  it('3xx is the end, unless redirects are to be followed', async () => {
    const { bench, caller } = await facing((request, peer) => {
      if (request.method !== 'ACK') peer.send(reply(request, 302, 3), 1);
    });
    const out = bench.call(caller, 3);
    await bench.advance(100);
    expect(out.end?.status).toBe(302);
    await over(bench);
  });

  it('contacts by falling q, none twice, with a bound', async () => {
    const { bench, caller } = await facing((request, peer) => {
      if (request.method === 'ACK') return;
      const contacts = [4, 5, 6].map((host) => `<sip:x@${address(host)}>;q=0.${host}`).join(', ');
      peer.send(
        reply(request, 300, 3).replace(/Contact: .*/, `Contact: ${contacts}, <sip:1000@10.0.0.3>`),
        1,
      );
    });
    for (const host of [4, 5, 6]) {
      const other = bench.peer(host);
      other.onMessage = (message) => {
        if (message.kind !== 'request' || message.method === 'ACK') return;
        other.send(reply(message, host === 5 ? 486 : 404, host), 1);
      };
    }
    const out = bench.call(caller, 3, { followRedirects: 2 });
    await bench.advance(200);
    expect(bench.requests('INVITE').map((invite) => invite.uri)).toEqual([
      'sip:1000@10.0.0.3',
      'sip:x@10.0.0.6',
      'sip:x@10.0.0.5',
    ]);
    expect(out.end).toMatchObject({ by: 'remote', status: 486 });
    await over(bench);
  });

  const names: Resolver = {
    resolve: ({ host }) =>
      Promise.resolve(
        host === 'two.example'
          ? ok(
              [4, 2].map(
                (number) =>
                  ({ transport: 'udp', remoteAddress: address(number), remotePort: 5060 }) as const,
              ),
            )
          : fail(new MediaError('transport-failed', `DNS: ${host} has no address`)),
      ),
  };

  it.each<[string, number | undefined]>([
    ['503', 503],
    ['silence', undefined],
  ])('the next place of a name after %s (RFC 3263 section 4.3)', async (_what, status) => {
    const call = await pair(accepting, { caller: { resolver: names } });
    const dead = call.bench.peer(4);
    dead.onMessage = (message) => {
      if (status !== undefined && message.kind === 'request' && message.method !== 'ACK') {
        dead.send(reply(message, status, 4), 1);
      }
    };
    const out = call.bench.call(call.caller, 2, { to: uri('sip:1000@two.example') });
    await call.bench.advance(status === undefined ? 33_000 : 100);
    expect(out.session.state).toBe('established');
    expect(first(call).session.invite.uri).toBe('sip:1000@two.example');
    void out.session.end();
    await over(call.bench);
  });

  it('a name without an address', async () => {
    const call = await pair(accepting, { caller: { resolver: names } });
    const out = call.bench.call(call.caller, 2, { to: uri('sip:1000@nowhere.example') });
    await call.bench.advance(100);
    expect(out.end).toMatchObject({
      by: 'transport',
      status: 503,
      reason: 'DNS: nowhere.example has no address',
    });
    await over(call.bench);
  });

  it('an outbound proxy takes all, whatever the URI names', async () => {
    const call = await pair();
    const out = call.bench.call(call.caller, 2, {
      to: uri('sip:1000@nowhere.example'),
      outboundProxy: 'udp:10.0.0.2:5060',
    });
    await call.bench.advance(100);
    expect(out.session.state).toBe('established');
    expect(out.session.flow).toBe('udp:10.0.0.2:5060');
    const nonsense = call.bench.call(call.caller, 2, { outboundProxy: 'over there' });
    await call.bench.advance(100);
    expect(nonsense.end).toMatchObject({ by: 'transport' });
    void out.session.end();
    await over(call.bench);
  });

  it('refused by a stream link: transport', async () => {
    const bench = new SessionBench();
    const caller = await bench.agent(1, { kind: 'tcp' });
    const out = bench.call(caller, 9);
    await bench.advance(100);
    expect(out.end).toMatchObject({ by: 'transport', status: 503 });
    await over(bench);
  });
});

describe('forks (section 13.2.2.4)', () => {
  it('the first 2xx is the call; another is acknowledged and ended', async () => {
    const { bench, caller, peer } = await facing((request) => {
      if (request.method === 'INVITE') {
        peer.send(reply(request, 180, 3, { tag: 'a' }), 1);
        peer.send(reply(request, 183, 3, { tag: 'b', sdp: PEER_SDP.replace('5000', '6000') }), 1);
        peer.send(reply(request, 200, 3, { tag: 'a', sdp: PEER_SDP }), 1);
        peer.send(reply(request, 200, 3, { tag: 'b', sdp: PEER_SDP.replace('5000', '6000') }), 1);
        peer.send(reply(request, 200, 3, { tag: 'b', sdp: PEER_SDP }), 1);
      } else if (request.method === 'BYE') peer.send(reply(request, 200, 3), 1);
    });
    const out = bench.call(caller, 3);
    await bench.advance(100);
    expect(out.events).toEqual(['progress 180', 'progress 183 early-media', 'established']);
    expect(out.media.parameters?.remote?.port).toBe(5_000);
    const tags = (method: string): readonly (string | undefined)[] =>
      peer
        .requests(method)
        .map((request) => /tag=(\w+)/.exec(request.headers.get('To') ?? '')?.[1]);
    expect(tags('ACK')).toEqual(['a', 'b', 'b']);
    expect(tags('BYE')).toEqual(['b']);
    void out.session.end();
    await bench.advance(100);
    expect(tags('BYE')).toEqual(['b', 'a']);
    await over(bench);
  });

  it('the media follows the fork that answers, not the one that was heard first', async () => {
    const { bench, caller } = await facing((request, peer) => {
      if (request.method === 'INVITE') {
        peer.send(reply(request, 183, 3, { tag: 'a', sdp: PEER_SDP }), 1);
        peer.send(reply(request, 200, 3, { tag: 'b', sdp: PEER_SDP.replace('5000', '6000') }), 1);
      } else if (request.method === 'BYE') peer.send(reply(request, 200, 3), 1);
    });
    const out = bench.call(caller, 3);
    await bench.advance(100);
    expect(out.media.parameters?.remote?.port).toBe(6_000);
    void out.session.end();
    await over(bench);
  });

  it('a 200 without an answer, after a 183 with one, is forgiven; without any it is not', async () => {
    let early = true;
    const { bench, caller } = await facing((request, peer) => {
      if (request.method === 'INVITE') {
        if (early) peer.send(reply(request, 183, 3, { sdp: PEER_SDP }), 1);
        peer.send(reply(request, 200, 3), 1);
      } else if (request.method === 'BYE') peer.send(reply(request, 200, 3), 1);
    });
    const one = bench.call(caller, 3);
    await bench.advance(100);
    expect(one.session.state).toBe('established');
    early = false;
    const two = bench.call(caller, 3);
    await bench.advance(100);
    expect(two.end).toMatchObject({ by: 'media' });
    void one.session.end();
    await over(bench);
  });
});

describe('CANCEL races', () => {
  const late = async (
    answer: (invite: SipRequest, peer: RawPeer) => void,
  ): Promise<Watched & { readonly bench: SessionBench; readonly peer: RawPeer }> => {
    let invite: SipRequest | undefined;
    const { bench, caller, peer } = await facing((request) => {
      if (request.method === 'INVITE') {
        invite = request;
        peer.send(reply(request, 180, 3), 1);
      } else if (request.method === 'CANCEL') {
        peer.send(reply(request, 200, 3), 1);
        if (invite !== undefined) answer(invite, peer);
      } else if (request.method === 'BYE') peer.send(reply(request, 200, 3), 1);
    });
    const out = bench.call(caller, 3);
    await bench.advance(100);
    void out.session.end();
    await bench.advance(100);
    return { ...out, bench, peer, end: out.end };
  };

  it('the 200 crosses the CANCEL: ACK and BYE', async () => {
    const { bench, peer, end } = await late((invite, to) =>
      to.send(reply(invite, 200, 3, { sdp: PEER_SDP }), 1),
    );
    expect(peer.requests('ACK')).toHaveLength(1);
    expect(peer.requests('BYE')).toHaveLength(1);
    expect(end).toMatchObject({ by: 'local', established: false });
    await over(bench);
  });

  it('no final response after CANCEL: over after 32 s (section 9.1)', async () => {
    const { bench, end } = await late(() => undefined);
    expect(end).toBeUndefined();
    await over(bench);
  });

  it('CANCEL waits for the first provisional response', async () => {
    let invite: SipRequest | undefined;
    const { bench, caller, peer } = await facing((request) => {
      if (request.method === 'INVITE') invite = request;
      else if (request.method === 'CANCEL' && invite !== undefined) {
        peer.send(reply(request, 200, 3), 1);
        peer.send(reply(invite, 487, 3), 1);
      }
    });
    const out = bench.call(caller, 3);
    await bench.advance(100);
    void out.session.end();
    await bench.advance(100);
    expect(peer.requests('CANCEL')).toEqual([]);
    if (invite !== undefined) peer.send(reply(invite, 100, 3), 1);
    await bench.advance(100);
    expect(peer.requests('CANCEL')).toHaveLength(1);
    expect(out.end).toMatchObject({ by: 'local' });
    await over(bench);
  });

  it('hung up between two attempts: over at once', async () => {
    const call = await pair(accepting, {
      caller: { resolver: { resolve: () => new Promise(() => undefined) } },
    });
    const out = call.bench.call(call.caller, 2, { to: uri('sip:1000@slow.example') });
    await call.bench.advance(100);
    void out.session.end();
    await call.bench.advance(10);
    expect(out.end).toEqual({ by: 'local', established: false });
    await over(call.bench);
  });
});

describe('Reason and headers', () => {
  it('an INVITE carries what the application adds, and P headers reach the called side', async () => {
    const call = await pair();
    const out = call.bench.call(call.caller, 2, {
      headers: [['Diversion', '<sip:9000@gw>;reason=no-answer']],
    });
    await call.bench.advance(100);
    expect(first(call).session.invite.headers.get('Diversion')).toBe(
      '<sip:9000@gw>;reason=no-answer',
    );
    expect(first(call).session.flow).toBe('udp:10.0.0.1:5060');
    expect(first(call).session.remote.uri.host).toBe('10.0.0.1');
    void out.session.end();
    await over(call.bench);
  });

  it('why a call ended, from the Reason of a BYE: Q.850 before SIP', async () => {
    const call = await pair();
    const out = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    void first(call).session.end({ q850: 31, text: 'conference over' });
    await call.bench.advance(100);
    expect(call.bench.requests('BYE')[0]?.headers.get('Reason')).toBe(
      'Q.850 ;cause=31 ;text="conference over"',
    );
    expect(out.end).toMatchObject({ by: 'remote', q850: 31, reason: 'conference over' });
    await over(call.bench);
  });

  it('counts what happened', async () => {
    const call = await pair();
    const out = call.bench.call(call.caller, 2);
    await call.bench.advance(100);
    void out.session.end();
    await over(call.bench);
    const text = await call.bench.metrics.text();
    expect(text).toContain('minusone_sip_requests_total{method="INVITE",direction="in"} 1');
    expect(text).toContain('minusone_sip_requests_total{method="BYE",direction="out"} 1');
    expect(text).toContain('minusone_sip_responses_total{class="2xx",direction="in"} 2');
    expect(text).toContain('minusone_sip_sessions{direction="outgoing"} 0');
    expect(text).toContain(
      'minusone_sip_session_ends_total{direction="outgoing",by="local",established="true",status=""} 1',
    );
    expect(text).toContain('minusone_sip_setup_seconds_count 2');
  });
});
