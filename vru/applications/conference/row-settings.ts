import { z } from 'zod';
import type { ConferenceSettings } from '../../settings.ts';
import { CONSULT_MAPS, type KeyMaps, PRESET_MAPS } from './key-presets.ts';
import { type KeySettings, keySettings, refuseCollisions, resolveKeys } from './key-settings.ts';

/** What a DNIS row may say otherwise than the VRU's own settings. */
export const conferenceRowSettings = z
  .strictObject({
    /** Files of the prompt pack instead of the welcome. */
    welcome: z.array(z.string().min(1)).max(20).optional(),
    announce: z.enum(['none', 'number', 'count', 'number-and-count']).optional(),
    ...keySettings,
    /** Between two keys of one sequence. */
    keyPauseMs: z.number().int().min(200).max(60_000).optional(),
    noticeEveryMs: z.number().int().min(1_000).max(600_000).optional(),
  })
  .superRefine(refuseCollisions);

export interface EffectiveSettings {
  readonly welcome: readonly string[] | undefined;
  readonly announce: ConferenceSettings['announce'];
  readonly keys: KeyMaps;
  readonly keyPauseMs: number;
  readonly noticeEveryMs: number;
}

/** The row over the VRU's settings. A bad row was reported at start; here its bad parts do not count. */
export function effectiveSettings(row: unknown, settings: ConferenceSettings): EffectiveSettings {
  const parsed = conferenceRowSettings.safeParse(row);
  const own = parsed.success ? parsed.data : {};
  return {
    welcome: own.welcome,
    announce: own.announce ?? settings.announce,
    keys: keysOf(own, settings),
    keyPauseMs: own.keyPauseMs ?? settings.keyPauseMs,
    noticeEveryMs: own.noticeEveryMs ?? settings.noticeEveryMs,
  };
}

/** A row that names a map of its own does not want parts of another. */
function keysOf(row: KeySettings, settings: KeySettings): KeyMaps {
  const own = Object.keys(keySettings).some((key) => Object.hasOwn(row, key));
  const resolved = resolveKeys(own ? row : settings);
  return resolved.ok ? resolved.value : { ...PRESET_MAPS.classic, ...CONSULT_MAPS };
}
