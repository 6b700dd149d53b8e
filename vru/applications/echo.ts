import { z } from 'zod';
import type { Application } from '../flow.ts';
import { say } from '../steps/say.ts';

export const echoSettings = z.strictObject({
  /** A forgotten test call ends by itself. */
  maxMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
});

/** The caller hears himself until he hangs up or presses `#`. */
export const echo: Application = async (context, row) => {
  const settings = echoSettings.parse(row);
  const { clock } = context.parts;
  await say(context, ['echo-intro', 'beep'], { bargeIn: true });
  context.digits.clear();
  context.route({ kind: 'echo' });
  const untilMs = clock.nowMs() + settings.maxMs;
  for (;;) {
    const digit = await context.digits.next(context.signal, Math.max(0, untilMs - clock.nowMs()));
    if (digit === undefined || digit === '#') break;
  }
  context.route({ kind: 'idle' });
  await say(context, ['goodbye']);
  return { kind: 'hang-up', reason: 'finished' };
};
