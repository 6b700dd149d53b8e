/** R26, R47: registration at a trunk (RFC 3261 section 10) in virtual time, against a registrar that the test plays. */
import { describe, expect, it } from 'vitest';
import { step } from '../../../common/fsm.ts';
import { seededRandom } from '../../../common/ids.ts';
import { createDigestServer } from '../digest-server.ts';
import { responseTo, type SipRequest } from '../message.ts';
import { type RawPeer, SessionBench, uri } from '../testing/session-bench.ts';
import type { Registration, RegistrationStatus } from '../user-agent.ts';
import { REGISTRATION } from './registration-table.ts';

type Fields = readonly (readonly [string, string])[];
type Answer = (request: SipRequest) => readonly [status: number, headers?: Fields];

async function facing(answer: Answer | undefined) {
  const bench = new SessionBench();
  const agent = await bench.agent(1);
  const peer: RawPeer = bench.peer(2);
  let present = answer;
  peer.onMessage = (message) => {
    if (message.kind !== 'request' || present === undefined) return;
    const [status, headers = []] = present(message);
    peer.send(responseTo(message, status, { toTag: 'registrar', headers }), 1);
  };
  const statuses: RegistrationStatus[] = [];
  const registration: Registration = agent.register({
    registrar: uri('sip:10.0.0.2'),
    address: uri('sip:alice@10.0.0.2'),
    contactUser: '493000',
    expiresS: 3_600,
    credentials: { username: 'alice', password: 'wonderland' },
    onStatus: (status) => statuses.push(status),
  });
  await bench.advance(100);
  const sent = () => peer.requests('REGISTER');
  const use = (next: Answer | undefined): void => {
    present = next;
  };
  return { bench, agent, registration, statuses, sent, use };
}

const granting =
  (seconds: number): Answer =>
  (request) => [200, [['Contact', `${request.headers.get('Contact') ?? ''};expires=${seconds}`]]];

const header = (request: SipRequest | undefined, name: string): string =>
  request?.headers.get(name) ?? '';

