import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../common/ids.ts';
import { SimClock } from '../../common/sim-clock.ts';
import {
  credentialHash,
  type DigestAlgorithm,
  digestHash,
  digestResponse,
  parseChallenge,
  parseCredentials,
} from './digest.ts';
import { createDigestClient, type DigestClient } from './digest-client.ts';
import {
  createDigestServer,
  type DigestServer,
  type DigestServerOptions,
} from './digest-server.ts';
import { createHeaders } from './headers.ts';
import { EMPTY_BODY, responseTo, type SipRequest } from './message.ts';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

describe('digest vectors', () => {
  const vector = (
    algorithm: DigestAlgorithm,
    user: readonly [string, string, string],
    rest: Partial<Parameters<typeof digestResponse>[0]>,
  ): string =>
    digestResponse({
      algorithm,
      credentialHash: credentialHash(algorithm, ...user),
      nonce: '',
      method: 'GET',
      uri: '/dir/index.html',
      qop: 'auth',
      nonceCount: '00000001',
      cnonce: '',
      body: EMPTY_BODY,
      ...rest,
    });

  it('RFC 2617 section 3.5 (MD5)', () => {
    expect(
      vector('MD5', ['Mufasa', 'testrealm@host.com', 'Circle Of Life'], {
        nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
        cnonce: '0a4f113b',
      }),
    ).toBe('6629fae49393a05397450978507c4ef1');
  });

  it('RFC 2069 form, without qop (erratum 749)', () => {
    expect(
      vector('MD5', ['Mufasa', 'testrealm@host.com', 'CircleOfLife'], {
        nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
        qop: undefined,
      }),
    ).toBe('1949323746fe6a43ef61f9606e7febea');
  });

  it('RFC 7616 section 3.9.1 (MD5 and SHA-256)', () => {
    const rest = {
      nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
      cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    };
    const user = ['Mufasa', 'http-auth@example.org', 'Circle of Life'] as const;
    expect(vector('MD5', user, rest)).toBe('8ca523f5e9506fed4657c9700eebdbec');
    expect(vector('SHA-256', user, rest)).toBe(
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
    );
  });

  it('RFC 7616 section 3.9.2 (SHA-512-256 and userhash, with the values of erratum 4897)', () => {
    expect(digestHash('SHA-512-256', 'Jäsøn Doe:api@example.org')).toBe(
      '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b',
    );
    expect(
      vector('SHA-512-256', ['Jäsøn Doe', 'api@example.org', 'Secret, or not?'], {
        nonce: '5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK',
        cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v',
        uri: '/doe.json',
      }),
    ).toBe('3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5');
  });

  it('-sess and auth-int by their definition (RFC 7616 section 3.4.2, 3.4.3)', () => {
    const ha1 = md5(`${md5('u:r:p')}:n:c`);
    const ha2 = md5(`INVITE:sip:h:${md5('body')}`);
    expect(
      vector('MD5-sess', ['u', 'r', 'p'], {
        nonce: 'n',
        cnonce: 'c',
        method: 'INVITE',
        uri: 'sip:h',
        qop: 'auth-int',
        body: Buffer.from('body'),
      }),
    ).toBe(md5(`${ha1}:n:00000001:c:auth-int:${ha2}`));
  });
});

const CREDENTIALS = { username: 'alice', password: 'wonder"land\\' };

function makeRequest(body = ''): SipRequest {
  return {
    kind: 'request',
    method: 'INVITE',
    uri: 'sip:1000@h',
    headers: createHeaders([['Call-ID', 'x']]),
    body: Buffer.from(body),
  };
}

function setUp(options: Partial<DigestServerOptions> = {}) {
  const clock = new SimClock();
  const server = createDigestServer({
    realm: 'confer "ence"',
    secret: Buffer.from('secret'),
    clock,
    random: seededRandom(1),
    passwordOf: (username) => (username === 'alice' ? CREDENTIALS.password : undefined),
    ...options,
  });
  return { clock, server, client: createDigestClient(seededRandom(2)) };
}

/** The 401 that the server's verdict leads to. */
function refusal(request: SipRequest, server: DigestServer, status = 401) {
  const verdict = server.verify(request);
  if (verdict.kind !== 'challenge') throw new Error(`not challenged: ${verdict.kind}`);
  const header = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
  return {
    reason: verdict.reason,
    response: responseTo(request, status, {
      headers: verdict.challenges.map((value) => [header, value] as const),
    }),
  };
}

