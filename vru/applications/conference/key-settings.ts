/** Key maps as settings, of the VRU and of a DNIS row: a preset, another prefix key, keys of one's own. */
import { z } from 'zod';
import { fail, ok, type Result } from '../../../common/result.ts';
import { findCollision, KEYPAD_ACTIONS, type KeyMap } from './key-map.ts';
import { ALWAYS, CONSULT_MAPS, KEY_PRESETS, type KeyMaps, PRESET_MAPS } from './key-presets.ts';

const sequence = z.string().regex(/^[0-9*#A-D]{1,8}$/);
/** Over the preset; `none` takes a sequence away. */
const changes = z.record(sequence, z.enum([...KEYPAD_ACTIONS, 'none']));

export const keySettings = {
  keyMap: z.enum(KEY_PRESETS).optional(),
  /** In place of the star in all sequences of the preset; a star where it was used. */
  keyPrefix: z
    .string()
    .regex(/^[0-9*#A-D]$/)
    .optional(),
  /** Instead of the preset, for hosts and participants. */
  keys: z.record(sequence, z.enum(KEYPAD_ACTIONS)).optional(),
  hostKeys: changes.optional(),
  participantKeys: changes.optional(),
} as const;

const shape = z.object(keySettings);
export type KeySettings = z.infer<typeof shape>;

/** Error: the two sequences that cannot be told apart, by name. */
export function resolveKeys(settings: KeySettings): Result<KeyMaps, string> {
  const { keyMap = 'classic', keyPrefix = '*', keys } = settings;
  const preset = PRESET_MAPS[keyMap];
  const base = (map: KeyMap): KeyMap => keys ?? withPrefix(map, keyPrefix);
  const host = changed(base(preset.host), settings.hostKeys);
  const participant = changed(base(preset.participant), settings.participantKeys);
  for (const [role, map] of Object.entries({ host, participant })) {
    const clash = findCollision(Object.keys(map));
    if (clash === undefined) continue;
    const [short, long] = clash;
    return fail(
      `keys of the ${role}: ${short} (${map[short]}) is the beginning of ${long} (${map[long]}), so that the longer one could never be pressed`,
    );
  }
  const { calling, consult } = CONSULT_MAPS;
  const aside = {
    calling: withPrefix(calling, keyPrefix),
    consult: withPrefix(consult, keyPrefix),
  };
  return ok({ host, participant, ...aside });
}

/** For schemas: a map that cannot work is refused where it is read. */
export function refuseCollisions(settings: KeySettings, issues: z.RefinementCtx): void {
  const resolved = resolveKeys(settings);
  if (!resolved.ok) issues.addIssue({ code: 'custom', message: resolved.error });
}

function withPrefix(map: KeyMap, prefix: string): KeyMap {
  const swap = (key: string): string => (key === '*' ? prefix : key === prefix ? '*' : key);
  return Object.fromEntries(
    Object.entries(map).map(([keys, action]) => [[...keys].map(swap).join(''), action]),
  );
}

function changed(map: KeyMap, changes: KeySettings['hostKeys'] = {}): KeyMap {
  const result: Record<string, KeyMap[string]> = { ...map };
  for (const [keys, action] of Object.entries(changes)) {
    if (action === 'none') delete result[keys];
    else result[keys] = action;
  }
  return { ...result, ...ALWAYS };
}
