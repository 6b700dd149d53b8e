import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSdp, printSdp } from './sdp.ts';

const TYPICAL = [
  'v=0',
  'o=alice 18446744073709551615 18446744073709551616 IN IP4 host.example.com',
  's= ',
  'c=IN IP4 192.0.2.1',
  'b=AS:80',
  't=0 0',
  'a=sendonly',
  'm=audio 49170 RTP/AVP 0 96',
  'a=rtpmap:96 opus/48000/2',
  'a=fmtp:96 useinbandfec=1',
  'a=ptime:30',
  'a=maxptime:60',
  'a=rtcp:53020 IN IP4 192.0.2.1',
  'a=rtcp-mux',
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32',
  'a=extmap:3/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on',
  'a=recvonly',
  'm=video 0 RTP/AVP 31',
  '',
].join('\r\n');

describe('session descriptions', () => {
  it('reads what we use', () => {
    const parsed = parseSdp(TYPICAL);
    if (!parsed.ok) throw parsed.error;
    expect(parsed.value.origin).toMatchObject({
      sessionId: '18446744073709551615',
      sessionVersion: '18446744073709551616',
    });
    expect(parsed.value.media[0]).toEqual({
      type: 'audio',
      port: 49_170,
      protocol: 'RTP/AVP',
      formats: ['0', '96'],
      address: '192.0.2.1',
      direction: 'recvonly',
      rtpMaps: [{ payloadType: 96, encoding: 'opus', clockRateHz: 48_000, channels: 2 }],
      formatParameters: new Map([[96, 'useinbandfec=1']]),
      ptimeMs: 30,
      maxPtimeMs: 60,
      rtcpPort: 53_020,
      rtcpMux: true,
      crypto: [
        {
          tag: 1,
          suite: 'AES_CM_128_HMAC_SHA1_80',
          keyParameters: 'inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32',
          sessionParameters: undefined,
        },
      ],
      extensions: [
        { id: 3, uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', direction: 'sendonly' },
      ],
    });
    expect(parsed.value.media[1]).toMatchObject({ type: 'video', port: 0, direction: 'sendonly' });
  });

  it('takes bare line feeds', () => {
    expect(parseSdp(TYPICAL.replaceAll('\r\n', '\n')).ok).toBe(true);
  });

  it('printing and reading again gives the same', () => {
    const parsed = parseSdp(TYPICAL.replace('18446744073709551616', '7'));
    if (!parsed.ok) throw parsed.error;
    const again = parseSdp(printSdp(parsed.value));
    expect(again.ok && again.value.media[0]).toEqual(parsed.value.media[0]);
    expect(again.ok && again.value.origin).toEqual(parsed.value.origin);
  });

  it('never throws, whatever comes', () => {
    const line = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.constantFrom(...TYPICAL.split('\r\n')),
      fc.constantFrom('m=audio 1 RTP/AVP 0', 'm=', 'o=- - -', 'a=rtpmap:', 'c=IN IP4', 'a=fmtp:'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        const parsed = parseSdp(['v=0', ...lines].join('\r\n'));
        if (parsed.ok) printSdp(parsed.value);
      }),
      { numRuns: 500 },
    );
  });
});