describe('R26: registration', () => {
  it('a registrar that grants 30 years is asked again in the hour that was asked for', async () => {
    const { bench, sent } = await facing(granting(999_999_999));
    await bench.advance(2_990_000);
    expect(sent()).toHaveLength(1);
    await bench.advance(20_000);
    expect(sent()).toHaveLength(2);
  });

  it('binds our contact, and refreshes in time with the same Call-ID and a CSeq that grows', async () => {
    const { bench, registration, statuses, sent } = await facing(granting(3_600));
    const [first] = sent();
    expect(first?.uri).toBe('sip:10.0.0.2');
    expect(header(first, 'To')).toBe('<sip:alice@10.0.0.2>');
    expect(header(first, 'Contact')).toBe('<sip:493000@10.0.0.1:5060>');
    expect(header(first, 'Expires')).toBe('3600');
    expect(registration.status).toEqual({ state: 'registered', detail: '' });
    await bench.advance(2_990_000);
    expect(sent()).toHaveLength(1);
    await bench.advance(20_000);
    expect(sent()).toHaveLength(2);
    expect(new Set(sent().map((one) => header(one, 'Call-ID'))).size).toBe(1);
    expect(sent().map((one) => header(one, 'CSeq'))).toEqual(['1 REGISTER', '2 REGISTER']);
    expect(statuses.map(({ state }) => state)).toEqual(['registered', 'registered']);
  });

  it('refreshes by what the registrar grants, in Contact or in Expires', async () => {
    const { bench, sent, use } = await facing(granting(120));
    await bench.advance(61_000);
    expect(sent()).toHaveLength(2);
    use(() => [200, [['Expires', '300']]]);
    await bench.advance(60_000);
    expect(sent()).toHaveLength(3);
    await bench.advance(140_000);
    expect(sent()).toHaveLength(3);
    await bench.advance(15_000);
    expect(sent()).toHaveLength(4);
  });

  it.each(['SHA-256', 'MD5'] as const)('answers a challenge with %s', async (algorithm) => {
    const bench = new SessionBench();
    const digest = createDigestServer({
      realm: 'carrier',
      secret: seededRandom(3).bytes(32),
      clock: bench.clock,
      random: seededRandom(4),
      passwordOf: (name) => (name === 'alice' ? 'wonderland' : undefined),
      algorithms: [algorithm],
    });
    const { sent, registration } = await facing((request) => {
      const verdict = digest.verify(request);
      if (verdict.kind === 'accepted') return granting(600)(request);
      return [401, digest.challenges().map((value) => ['WWW-Authenticate', value] as const)];
    });
    expect(sent()).toHaveLength(2);
    expect(header(sent()[1], 'Authorization')).toContain(`algorithm=${algorithm}`);
    expect(header(sent()[1], 'CSeq')).toBe('2 REGISTER');
    expect(registration.status.state).toBe('registered');
  });

  it('a wrong password is not tried over and over', async () => {
    const challenge = 'Digest realm="carrier", nonce="abc", algorithm=MD5, qop="auth"';
    const { bench, sent, registration } = await facing(() => [
      401,
      [['WWW-Authenticate', challenge]],
    ]);
    expect(sent()).toHaveLength(2);
    expect(registration.status).toEqual({ state: 'failed', detail: '401 Unauthorized' });
    await bench.advance(10_000);
    expect(sent()).toHaveLength(2);
  });

  it('423: asks for as much as the registrar wants, from then on', async () => {
    const { bench, sent, registration } = await facing((request) =>
      Number(header(request, 'Expires')) < 7_200
        ? [423, [['Min-Expires', '7200']]]
        : granting(7_200)(request),
    );
    expect(sent().map((one) => header(one, 'Expires'))).toEqual(['3600', '7200']);
    expect(registration.status.state).toBe('registered');
    await bench.advance(6_700_000);
    expect(header(sent().at(-1), 'Expires')).toBe('7200');
  });

  it('tries again with growing pauses, at most half an hour, and at once good again', async () => {
    const { bench, sent, use, statuses } = await facing(() => [500]);
    const times: number[] = [];
    for (let count = 1; times.length < 9; ) {
      await bench.advance(1_000);
      if (sent().length === count) continue;
      count = sent().length;
      times.push(bench.clock.nowMs());
    }
    const pauses = times.map((at, index) => at - (times[index - 1] ?? 0));
    for (const [index, pause] of pauses.entries()) {
      const bound = Math.min(1_800, 30 * 2 ** index) * 1_000;
      expect(pause).toBeGreaterThanOrEqual(bound / 2 - 1_100);
      expect(pause).toBeLessThanOrEqual(bound + 1_100);
    }
    use(granting(600));
    await bench.advance(1_900_000);
    expect(statuses.at(-1)?.state).toBe('registered');
  });

  it('no answer is a failure; 503 with Retry-After is waited for', async () => {
    const silent = await facing(undefined);
    await silent.bench.advance(33_000);
    expect(silent.registration.status).toEqual({ state: 'failed', detail: 'no answer' });
    const busy = await facing(() => [503, [['Retry-After', '120']]]);
    await busy.bench.advance(119_000);
    expect(busy.sent()).toHaveLength(1);
    await busy.bench.advance(2_000);
    expect(busy.sent()).toHaveLength(2);
  });

  it('takes the binding away when it stops, and leaves nothing behind', async () => {
    const { bench, agent, sent, registration } = await facing(granting(3_600));
    let stopped = false;
    void agent.stop().then(() => {
      stopped = true;
    });
    await bench.advance(1_000);
    expect(header(sent().at(-1), 'Expires')).toBe('0');
    expect(stopped).toBe(true);
    expect(registration.status.state).toBe('stopped');
    expect(await bench.leftovers()).toEqual({ sessions: 0, timers: 0 });
  });

  it('a registrar that is silent does not hold up the stop', async () => {
    const { bench, sent, registration, use } = await facing(granting(3_600));
    use(undefined);
    let stopped = false;
    void registration.stop().then(() => {
      stopped = true;
    });
    await bench.advance(2_100);
    expect(stopped).toBe(true);
    expect(sent().length).toBeGreaterThan(1);
  });

  it('every cell of the table', () => {
    const events = [
      { type: 'start' },
      { type: 'accepted', expiresS: 60 },
      { type: 'refused', why: 'no', retryAfterS: 0 },
      { type: 'due' },
      { type: 'stop' },
    ] as const;
    const states = [
      ...([
        'idle',
        'registering',
        'registered',
        'refreshing',
        'failed',
        'leaving',
        'over',
      ] as const),
    ];
    const cells = states.flatMap((state) =>
      events.map((event) => {
        const { verdict, state: next, effects } = step(REGISTRATION, state, event);
        const done = effects.map(({ type }) => type).join(', ');
        return `${state} + ${event.type}${verdict === 'moved' ? ` → ${next}: ${done}` : `: ${verdict}`}`;
      }),
    );
    expect(cells).toMatchSnapshot();
  });
});
