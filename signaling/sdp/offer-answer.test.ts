import { describe, expect, it } from 'vitest';
import type { Direction, MediaParameters } from '../../mixer/media.ts';
import { CODEC_CHOICES, TELEPHONY_CODECS } from './codec-selection.ts';
import {
  createNegotiation,
  createOffer,
  type LocalMedia,
  type Negotiation,
  receiveAnswer,
  receiveOffer,
  rollBack,
} from './offer-answer.ts';
import { parseSdp } from './sdp.ts';

const MEDIA: LocalMedia = { address: '192.0.2.1', rtpPort: 40_000, codecs: TELEPHONY_CODECS };
const WIDE: LocalMedia = {
  ...MEDIA,
  codecs: [CODEC_CHOICES.opus, CODEC_CHOICES.G722, CODEC_CHOICES.PCMU, CODEC_CHOICES.PCMA],
};

function sdp(...lines: readonly string[]): string {
  return [
    'v=0',
    'o=peer 123456789012345678901 1 IN IP4 192.0.2.9',
    's=-',
    'c=IN IP4 192.0.2.9',
    't=0 0',
    ...lines,
    '',
  ].join('\r\n');
}

const PCMU_OFFER = sdp('m=audio 5000 RTP/AVP 0');
const fresh = (): Negotiation => createNegotiation('77');

function answered(
  offer: string,
  media: LocalMedia = MEDIA,
  negotiation = fresh(),
): { negotiation: Negotiation; sdp: string; parameters: MediaParameters } {
  const result = receiveOffer(negotiation, media, offer);
  if (!result.ok) throw result.error;
  return result.value;
}

function offered(
  media: LocalMedia = MEDIA,
  negotiation = fresh(),
  purpose: 'full' | 'refresh' = 'full',
): { negotiation: Negotiation; sdp: string } {
  const result = createOffer(negotiation, media, purpose);
  if (!result.ok) throw result.error;
  return result.value;
}

function section(text: string, index = 0) {
  const parsed = parseSdp(text);
  if (!parsed.ok) throw parsed.error;
  const media = parsed.value.media[index];
  if (media === undefined) throw new Error(`no m= line ${index}`);
  return media;
}

const version = (text: string): string => /^o=- 77 (\d+) /m.exec(text)?.[1] ?? '';

describe('direction (RFC 3264 section 6.1), R47', () => {
  const ALL: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];
  const ANSWERS: Record<Direction, readonly Direction[]> = {
    // offered: answer when we want sendrecv, sendonly, recvonly, inactive
    sendrecv: ['sendrecv', 'sendonly', 'recvonly', 'inactive'],
    sendonly: ['recvonly', 'inactive', 'recvonly', 'inactive'],
    recvonly: ['sendonly', 'sendonly', 'inactive', 'inactive'],
    inactive: ['inactive', 'inactive', 'inactive', 'inactive'],
  };
  for (const offer of ALL) {
    ALL.forEach((wanted, index) => {
      it(`offered ${offer}, wanted ${wanted}`, () => {
        const result = answered(sdp('m=audio 5000 RTP/AVP 0', `a=${offer}`), {
          ...MEDIA,
          direction: wanted,
        });
        expect(section(result.sdp).direction).toBe(ANSWERS[offer][index]);
        expect(result.parameters.direction).toBe(ANSWERS[offer][index]);
      });
    });
  }

  it('takes the direction of the session level', () => {
    expect(answered(sdp('a=sendonly', 'm=audio 5000 RTP/AVP 0')).parameters.direction).toBe(
      'recvonly',
    );
  });

  it('treats c=0.0.0.0 as a hold (section 8.4)', () => {
    const result = answered(sdp('m=audio 5000 RTP/AVP 0', 'c=IN IP4 0.0.0.0'));
    expect(result.parameters).toMatchObject({ remote: null, direction: 'recvonly' });
    expect(section(result.sdp).direction).toBe('recvonly');
  });

  it.each([
    ['sendrecv', 'sendrecv', 'sendrecv'],
    ['sendrecv', 'recvonly', 'sendonly'],
    ['sendrecv', 'sendonly', 'recvonly'],
    ['sendonly', 'recvonly', 'sendonly'],
    ['sendonly', 'sendrecv', 'sendonly'],
    ['recvonly', 'sendonly', 'recvonly'],
    ['sendrecv', 'inactive', 'inactive'],
    ['inactive', 'inactive', 'inactive'],
  ] as const)('we offer %s, the answer is %s: %s', (ours, theirs, agreed) => {
    const offer = offered({ ...MEDIA, direction: ours });
    const result = receiveAnswer(offer.negotiation, sdp('m=audio 5000 RTP/AVP 0', `a=${theirs}`));
    expect(result.ok && result.value.parameters.direction).toBe(agreed);
  });

  it('hold and resume by the peer', () => {
    const first = answered(PCMU_OFFER);
    const held = answered(sdp('m=audio 5000 RTP/AVP 0', 'a=sendonly'), MEDIA, first.negotiation);
    expect(held.parameters.direction).toBe('recvonly');
    const resumed = answered(PCMU_OFFER, MEDIA, held.negotiation);
    expect(resumed.parameters.direction).toBe('sendrecv');
    expect([first, held, resumed].map((one) => version(one.sdp))).toEqual(['1', '2', '3']);
  });
});

