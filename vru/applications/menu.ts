import { z } from 'zod';
import { applicationName } from '../../signaling/conference/messages.ts';
import type { Application, CallContext, FlowEnd } from '../flow.ts';
import type { Phrase } from '../speech.ts';
import { collect } from '../steps/collect.ts';
import { say } from '../steps/say.ts';

const entry = z.union([
  z.strictObject({ dnis: z.string().min(1).max(64) }),
  z.strictObject({
    application: applicationName,
    settings: z.record(z.string(), z.unknown()).default({}),
  }),
]);

export const menuSettings = z.strictObject({
  prompts: z.array(z.string().min(1).max(200)).min(1).max(50).default(['menu-default']),
  /** One to four keys → where they lead. */
  choices: z
    .record(z.string().regex(/^[0-9*#]{1,4}$/), entry)
    .refine((choices) => Object.keys(choices).length > 0, 'a menu needs at least one choice'),
  /** How often the prompt is spoken before the caller is given up. */
  tries: z.number().int().min(1).max(10).default(3),
  firstDigitMs: z.number().int().min(500).max(60_000).default(6_000),
  interDigitMs: z.number().int().min(200).max(60_000).default(3_000),
});
type MenuSettings = z.infer<typeof menuSettings>;

/** Key → application or other number. */
export const menu: Application = async (context, row) => {
  const settings = menuSettings.parse(row);
  const prompt = settings.prompts.map((file): Phrase => ({ file }));
  let problem: readonly Phrase[] = [];
  for (let attempt = 0; attempt < settings.tries; attempt++) {
    await say(context, [...problem, ...prompt], { bargeIn: true });
    const pressed = await choose(context, settings);
    const chosen = pressed === undefined ? undefined : lookUp(settings, pressed);
    if (chosen !== undefined) return follow(context, chosen);
    context.digits.clear();
    problem = pressed === undefined ? ['no-input'] : ['menu-invalid'];
  }
  await say(context, [...problem, 'goodbye']);
  return { kind: 'hang-up', reason: 'no-choice' };
};

async function choose(context: CallContext, settings: MenuSettings): Promise<string | undefined> {
  const keys = Object.keys(settings.choices);
  const longest = Math.max(...keys.map((key) => key.length));
  // `#` may be a choice of its own, so no key ends the entry.
  const collected = await collect(context, {
    firstDigitMs: settings.firstDigitMs,
    interDigitMs: settings.interDigitMs,
    maxDigits: longest,
    endKey: 'D',
    isComplete: (digits) =>
      Promise.resolve(!keys.some((key) => key.length > digits.length && key.startsWith(digits))),
  });
  return collected.kind === 'silence' ? undefined : collected.digits;
}

function lookUp(settings: MenuSettings, pressed: string): z.infer<typeof entry> | undefined {
  return Object.hasOwn(settings.choices, pressed) ? settings.choices[pressed] : undefined;
}

function follow(context: CallContext, chosen: z.infer<typeof entry>): FlowEnd {
  if ('dnis' in chosen) return { kind: 'dnis', dnis: chosen.dnis };
  const { application, settings } = chosen;
  return { kind: 'application', choice: { application, settings, language: context.language } };
}
