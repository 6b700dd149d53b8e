import { describe, expect, it } from 'vitest';
import { TELEPHONY_CODECS } from './codec-selection.ts';
import {
  AUDIO_LEVEL,
  agreedLevels,
  answeredExtensions,
  type HeaderExtension,
  LEVEL_EXTENSIONS,
  MIX_LEVELS,
} from './header-extensions.ts';
import { createNegotiation, createOffer, receiveAnswer, receiveOffer } from './offer-answer.ts';

const MEDIA = {
  address: '192.0.2.1',
  rtpPort: 40_000,
  codecs: TELEPHONY_CODECS,
  levels: true,
} as const;

const offer = (...extmaps: readonly string[]): string =>
  [
    'v=0',
    'o=peer 1 1 IN IP4 192.0.2.9',
    's=-',
    'c=IN IP4 192.0.2.9',
    't=0 0',
    'm=audio 5000 RTP/AVP 0',
    ...extmaps.map((text) => `a=extmap:${text}`),
    '',
  ].join('\r\n');

function answerTo(...extmaps: readonly string[]) {
  const result = receiveOffer(createNegotiation('1'), MEDIA, offer(...extmaps));
  if (!result.ok) throw result.error;
  return result.value;
}

const NONE = {
  audioLevelSendId: 0,
  audioLevelReceiveId: 0,
  mixLevelsSendId: 0,
  mixLevelsReceiveId: 0,
};

describe('header extensions', () => {
  it('answers with the numbers of the offer', () => {
    const { sdp, parameters } = answerTo(`7 ${AUDIO_LEVEL}`, `3 ${MIX_LEVELS}`, '4 urn:x:unknown');
    expect(sdp).toContain(`a=extmap:7 ${AUDIO_LEVEL}\r\n`);
    expect(sdp).toContain(`a=extmap:3 ${MIX_LEVELS}\r\n`);
    expect(sdp).not.toContain('unknown');
    expect(parameters.levels).toEqual({
      audioLevelSendId: 7,
      audioLevelReceiveId: 7,
      mixLevelsSendId: 3,
      mixLevelsReceiveId: 3,
    });
  });

  it('mirrors directions', () => {
    const { sdp, parameters } = answerTo(`1/sendonly ${AUDIO_LEVEL}`, `2/recvonly ${MIX_LEVELS}`);
    expect(sdp).toContain(`a=extmap:1/recvonly ${AUDIO_LEVEL}`);
    expect(sdp).toContain(`a=extmap:2/sendonly ${MIX_LEVELS}`);
    expect(parameters.levels).toEqual({ ...NONE, audioLevelReceiveId: 1, mixLevelsSendId: 2 });
  });

  it.each([
    ['a number beyond one byte', [`15 ${AUDIO_LEVEL}`]],
    ['number 0', [`0 ${AUDIO_LEVEL}`]],
    ['a number of the range for changes', [`4096 ${AUDIO_LEVEL}`]],
    ['nonsense', [`x ${AUDIO_LEVEL}`, '1', '']],
  ])('leaves out %s', (_, lines) => {
    expect(answerTo(...lines).parameters.levels).toEqual(NONE);
  });

  it('takes the first of two with one number or one name', () => {
    const twice: readonly HeaderExtension[] = [
      { id: 1, uri: AUDIO_LEVEL, direction: 'sendrecv' },
      { id: 1, uri: MIX_LEVELS, direction: 'sendrecv' },
      { id: 2, uri: AUDIO_LEVEL, direction: 'sendrecv' },
    ];
    expect(answeredExtensions(twice)).toEqual(twice.slice(0, 1));
  });

  it('believes an answer only about what was offered', () => {
    const first = createOffer(createNegotiation('1'), MEDIA);
    if (!first.ok) throw first.error;
    expect(first.value.sdp).toContain(`a=extmap:1 ${AUDIO_LEVEL}`);
    const answer = receiveAnswer(
      first.value.negotiation,
      offer(`1/recvonly ${AUDIO_LEVEL}`, `9 ${MIX_LEVELS}`),
    );
    if (!answer.ok) throw answer.error;
    expect(answer.value.parameters.levels).toEqual({ ...NONE, audioLevelSendId: 1 });
    expect(agreedLevels(LEVEL_EXTENSIONS, [])).toEqual(NONE);
  });

  it('says nothing where levels are not wanted', () => {
    const { levels: _, ...without } = MEDIA;
    const result = receiveOffer(createNegotiation('1'), without, offer(`1 ${AUDIO_LEVEL}`));
    if (!result.ok) throw result.error;
    expect(result.value.sdp).not.toContain('extmap');
    expect(result.value.parameters.levels).toBeUndefined();
  });
});