describe('codecs', () => {
  it('answers static numbers without rtpmap, in the order of the offer', () => {
    const result = answered(
      sdp('m=audio 5000 RTP/AVP 18 8 0 101', 'a=rtpmap:101 telephone-event/8000'),
    );
    expect(section(result.sdp).formats).toEqual(['8', '0', '101']);
    expect(result.parameters.send).toMatchObject({ name: 'PCMA', payloadType: 8 });
    expect(result.parameters.telephoneEvent).toEqual({
      sendPayloadType: 101,
      receivePayloadTypes: [101],
    });
    expect(section(result.sdp).formatParameters.get(101)).toBe('0-15');
  });

  it('can prefer its own order', () => {
    const result = answered(sdp('m=audio 5000 RTP/AVP 8 0'), { ...MEDIA, order: 'own' });
    expect(section(result.sdp).formats).toEqual(['0', '8']);
    expect(result.parameters.send.name).toBe('PCMU');
  });

  it('keeps the dynamic numbers and the clock of the digits of the peer', () => {
    const result = answered(
      sdp(
        'm=audio 5000 RTP/AVP 111 9 110 126',
        'a=rtpmap:111 OPUS/48000/2',
        'a=fmtp:111 minptime=10;useinbandfec=1',
        'a=rtpmap:110 telephone-event/48000',
        'a=rtpmap:126 telephone-event/8000',
      ),
      WIDE,
    );
    expect(section(result.sdp).formats).toEqual(['111', '9', '110', '126']);
    expect(result.parameters.send).toEqual({
      name: 'opus',
      payloadType: 111,
      clockRateHz: 48_000,
      channels: 2,
      formatParameters: 'minptime=10;useinbandfec=1',
    });
    expect(result.parameters.telephoneEvent).toEqual({
      sendPayloadType: 110,
      receivePayloadTypes: [110, 126],
    });
  });

  it('opus with digits at 8000 Hz only: better than none', () => {
    const result = answered(
      sdp(
        'm=audio 5000 RTP/AVP 96 97',
        'a=rtpmap:96 opus/48000/2',
        'a=rtpmap:97 telephone-event/8000',
      ),
      WIDE,
    );
    expect(result.parameters.telephoneEvent?.sendPayloadType).toBe(97);
  });

  it('an rtpmap overrides a static number', () => {
    const result = answered(sdp('m=audio 5000 RTP/AVP 0', 'a=rtpmap:0 PCMA/8000'));
    expect(result.parameters.send).toMatchObject({ name: 'PCMA', payloadType: 0 });
  });

  it('offers one telephone-event for each clock, numbers without clashes', () => {
    const { formats, rtpMaps } = section(offered(WIDE).sdp);
    expect(new Set(formats).size).toBe(formats.length);
    const events = rtpMaps.filter((map) => map.encoding === 'telephone-event');
    expect(events.map((map) => map.clockRateHz)).toEqual([48_000, 8_000]);
    expect(events[1]?.payloadType).toBe(101);
  });

  it('asymmetric numbers: sends with theirs, receives ours (and, unambiguous, theirs)', () => {
    const offer = offered(WIDE);
    const opus = section(offer.sdp).rtpMaps.find((map) => map.encoding === 'opus')?.payloadType;
    const result = receiveAnswer(
      offer.negotiation,
      sdp(
        'm=audio 5000 RTP/AVP 120 121',
        'a=rtpmap:120 opus/48000/2',
        'a=rtpmap:121 telephone-event/48000',
      ),
    );
    if (!result.ok) throw result.error;
    expect(result.value.parameters.send.payloadType).toBe(120);
    expect(result.value.parameters.receive.map((codec) => codec.payloadType)).toEqual([opus, 120]);
    expect(result.value.parameters.telephoneEvent?.sendPayloadType).toBe(121);
  });

  it('comfort noise only where both want it', () => {
    const offer = sdp('m=audio 5000 RTP/AVP 0 13');
    expect(answered(offer).parameters.comfortNoisePayloadType).toBeNull();
    const both = answered(offer, { ...MEDIA, comfortNoise: 'answer' });
    expect(both.parameters.comfortNoisePayloadType).toBe(13);
    expect(section(both.sdp).formats).toEqual(['0', '13']);
  });

  it('no digits without telephone-event', () => {
    expect(answered(PCMU_OFFER).parameters.telephoneEvent).toBeNull();
  });

  it.each([
    ['a=ptime:20', 20],
    ['a=ptime:30', 30],
    ['a=ptime:10', 10],
    ['a=ptime:25', 20],
    ['a=ptime:200', 60],
    ['a=maxptime:10', 10],
    ['a=ptime:5', 10],
    ['a=x-nothing', 20],
  ])('%s: packets of %i ms', (line, ptimeMs) => {
    expect(answered(sdp('m=audio 5000 RTP/AVP 0', line)).parameters.ptimeMs).toBe(ptimeMs);
  });

  it('opus has no packets of 30 ms', () => {
    const result = answered(
      sdp('m=audio 5000 RTP/AVP 96', 'a=rtpmap:96 opus/48000/2', 'a=ptime:30'),
      WIDE,
    );
    expect(result.parameters.ptimeMs).toBe(20);
  });
});