function authorized(client: DigestClient, server: DigestServer, request: SipRequest): SipRequest {
  const answer = client.answer(request, refusal(request, server).response, CREDENTIALS);
  if (answer === undefined) throw new Error('not answered');
  return answer;
}

describe('digest between our client and our server (R47)', () => {
  const algorithms: readonly DigestAlgorithm[] = [
    'MD5',
    'MD5-sess',
    'SHA-256',
    'SHA-256-sess',
    'SHA-512-256',
    'SHA-512-256-sess',
  ];
  for (const algorithm of algorithms) {
    for (const qop of ['auth', 'auth-int'] as const) {
      it(`${algorithm} ${qop}`, () => {
        const { server, client } = setUp({ algorithms: [algorithm], qops: [qop] });
        const request = makeRequest('v=0');
        const answer = authorized(client, server, request);
        expect(server.verify(answer)).toEqual({ kind: 'accepted', username: 'alice' });
        if (qop === 'auth-int') {
          const tampered = { ...authorized(client, server, request), body: Buffer.from('v=1') };
          expect(server.verify(tampered)).toMatchObject({ kind: 'challenge', reason: 'wrong' });
        }
      });
    }
  }

  it('challenges strongest first, and the strongest is answered (RFC 8760 section 2)', () => {
    const { server, client } = setUp();
    const first = refusal(makeRequest(), server);
    const order = first.response.headers.all('WWW-Authenticate').map((value) => {
      const challenge = parseChallenge(value);
      return challenge.ok ? challenge.value.algorithm : '';
    });
    expect(order).toEqual(['SHA-256', 'MD5']);
    // Even if someone on the way turns the order round.
    const values = first.response.headers.all('WWW-Authenticate').toReversed();
    const response = responseTo(makeRequest(), 401, {
      headers: values.map((value) => ['WWW-Authenticate', value] as const),
    });
    const answer = client.answer(makeRequest(), response, CREDENTIALS);
    const sent = parseCredentials(answer?.headers.get('Authorization') ?? '');
    expect(sent.ok && sent.value.algorithm).toBe('SHA-256');
  });

  it('counts the nonce up, and each count is good once, in any order within the window', () => {
    const { server, client } = setUp();
    authorized(client, server, makeRequest());
    const requests = Array.from({ length: 40 }, () => client.apply(makeRequest(), CREDENTIALS));
    const verify = (index: number): string => {
      const request = requests[index];
      const verdict = request === undefined ? undefined : server.verify(request);
      return verdict?.kind === 'challenge' ? verdict.reason : (verdict?.kind ?? '');
    };
    expect([verify(0), verify(3), verify(1), verify(2)]).toEqual(Array(4).fill('accepted'));
    expect([verify(3), verify(0)]).toEqual(['replay', 'replay']);
    expect(verify(39)).toBe('accepted');
    expect(verify(20)).toBe('accepted');
    expect(verify(20)).toBe('replay');
    // Too far behind to know.
    expect(verify(5)).toBe('replay');
  });

  it('an old nonce is stale, and the client goes on with the new one', () => {
    const { clock, server, client } = setUp({ nonceLifetimeMs: 1000 });
    authorized(client, server, makeRequest());
    return clock.advance(1001).then(() => {
      const second = client.apply(makeRequest(), CREDENTIALS);
      const stale = refusal(second, server);
      expect(stale.reason).toBe('stale');
      expect(stale.response.headers.get('WWW-Authenticate')).toContain('stale=true');
      const answer = client.answer(second, stale.response, CREDENTIALS);
      expect(answer === undefined ? '' : server.verify(answer).kind).toBe('accepted');
    });
  });

  it('does not try a refused password again (RFC 3261 section 22.1)', () => {
    const { server, client } = setUp();
    const wrong = { username: 'alice', password: 'no' };
    const request = makeRequest();
    const answer = client.answer(request, refusal(request, server).response, wrong);
    if (answer === undefined) throw new Error('not answered');
    const again = refusal(answer, server);
    expect(again.reason).toBe('wrong');
    expect(client.answer(answer, again.response, wrong)).toBeUndefined();
  });

  it('does not follow a server that says stale for ever', () => {
    const { server, client } = setUp({ nonceLifetimeMs: -1 });
    let request: SipRequest | undefined = makeRequest();
    let rounds = 0;
    for (; request !== undefined && rounds < 20; rounds++) {
      request = client.answer(request, refusal(request, server).response, CREDENTIALS);
    }
    expect(rounds).toBeLessThan(6);
  });

  it('answers 401 and 407, several realms, and only that of the credentials', () => {
    const one = setUp({ realm: 'one' });
    const two = setUp({ realm: 'two' });
    const request = makeRequest();
    const first = one.client.answer(request, refusal(request, one.server).response, CREDENTIALS);
    if (first === undefined) throw new Error('not answered');
    const proxy = refusal(request, two.server, 407).response;
    const both = one.client.answer(first, proxy, CREDENTIALS);
    if (both === undefined) throw new Error('not answered');
    expect(one.server.verify(both).kind).toBe('accepted');
    expect(two.server.verify(both, 'Proxy-Authorization').kind).toBe('accepted');
    const other = createDigestClient(seededRandom(1));
    expect(other.answer(request, proxy, { ...CREDENTIALS, realm: 'one' })).toBeUndefined();
  });

  it('hides the user name when the server asks for it (userhash)', () => {
    const { server, client } = setUp({ usernames: () => ['bob', 'alice'] });
    const answer = authorized(client, server, makeRequest());
    expect(answer.headers.get('Authorization')).not.toContain('alice');
    expect(server.verify(answer)).toEqual({ kind: 'accepted', username: 'alice' });
  });

  it('refuses unknown users, foreign nonces and malformed values, each by its name', () => {
    const { server, client } = setUp();
    const reason = (value: string): string => {
      const request = makeRequest();
      const verdict = server.verify({
        ...request,
        headers: request.headers.append('Authorization', value),
      });
      return verdict.kind === 'challenge' ? verdict.reason : verdict.kind;
    };
    const request = makeRequest();
    const stranger = client.answer(request, refusal(request, server).response, {
      username: 'eve',
      password: '',
    });
    expect(reason(stranger?.headers.get('Authorization') ?? '')).toBe('wrong');
    const realm = 'realm="confer \\"ence\\"", uri="sip:h", response="0"';
    expect(reason(`Digest username="alice", nonce="made up", ${realm}`)).toBe('stale');
    expect(reason('Digest username="alice"')).toBe('malformed');
    expect(reason('Digest realm="')).toBe('malformed');
    expect(reason('Basic YTpi')).toBe('other-realm');
    expect(reason(`Digest username="a", realm="x", nonce="n", uri="u", response="0"`)).toBe(
      'other-realm',
    );
    expect(server.verify(request)).toMatchObject({ reason: 'no-credentials' });
  });

  it('remembers a bounded number of nonces and lets none of the forgotten be replayed', async () => {
    const { clock, server } = setUp({ maxNonces: 3 });
    const answers: SipRequest[] = [];
    for (let index = 0; index < 5; index++) {
      answers.push(authorized(createDigestClient(seededRandom(index)), server, makeRequest()));
      await clock.advance(1);
    }
    for (const answer of answers) expect(server.verify(answer).kind).toBe('accepted');
    for (const answer of answers) {
      expect(server.verify(answer)).toMatchObject({ kind: 'challenge' });
    }
    expect(clock.timerCount).toBe(0);
  });

  it('takes an answer without qop once (RFC 2617 section 3.2.2)', () => {
    const { server } = setUp({ algorithms: ['MD5'] });
    const nonce = parseChallenge(server.challenges()[0] ?? '');
    if (!nonce.ok) throw new Error('no challenge');
    const realm = nonce.value.realm;
    const hash = credentialHash('MD5', 'alice', realm, CREDENTIALS.password);
    const response = md5(`${hash}:${nonce.value.nonce}:${md5('INVITE:sip:1000@h')}`);
    const request = makeRequest();
    const value = `Digest username="alice", realm="confer \\"ence\\"", nonce="${nonce.value.nonce}", uri="sip:1000@h", response="${response}"`;
    const sent = { ...request, headers: request.headers.append('Authorization', value) };
    expect(server.verify(sent).kind).toBe('accepted');
    expect(server.verify(sent)).toMatchObject({ kind: 'challenge', reason: 'replay' });
  });

  it('never throws on what a peer sends', () => {
    const { server, client } = setUp();
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const safe = text.replaceAll(/[\r\n]/g, ' ');
        const request = makeRequest();
        for (const value of [safe, `Digest ${safe}`, `Digest nonce="${safe}", realm="x"`]) {
          server.verify({ ...request, headers: request.headers.append('Authorization', value) });
          const response = responseTo(request, 401, { headers: [['WWW-Authenticate', value]] });
          client.answer(request, response, CREDENTIALS);
        }
      }),
    );
  });
});
