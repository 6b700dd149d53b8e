/** Asks a caller for the name, lets it be heard and said again (R21). */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomToken } from '../../common/ids.ts';
import { MAX_NAME_MS, type RecordedName } from '../../signaling/conference/recorded-names.ts';
import type { CallContext } from '../flow.ts';
import { Cancelled, within } from '../scope.ts';
import { readWav } from '../wav.ts';
import { record } from './record.ts';
import { say } from './say.ts';
import { asName } from './spoken-name.ts';

/** After these the caller comes in without a name. */
const TRIES = 3;
/** A name is over after it; more would be heard as hesitation. */
const SILENCE_MS = 2_000;
const SILENCE_DBOV = -45;

/** Undefined: nothing was said, or it could not be recorded; nobody is kept out for that. */
export async function askName(context: CallContext): Promise<RecordedName | undefined> {
  const { settings, metrics, speech } = context.parts;
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    await say(context, ['say-your-name', 'beep']);
    context.digits.clear();
    const name = await recordOnce(context);
    if (name === undefined) {
      if (attempt < TRIES) await say(context, ['no-input']);
      continue;
    }
    context.digits.clear();
    const prompt = speech.add('own name', name);
    try {
      const own = prompt === undefined ? [] : [{ prompt }];
      await say(context, ['your-name-is', ...own, 'press-to-accept-name'], { bargeIn: true });
    } finally {
      if (prompt !== undefined) speech.release(prompt);
    }
    const key = await context.digits.next(context.signal, settings.entry.firstDigitMs);
    if (key !== '2') {
      metrics.names.add(1, { outcome: 'recorded' });
      return name;
    }
  }
  metrics.names.add(1, { outcome: 'none' });
  return undefined;
}

async function recordOnce(context: CallContext): Promise<RecordedName | undefined> {
  const { settings, random } = context.parts;
  const path = join(settings.nameFolder, `name-${randomToken(random, 12)}.wav`);
  try {
    await mkdir(settings.nameFolder, { recursive: true, mode: 0o700 });
    const recorded = await record(context, {
      path,
      maxDurationMs: MAX_NAME_MS,
      silenceMs: SILENCE_MS,
      silenceDbov: SILENCE_DBOV,
    });
    if (context.signal.aborted) throw new Cancelled();
    if (!recorded.ok) throw recorded.error;
    const wav = readWav(await within(context.signal, readFile(path)));
    if (!wav.ok) throw wav.error;
    return asName(wav.value);
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    context.log.warn({ err: error }, 'a name could not be recorded');
    return undefined;
  } finally {
    await rm(path, { force: true });
  }
}
