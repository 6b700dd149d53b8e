import { z } from 'zod';
import type { Application } from '../flow.ts';
import type { Phrase } from '../speech.ts';
import { say } from '../steps/say.ts';

export const announcementSettings = z.strictObject({
  /** Files of the prompt pack, spoken in order. */
  prompts: z.array(z.string().min(1).max(200)).min(1).max(50).default(['announcement-default']),
  times: z.number().int().min(1).max(100).default(1),
});

/** Speaks, then hangs up. */
export const announcement: Application = async (context, row) => {
  const settings = announcementSettings.parse(row);
  const phrases = settings.prompts.map((file): Phrase => ({ file }));
  for (let time = 0; time < settings.times; time++) {
    await say(context, time === 0 ? phrases : ['silence', ...phrases]);
  }
  return { kind: 'hang-up', reason: 'finished' };
};
