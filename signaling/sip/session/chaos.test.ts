import { describe, expect, it } from 'vitest';
import { MediaError } from '../../../common/errors.ts';
import { type Random, seededRandom } from '../../../common/ids.ts';
import { FakeMedia } from '../fake-media.ts';
import type { SipMessage, SipRequest } from '../message.ts';
import { PEER_SDP, reply, request, requestBack } from '../testing/raw-messages.ts';
import { type RawPeer, SessionBench, type Watched } from '../testing/session-bench.ts';

/**
 * Peers that do anything in any order, applications that do too, and a link that loses: no exception, no
 * session that never ends, no timer left, each session ended exactly once. The seed is in the title.
 */
const ROUNDS = 40;

function pick<T>(random: Random, choices: readonly T[]): T {
  const choice = choices[random.below(choices.length)];
  if (choice === undefined) throw new Error('nothing to choose from');
  return choice;
}

/** What an application may do with a session at any time. */
function act(random: Random, { session, media }: Watched): void {
  const fails = pick(random, ['offer', 'accept-offer', 'accept-answer'] as const);
  if (random.below(10) === 0) {
    media.failNext(fails, new MediaError('bad-description', 'chaos'));
  }
  pick(random, [
    () => session.ring(),
    () => void session.progress(media),
    () => void session.accept(media),
    () => void session.accept(media),
    () => random.below(6) === 0 && session.reject(pick(random, [486, 200, 603, 999])),
    () => random.below(4) === 0 && void session.end(),
    () => void session.reinvite(),
    () => void session.info('application/dtmf', '1'),
  ])();
}

function check(watched: readonly Watched[]): void {
  for (const { events } of watched) {
    expect(events.filter((event) => event.startsWith('ended'))).toHaveLength(1);
    expect(events.at(-1)).toMatch(/^ended/);
    expect(events.filter((event) => event === 'established').length).toBeLessThan(2);
  }
}

function asCaller(
  random: Random,
  peer: RawPeer,
  round: number,
  state: { to: string; cseq: number },
): void {
  const { to } = state;
  const inside = to !== '' && random.below(8) > 0;
  const method = pick(random, [
    'INVITE',
    'ACK',
    'ACK',
    'PRACK',
    'UPDATE',
    'BYE',
    'CANCEL',
    'INFO',
    'OPTIONS',
  ]);
  if (method === 'BYE' && random.below(3) > 0) return;
  const fresh = random.below(4) > 0;
  if (fresh && method !== 'ACK' && method !== 'CANCEL') state.cseq += 1;
  const rack = `RAck: ${lastRSeq(peer.received)} ${random.below(2) + 1} INVITE`;
  peer.send(
    request(method, method === 'CANCEL' ? 1 : state.cseq, {
      ...(inside ? { to } : {}),
      branch: method === 'CANCEL' ? 'chaos-invite' : `chaos${round}`,
      ...(random.below(2) === 0
        ? { sdp: PEER_SDP.replace('5000', String(5000 + random.below(3) * 2)) }
        : {}),
      headers: [
        rack,
        ...(random.below(3) === 0 ? ['Supported: timer', 'Session-Expires: 90'] : []),
      ],
    }),
    2,
  );
}

function lastRSeq(received: readonly SipMessage[]): string {
  const values = received.flatMap((message) => message.headers.all('RSeq'));
  return values.at(-1) ?? '1';
}

describe('chaos', () => {
  for (let seed = 1; seed <= 30; seed++) {
    it(`a caller without manners, seed ${seed}`, async () => {
      const random = seededRandom(seed);
      const bench = new SessionBench(seed);
      const watched: Watched[] = [];
      await bench.agent(2, {
        events: { onInvite: (session) => watched.push(bench.watch(session, new FakeMedia())) },
      });
      const peer = bench.peer(1);
      Object.assign(bench.network.conditions, { lossRatio: 0.05, jitterMs: 20 });
      const headers = random.below(2) === 0 ? ['Require: 100rel'] : [];
      const offer = random.below(3) > 0 ? { sdp: PEER_SDP } : {};
      peer.send(request('INVITE', 1, { headers, ...offer, branch: 'chaos-invite' }), 2);
      await bench.advance(50);
      const state = { to: '', cseq: 1 };
      for (let round = 0; round < ROUNDS; round++) {
        for (const one of watched) if (random.below(2) === 0) act(random, one);
        state.to =
          peer
            .responses()
            .find((one) => one.status > 100)
            ?.headers.get('To') ?? '';
        asCaller(random, peer, round, state);
        await bench.advance(pick(random, [0, 5, 50, 600, 3_000]));
      }
      // What is still on its way arrives.
      await bench.advance(100);
      for (const { session } of watched) void session.end();
      expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
      check(watched);
    });

    it(`a called side without manners, seed ${seed}`, async () => {
      const random = seededRandom(seed);
      const bench = new SessionBench(seed);
      const caller = await bench.agent(1);
      const peer = bench.peer(3);
      Object.assign(bench.network.conditions, { lossRatio: 0.05, jitterMs: 20 });
      const seen: SipRequest[] = [];
      peer.onMessage = (message) => {
        if (message.kind === 'request' && message.method !== 'ACK') seen.push(message);
      };
      const watched = [
        bench.call(caller, 3, { lateOffer: random.below(3) === 0, followRedirects: 2 }),
      ];
      await bench.advance(50);
      let cseq = 0;
      for (let round = 0; round < ROUNDS; round++) {
        for (const one of watched) if (random.below(3) === 0) act(random, one);
        if (seen.length > 0) {
          const asked = pick(random, seen);
          const status = pick(
            random,
            [100, 180, 183, 183, 200, 200, 200, 302, 401, 422, 481, 487, 491, 500, 503, 600],
          );
          const reliable = status > 100 && status < 200 && random.below(2) === 0;
          peer.send(
            reply(asked, status, 3, {
              tag: pick(random, ['peer', 'peer', 'peer', 'other']),
              ...(random.below(3) > 0
                ? { sdp: PEER_SDP.replace('5000', String(5000 + random.below(3) * 2)) }
                : {}),
              headers: [
                ...(reliable ? ['Require: 100rel', `RSeq: ${1 + random.below(3)}`] : []),
                ...(random.below(2) === 0
                  ? ['Session-Expires: 90;refresher=uac', 'Allow: UPDATE']
                  : []),
                ...(status === 401 ? ['WWW-Authenticate: Digest realm="r", nonce="n"'] : []),
                ...(status === 500 ? ['Retry-After: 1'] : []),
              ],
            }),
            1,
          );
        }
        const [invite] = seen;
        if (invite !== undefined && random.below(3) === 0) {
          const method = pick(random, ['INVITE', 'UPDATE', 'BYE', 'INFO', 'ACK']);
          if (method !== 'BYE' || random.below(4) === 0) {
            peer.send(
              requestBack(invite, method, ++cseq, random.below(2) === 0 ? { sdp: PEER_SDP } : {}),
              1,
            );
          }
        }
        await bench.advance(pick(random, [0, 5, 50, 600, 3_000]));
      }
      for (const { session } of watched) void session.end();
      expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
      check(watched);
    });
  }
});
