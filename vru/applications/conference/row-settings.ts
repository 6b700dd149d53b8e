import { z } from 'zod';
import type { ConferenceSettings } from '../../settings.ts';
import { KEYPAD_ACTIONS, type KeyMap } from './key-map.ts';

/** What a DNIS row may say otherwise than the VRU's own settings. */
export const conferenceRowSettings = z.strictObject({
  /** Files of the prompt pack instead of the welcome. */
  welcome: z.array(z.string().min(1)).max(20).optional(),
  announce: z.enum(['none', 'number', 'count', 'number-and-count']).optional(),
  keys: z.record(z.string().regex(/^[0-9*#A-D]{1,8}$/), z.enum(KEYPAD_ACTIONS)).optional(),
  noticeEveryMs: z.number().int().min(1_000).max(600_000).optional(),
});

export interface EffectiveSettings {
  readonly welcome: readonly string[] | undefined;
  readonly announce: ConferenceSettings['announce'];
  readonly keys: KeyMap;
  readonly noticeEveryMs: number;
}

/** The row over the VRU's settings. A bad row was reported at start; here its bad parts do not count. */
export function effectiveSettings(row: unknown, settings: ConferenceSettings): EffectiveSettings {
  const parsed = conferenceRowSettings.safeParse(row);
  const own = parsed.success ? parsed.data : {};
  return {
    welcome: own.welcome,
    announce: own.announce ?? settings.announce,
    keys: own.keys ?? settings.keys,
    noticeEveryMs: own.noticeEveryMs ?? settings.noticeEveryMs,
  };
}
