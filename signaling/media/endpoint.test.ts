import { describe, expect, it } from 'vitest';
import type { MediaError } from '../../common/errors.ts';
import { seededRandom } from '../../common/ids.ts';
import type { Result } from '../../common/result.ts';
import { FakeLeg, FakeMediaEngine } from '../../mixer/fake-engine.ts';
import { CODEC_CHOICES, TELEPHONY_CODECS } from '../sdp/codec-selection.ts';
import { type EndpointOptions, type MediaEndpoint, openEndpoint } from './endpoint.ts';

const random = seededRandom(1);

function open(engine: FakeMediaEngine, options: Partial<EndpointOptions> = {}): MediaEndpoint {
  return unwrap(openEndpoint({ engine, random, codecs: TELEPHONY_CODECS, ...options }));
}

function unwrap<T>(result: Result<T, MediaError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

function fakeLeg(endpoint: MediaEndpoint): FakeLeg {
  if (!(endpoint.leg instanceof FakeLeg)) throw new TypeError('not a fake leg');
  return endpoint.leg;
}

function agree(offerer: MediaEndpoint, answerer: MediaEndpoint): void {
  unwrap(offerer.acceptAnswer(unwrap(answerer.acceptOffer(unwrap(offerer.createOffer())))));
}

describe('media endpoint', () => {
  it('R13 configures both legs with what offer and answer agree', () => {
    const engine = new FakeMediaEngine();
    const [caller, callee] = [open(engine), open(engine, { leg: { localAddress: '127.0.0.2' } })];
    agree(caller, callee);
    expect(fakeLeg(caller).parameters).toMatchObject({
      remote: { address: '127.0.0.2', port: callee.leg.rtpPort },
      send: { name: 'PCMU', payloadType: 0 },
      telephoneEvent: { sendPayloadType: 101, receivePayloadTypes: [101] },
      ptimeMs: 20,
      direction: 'sendrecv',
    });
    expect(fakeLeg(callee).parameters).toMatchObject({
      remote: { address: '127.0.0.1', port: caller.leg.rtpPort },
      direction: 'sendrecv',
    });
    expect(caller.codec).toBe('PCMU');
  });

  it('puts a preferred codec first and advertises another address', () => {
    const engine = new FakeMediaEngine();
    const endpoint = open(engine, { prefer: 'PCMA', advertisedAddress: '192.0.2.9' });
    const offer = unwrap(endpoint.createOffer());
    expect(offer).toMatch(/m=audio \d+ RTP\/AVP 8 0 101/);
    expect(offer).toContain('c=IN IP4 192.0.2.9');
  });

  it('holds and resumes, and leaves the leg alone when nothing changed', () => {
    const engine = new FakeMediaEngine();
    const [caller, callee] = [open(engine), open(engine)];
    agree(caller, callee);
    agree(caller, callee);
    expect(fakeLeg(callee).configured).toHaveLength(1);
    caller.setDirection('sendonly');
    agree(caller, callee);
    expect(fakeLeg(caller).parameters?.direction).toBe('sendonly');
    expect(fakeLeg(callee).parameters?.direction).toBe('recvonly');
    caller.setDirection('sendrecv');
    agree(caller, callee);
    expect(fakeLeg(callee).parameters?.direction).toBe('sendrecv');
    expect(fakeLeg(callee).configured).toHaveLength(3);
  });

  it('keeps what was agreed when an offer is refused or cannot be taken', () => {
    const engine = new FakeMediaEngine();
    const [caller, callee] = [open(engine), open(engine)];
    agree(caller, callee);
    caller.setDirection('inactive');
    unwrap(caller.createOffer());
    expect(caller.createOffer().ok).toBe(false);
    caller.rollBack();
    const other = open(engine, { codecs: [CODEC_CHOICES.opus] });
    const refused = callee.acceptOffer(unwrap(other.createOffer()));
    expect(!refused.ok && refused.error.code).toBe('no-common-codec');
    expect(callee.acceptOffer('nonsense').ok).toBe(false);
    expect(fakeLeg(callee).configured).toHaveLength(1);
    expect(fakeLeg(caller).configured).toHaveLength(1);
    expect(caller.parameters?.direction).toBe('sendrecv');
  });

  it('repeats a refresh word for word', () => {
    const engine = new FakeMediaEngine();
    const [caller, callee] = [open(engine), open(engine)];
    const answer = unwrap(callee.acceptOffer(unwrap(caller.createOffer())));
    unwrap(caller.acceptAnswer(answer));
    const again = unwrap(callee.createOffer('refresh'));
    expect(again).toBe(answer);
  });

  it('tells of each change', () => {
    const engine = new FakeMediaEngine();
    const seen: string[] = [];
    const callee = open(engine, { onAgreed: ({ direction }) => seen.push(direction) });
    const caller = open(engine);
    agree(caller, callee);
    caller.setDirection('inactive');
    agree(caller, callee);
    expect(seen).toEqual(['sendrecv', 'inactive']);
  });

  it('frees the leg once and answers nothing afterwards', async () => {
    const engine = new FakeMediaEngine();
    const endpoint = open(engine);
    expect(await endpoint.close()).toBe(await endpoint.close());
    expect(engine.legs.size).toBe(0);
    for (const result of [
      endpoint.createOffer(),
      endpoint.acceptOffer(''),
      endpoint.acceptAnswer(''),
    ]) {
      expect(!result.ok && result.error.code).toBe('closed');
    }
  });

  it('passes on that the engine is full', () => {
    const engine = new FakeMediaEngine();
    engine.headroom = 0;
    const opened = openEndpoint({ engine, random, codecs: TELEPHONY_CODECS });
    expect(!opened.ok && opened.error.code).toBe('engine-full');
  });
});