describe('several streams and addresses', () => {
  it('refuses what is not audio with port 0, in place', () => {
    const result = answered(
      sdp(
        'm=video 6000 RTP/AVP 96',
        'a=rtpmap:96 H264/90000',
        'm=audio 5000 RTP/AVP 0',
        'c=IN IP4 192.0.2.10',
        'm=audio 5002 RTP/AVP 0',
        'm=application 7000 UDP/BFCP *',
      ),
    );
    const parsed = parseSdp(result.sdp);
    expect(parsed.ok && parsed.value.media.map((one) => [one.type, one.port])).toEqual([
      ['video', 0],
      ['audio', 40_000],
      ['audio', 0],
      ['application', 0],
    ]);
    expect(result.parameters.remote).toEqual({ address: '192.0.2.10', port: 5_000 });
  });

  it('takes the plain stream beside a secured one', () => {
    const result = answered(
      sdp(
        'm=audio 5000 RTP/SAVP 0',
        'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc',
        'm=audio 5002 RTP/AVP 0',
      ),
    );
    expect(section(result.sdp, 0).port).toBe(0);
    expect(section(result.sdp, 1).port).toBe(40_000);
  });

  it('IPv6, a=rtcp and several ports', () => {
    const result = answered(sdp('m=audio 5000/2 RTP/AVP 0', 'c=IN IP6 2001:db8::1', 'a=rtcp:5099'));
    expect(result.parameters).toMatchObject({
      remote: { address: '2001:db8::1', port: 5_000 },
      remoteRtcpPort: 5_099,
    });
  });

  it('a re-offer may move the address and the codec, and keeps the slot', () => {
    const first = answered(sdp('m=video 1 RTP/AVP 31', 'm=audio 5000 RTP/AVP 0'));
    const second = answered(
      sdp('m=video 0 RTP/AVP 31', 'm=audio 6000 RTP/AVP 8', 'c=IN IP4 192.0.2.44'),
      MEDIA,
      first.negotiation,
    );
    expect(second.parameters).toMatchObject({
      remote: { address: '192.0.2.44', port: 6_000 },
      send: { name: 'PCMA' },
    });
    const own = offered(MEDIA, second.negotiation);
    const parsed = parseSdp(own.sdp);
    expect(parsed.ok && parsed.value.media.map((one) => one.port)).toEqual([0, 40_000]);
  });

  it('a stream stopped in a re-offer leaves the session without audio', () => {
    const first = answered(PCMU_OFFER);
    const second = answered(sdp('m=audio 0 RTP/AVP 0'), MEDIA, first.negotiation);
    expect(section(second.sdp).port).toBe(0);
    expect(second.parameters).toMatchObject({ remote: null, direction: 'inactive' });
    expect(answered(PCMU_OFFER, MEDIA, second.negotiation).parameters.direction).toBe('sendrecv');
  });
});

