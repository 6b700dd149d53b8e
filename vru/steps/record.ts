import type { MediaError } from '../../common/errors.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Recording } from '../../mixer/media.ts';
import type { CallContext } from '../flow.ts';
import { Cancelled, innerScope, pause } from '../scope.ts';

export interface RecordOptions {
  readonly path: string;
  readonly maxDurationMs: number;
  /** Silence of this length ends the recording. */
  readonly silenceMs: number;
  readonly silenceDbov: number;
}

export interface Recorded {
  readonly durationMs: number;
  readonly endedBy: 'key' | 'silence' | 'length' | 'hangup';
}

/** How often the level is looked at. */
const LEVEL_PERIOD_MS = 500;

/**
 * Records the caller until `#`, silence, the greatest length or a hang-up; the file is complete when
 * this resolves. The only step that does not end with Cancelled: a hang-up is how messages end.
 */
export async function record(
  context: CallContext,
  options: RecordOptions,
): Promise<Result<Recorded, MediaError>> {
  const { path, maxDurationMs } = options;
  const started = await context.leg.record({ path, side: 'received', maxDurationMs });
  if (!started.ok) return started;
  const endedBy = await untilEnd(context, options);
  return await finish(started.value, endedBy);
}

async function finish(
  recording: Recording,
  endedBy: Recorded['endedBy'],
): Promise<Result<Recorded, MediaError>> {
  const stopped = await recording.stop();
  return stopped.ok ? ok({ durationMs: stopped.value.durationMs, endedBy }) : stopped;
}

async function untilEnd(
  context: CallContext,
  options: RecordOptions,
): Promise<Recorded['endedBy']> {
  const scope = innerScope(context.signal);
  const inScope = { ...context, signal: scope.signal };
  const ends = [
    endKey(inScope),
    silence(inScope, options),
    pause(context.parts.clock, scope.signal, options.maxDurationMs).then(() => 'length' as const),
  ];
  // The losers of the race end with the scope.
  for (const end of ends) end.catch(() => undefined);
  try {
    return await Promise.race(ends);
  } catch (error) {
    if (error instanceof Cancelled) return 'hangup';
    throw error;
  } finally {
    scope.cancel();
  }
}

async function endKey(context: CallContext): Promise<'key'> {
  for (;;) {
    if ((await context.digits.next(context.signal)) === '#') return 'key';
  }
}

async function silence(context: CallContext, options: RecordOptions): Promise<'silence'> {
  const { clock } = context.parts;
  let quietSinceMs = clock.nowMs();
  for (;;) {
    await pause(clock, context.signal, LEVEL_PERIOD_MS);
    const nowMs = clock.nowMs();
    if (context.leg.statistics().levelDbov > options.silenceDbov) quietSinceMs = nowMs;
    else if (nowMs - quietSinceMs >= options.silenceMs) return 'silence';
  }
}
