/** Telephones behind a trunk: a user agent of ours that is called, and does what its number says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import type { Random } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Digit, MediaEngine } from '../../mixer/media.ts';
import { openEndpoint } from '../../signaling/media/endpoint.ts';
import { CODEC_CHOICES } from '../../signaling/sdp/codec-selection.ts';
import { createUserAgent } from '../../signaling/sip/ua.ts';
import type { ChallengeOptions } from '../../signaling/sip/ua-options.ts';
import { parseSipUri } from '../../signaling/sip/uri.ts';
import type { Session } from '../../signaling/sip/user-agent.ts';
import { readWav } from '../../vru/wav.ts';
import { type Audio, tone } from '../audio/signals.ts';

export interface FarEndParts {
  readonly engine: MediaEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** For recordings. */
  readonly folder: string;
}

/** What a number does. */
export interface Manner {
  /** Instead of an answer. */
  readonly status?: number;
  /** Plays before the answer, with 183. */
  readonly early?: boolean;
  /** From the INVITE; absent: rings for ever. */
  readonly answerAfterMs?: number;
  readonly toneHz?: number;
  readonly press?: { readonly key: Digit; readonly afterMs: number };
  readonly hangUpAfterMs?: number;
}

export interface FarCall {
  readonly number: string;
  readonly session: Session;
  readonly ended: Promise<{ readonly by: string; readonly audio: Audio | undefined }>;
}

export interface FarEnd {
  readonly calls: readonly FarCall[];
  stop(): Promise<void>;
}

export async function startFarEnd(
  parts: FarEndParts,
  port: number,
  manners: Readonly<Record<string, Manner>>,
  challenge?: ChallengeOptions,
): Promise<FarEnd> {
  const calls: FarCall[] = [];
  const agent = createUserAgent({
    ...parts,
    listen: { udp: { address: '127.0.0.1', port } },
    challenge,
    events: {
      onInvite: (session) => {
        const uri = parseSipUri(session.invite.uri);
        const number = uri.ok ? (uri.value.user ?? '') : '';
        calls.push({ number, session, ended: take(parts, session, manners[number], calls.length) });
      },
    },
  });
  const started = await agent.start();
  if (!started.ok) throw started.error;
  return { calls, stop: () => agent.stop() };
}

async function take(
  { engine, random, clock, folder }: FarEndParts,
  session: Session,
  manner: Manner | undefined,
  index: number,
): Promise<{ readonly by: string; readonly audio: Audio | undefined }> {
  let over: (by: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    over = resolve;
  });
  session.events = { onEnded: ({ by }) => over(by) };
  if (manner?.answerAfterMs === undefined) {
    const status = manner === undefined ? 404 : manner.status;
    if (status === undefined) session.ring();
    else session.reject(status);
    return { by: await ended, audio: undefined };
  }
  const opened = openEndpoint({ engine, random, codecs: [CODEC_CHOICES.PCMU] });
  if (!opened.ok) throw opened.error;
  const media = opened.value;
  const { toneHz, press, hangUpAfterMs, early } = manner;
  if (toneHz !== undefined) {
    const { samples, rateHz } = tone(toneHz, -20, 1_000, 8_000);
    const prompt = engine.addPrompt(`far-${index}`, samples, rateHz);
    if (prompt.ok) media.leg.play([prompt.value], { loop: true });
  }
  if (early === true) session.progress(media);
  else session.ring();
  await clock.sleep(manner.answerAfterMs);
  await session.accept(media);
  const path = join(folder, `far-${index}.wav`);
  const recording = await media.leg.record({ path });
  if (press !== undefined) clock.after(press.afterMs, () => media.leg.sendDigits([press.key]));
  if (hangUpAfterMs !== undefined) clock.after(hangUpAfterMs, () => void session.end());
  const by = await ended;
  if (recording.ok) await recording.value.stop();
  await media.close();
  const wav = readWav(readFileSync(path));
  return { by, audio: wav.ok ? wav.value : undefined };
}