describe('phases', () => {
  it('version goes up only when the text changes', () => {
    const first = answered(PCMU_OFFER);
    const same = answered(PCMU_OFFER, MEDIA, first.negotiation);
    expect(same.sdp).toBe(first.sdp);
    const refresh = offered(MEDIA, same.negotiation, 'refresh');
    expect(refresh.sdp).toBe(first.sdp);
    const full = offered(MEDIA, same.negotiation);
    expect(version(full.sdp)).toBe('2');
  });

  it('a refused offer is rolled back, and its version is not used again', () => {
    const first = answered(PCMU_OFFER);
    const hold = offered({ ...MEDIA, direction: 'sendonly' }, first.negotiation);
    expect(version(hold.sdp)).toBe('2');
    const back = rollBack(hold.negotiation);
    expect(back.phase).toBe('stable');
    expect(back.agreement?.parameters).toEqual(first.parameters);
    expect(version(offered(MEDIA, back, 'refresh').sdp)).toBe('3');
  });

  it('a re-offer keeps payload types', () => {
    const first = answered(sdp('m=audio 5000 RTP/AVP 100', 'a=rtpmap:100 opus/48000/2'), WIDE);
    const maps = section(offered(WIDE, first.negotiation).sdp).rtpMaps;
    expect(maps[0]).toMatchObject({ encoding: 'opus', payloadType: 100 });
    expect(maps.filter((map) => map.payloadType === 100)).toHaveLength(1);
  });

  it('every phase and event', () => {
    const idle = fresh();
    const local = offered().negotiation;
    const stable = answered(PCMU_OFFER).negotiation;
    const ours = receiveAnswer(local, PCMU_OFFER);
    if (!ours.ok) throw ours.error;
    const stableOurs = ours.value.negotiation;
    const outcome = (
      result:
        | { ok: true; value: { negotiation: Negotiation } }
        | { ok: false; error: { code: string } },
    ): string => (result.ok ? result.value.negotiation.phase : result.error.code);
    const row = (negotiation: Negotiation): readonly string[] => [
      outcome(createOffer(negotiation, MEDIA)),
      outcome(receiveOffer(negotiation, MEDIA, PCMU_OFFER)),
      outcome(receiveAnswer(negotiation, PCMU_OFFER)),
      rollBack(negotiation).phase,
    ];
    expect(row(idle)).toEqual(['offered', 'stable', 'conflict', 'idle']);
    expect(row(local)).toEqual(['conflict', 'conflict', 'stable', 'idle']);
    expect(row(stable)).toEqual(['offered', 'stable', 'conflict', 'stable']);
    expect(row(stableOurs)).toEqual(['offered', 'stable', 'stable', 'stable']);
  });

  it.each([
    ['no-common-codec', sdp('m=audio 5000 RTP/AVP 18')],
    ['no-common-codec', sdp('m=audio 5000 RTP/SAVP 0')],
    ['no-description', sdp('m=video 5000 RTP/AVP 31')],
    ['no-description', sdp()],
    ['no-description', sdp('m=audio 0 RTP/AVP 0')],
    ['bad-description', sdp('m=audio 5000 RTP/AVP 0', 'c=IN IP4 phone.example.com')],
    ['bad-description', 'hello'],
    ['bad-description', ''],
    ['bad-description', sdp('m=audio 70000 RTP/AVP 0')],
    ['bad-description', sdp('m=audio -1 RTP/AVP 0')],
    ['bad-description', `v=0\r\n${'a=x\r\n'.repeat(1_000)}`],
    ['bad-description', `v=0\r\na=${'x'.repeat(20_000)}\r\n`],
  ])('a bad offer is %s and changes nothing', (code, offer) => {
    const result = receiveOffer(fresh(), MEDIA, offer);
    expect(result.ok ? 'taken' : result.error.code).toBe(code);
  });

  it.each([
    ['no-common-codec', sdp('m=audio 0 RTP/AVP 0')],
    ['no-common-codec', sdp('m=audio 5000 RTP/AVP 18')],
    ['bad-description', sdp('m=video 5000 RTP/AVP 0')],
    ['bad-description', sdp()],
    ['bad-description', 'x'],
  ])('a bad answer is %s', (code, answer) => {
    const result = receiveAnswer(offered().negotiation, answer);
    expect(result.ok ? 'taken' : result.error.code).toBe(code);
  });
});
