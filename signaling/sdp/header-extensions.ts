/**
 * RTP header extensions of one stream: which we know, and how `a=extmap` settles them (RFC 8285
 * sections 5 and 6). A number means the same extension both ways. Pure.
 */
import type { Direction, LevelExtensions } from '../../mixer/media.ts';

/** `a=extmap`. */
export interface HeaderExtension {
  readonly id: number;
  readonly uri: string;
  readonly direction: Direction;
}

/** RFC 6464: level of the sender's audio. */
export const AUDIO_LEVEL = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';
/** RFC 6465: levels of the contributors, in the order of the CSRC list. */
export const MIX_LEVELS = 'urn:ietf:params:rtp-hdrext:csrc-audio-level';

/** RFC 8285 section 4.2: what one-byte elements can carry. */
const LAST_ID = 14;

/** What we offer. */
export const LEVEL_EXTENSIONS: readonly HeaderExtension[] = [
  { id: 1, uri: AUDIO_LEVEL, direction: 'sendrecv' },
  { id: 2, uri: MIX_LEVELS, direction: 'sendrecv' },
];

const sends = (direction: Direction): boolean =>
  direction === 'sendrecv' || direction === 'sendonly';
const receives = (direction: Direction): boolean =>
  direction === 'sendrecv' || direction === 'recvonly';

const MIRRORED: Readonly<Record<Direction, Direction>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

const usable = (extension: HeaderExtension): boolean =>
  (extension.uri === AUDIO_LEVEL || extension.uri === MIX_LEVELS) &&
  extension.id >= 1 &&
  extension.id <= LAST_ID;

/** Those of the offer that we know, with its numbers; an extension or number named twice counts once. */
export function answeredExtensions(
  offered: readonly HeaderExtension[],
): readonly HeaderExtension[] {
  const known = offered.filter(usable);
  return known
    .filter(
      ({ id, uri }, index) =>
        known.findIndex((other) => other.id === id) === index &&
        known.findIndex((other) => other.uri === uri) === index,
    )
    .map((extension) => ({ ...extension, direction: MIRRORED[extension.direction] }));
}

/** `ours` in our description, `theirs` in the peer's: what both have under one number. */
export function agreedLevels(
  ours: readonly HeaderExtension[],
  theirs: readonly HeaderExtension[],
): LevelExtensions {
  const agreed = (uri: string, way: 'send' | 'receive'): number => {
    const own = ours.find((extension) => extension.uri === uri && usable(extension));
    const peer = theirs.find((extension) => extension.uri === uri && extension.id === own?.id);
    if (own === undefined || peer === undefined) return 0;
    const both =
      way === 'send'
        ? sends(own.direction) && receives(peer.direction)
        : receives(own.direction) && sends(peer.direction);
    return both ? own.id : 0;
  };
  return {
    audioLevelSendId: agreed(AUDIO_LEVEL, 'send'),
    audioLevelReceiveId: agreed(AUDIO_LEVEL, 'receive'),
    mixLevelsSendId: agreed(MIX_LEVELS, 'send'),
    mixLevelsReceiveId: agreed(MIX_LEVELS, 'receive'),
  };
}
