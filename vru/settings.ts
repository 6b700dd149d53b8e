import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../common/config.ts';
import { keySettings, refuseCollisions } from './applications/conference/key-settings.ts';

/** A bound that nobody reaches in normal work; reaching it has a defined answer where it is used. */
const milliseconds = (fallback: number, minimum = 0) =>
  z.number().int().min(minimum).max(86_400_000).default(fallback);

/** How codes are collected (R1, R2). */
const entry = z.strictObject({
  /** From the end of the prompt to the first digit. */
  firstDigitMs: milliseconds(8_000, 500),
  /** Between two digits; what was entered so far counts. */
  interDigitMs: milliseconds(4_000, 200),
  /** Codes that may be wrong before the call ends. */
  tries: z.number().int().min(1).max(10).default(3),
  /** Silences that may pass before the call ends; counted apart from wrong codes. */
  silences: z.number().int().min(1).max(10).default(2),
  /** Longer entries are cut off and are wrong. */
  maxDigits: z.number().int().min(1).max(32).default(20),
});

/** What happens to a caller between the code and the end. */
const conferenceFields = z.strictObject({
  /** Said once the caller is in. */
  announce: z.enum(['none', 'number', 'count', 'number-and-count']).default('number-and-count'),
  /** Waiting callers hear music, and a notice this often (R9). */
  noticeEveryMs: milliseconds(30_000, 1_000),
  /** Key sequences in the conference, where the DNIS row has none of its own. */
  ...keySettings,
  /** Between two keys of one sequence. */
  keyPauseMs: milliseconds(3_000, 200),
  /** An unanswered question, such as "press one to end", is a no after this. */
  confirmMs: milliseconds(6_000, 500),
  /** Without a key for so long the private roster is closed. */
  rosterMs: milliseconds(30_000, 1_000),
});
const conference = conferenceFields.superRefine(refuseCollisions);

/** The leg between this VRU and a mixer. */
const mixerLink = z.strictObject({
  /** RTP of a mixer never pauses, so a short silence means that it is gone (R13, design section 6). */
  silenceMs: milliseconds(400, 100),
  /** INVITE to 200. */
  answerMs: milliseconds(3_000, 100),
  /** 200 to the first RTP packet; after it the new leg is used all the same. */
  firstPacketMs: milliseconds(300, 20),
  /** Pauses before each try to get back in after a loss; one try more than there are entries is not made. */
  retryMs: z
    .array(z.number().int().min(0).max(60_000))
    .min(1)
    .max(20)
    .default([0, 150, 300, 500, 1_000, 2_000, 3_000, 5_000]),
  /** A BYE of the mixer may overtake the command that explains it. */
  explanationMs: milliseconds(400),
});

const voicemail = z.strictObject({
  /** Below it one folder per mailbox; absent: this VRU takes no messages. */
  folder: z.string().min(1).optional(),
  maxMessageMs: milliseconds(180_000, 1_000),
  /** Shorter recordings are thrown away. */
  minMessageMs: milliseconds(1_000),
  /** Silence that ends a message. */
  silenceMs: milliseconds(8_000, 1_000),
  silenceDbov: z.number().min(-127).max(0).default(-50),
  maxMessages: z.number().int().min(1).max(10_000).default(100),
  maxMailboxBytes: z.number().int().min(1_000_000).default(200_000_000),
});

/** What somebody whom we call hears before he is in a conference. */
const invitation = z.strictObject({
  /** Instead of the prompt that comes with the program. */
  files: z.array(z.string().min(1)).max(20).optional(),
  /** How often it is said to somebody who presses nothing. */
  tries: z.number().int().min(1).max(5).default(2),
  keyMs: milliseconds(8_000, 500),
});

export const vruSettings = z.strictObject({
  entry: entry.prefault({}),
  conference: conference.prefault({}),
  mixerLink: mixerLink.prefault({}),
  voicemail: voicemail.prefault({}),
  /** Where names are while they are being recorded; then they go to the store. */
  nameFolder: z.string().min(1).default(join(tmpdir(), 'minusone-names')),
  invitation: invitation.prefault({}),
  /** From the answer to the first word: telephones and gateways open their ears late. Keys count from the start. */
  settleMs: milliseconds(200),
  /** RTP and RTCP of the caller both missing for this long end the call; 0 never. */
  callerSilenceMs: milliseconds(120_000),
  /** Listen for tones in the audio until RFC 4733 digits were seen. */
  inbandDigits: z.boolean().default(true),
  /** Two sources that report one digit within this time report one key press. */
  sameDigitMs: milliseconds(1_200),
  retryAfterS: z.number().int().min(1).max(3_600).default(5),
  /** Bound of the call table. What the engine can carry is measured (R45) and reached long before. */
  maxCalls: z.number().int().min(1).max(100_000).default(20_000),
  /** What a flow may take to clean up after a hang-up before its legs are closed under it. */
  cleanUpMs: milliseconds(5_000, 100),
});

export type VruSettings = z.infer<typeof vruSettings>;
export type EntrySettings = VruSettings['entry'];
export type ConferenceSettings = VruSettings['conference'];
export type MixerLinkSettings = VruSettings['mixerLink'];
export type VoicemailSettings = VruSettings['voicemail'];

/** The program's configuration as the VRU's settings; what it does not name has its default. */
export function vruSettingsOf(
  config: Pick<Config, 'vru' | 'media' | 'dataDirectory' | 'outdial'>,
): VruSettings {
  const { vru, media, dataDirectory, outdial } = config;
  return vruSettings.parse({
    entry: {
      firstDigitMs: vru.firstDigitTimeoutMs,
      interDigitMs: vru.interDigitTimeoutMs,
      tries: vru.codeTries,
    },
    conference: { noticeEveryMs: vru.waitingNoticeMs },
    voicemail: { folder: join(dataDirectory, 'voicemail') },
    nameFolder: join(dataDirectory, 'names'),
    invitation: {
      ...(outdial.greeting === undefined ? {} : { files: [...outdial.greeting] }),
      tries: outdial.confirmTries,
      keyMs: outdial.confirmMs,
    },
    settleMs: vru.settleMs,
    callerSilenceMs: media.silenceTimeoutMs,
  });
}
