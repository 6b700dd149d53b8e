/** The key maps that come with the program; docs/keypad.md is checked against them. */
import type { KeyMap } from './key-map.ts';

export const KEY_PRESETS = ['classic', 'zoom', 'teams', 'confbridge'] as const;
export type KeyPreset = (typeof KEY_PRESETS)[number];

/** What a role can press. A participant who presses a host's key is told so. */
export interface RoleMaps {
  readonly host: KeyMap;
  readonly participant: KeyMap;
}

/** What a host can press while somebody is called, and while talking with the called person alone. */
export interface ConsultMaps {
  readonly calling: KeyMap;
  readonly consult: KeyMap;
}

export type KeyMaps = RoleMaps & ConsultMaps;

export const CONSULT_MAPS: ConsultMaps = {
  calling: { '*': 'drop-called' },
  consult: { '*2': 'bring-in', '*3': 'drop-called' },
};

/** One key that everybody knows from every service; it mutes in every map. */
export const ALWAYS: KeyMap = { '*6': 'mute-self' };

const CLASSIC: KeyMap = {
  '*6': 'mute-self',
  '*#': 'count',
  '*4': 'help',
  '**': 'leave',
  '*0': 'operator',
  '*3': 'sub-conference',
  '*1': 'dial',
  '*7': 'lock',
  '*5': 'mode',
  '*8': 'roll-call',
  '*2': 'record',
  '#5': 'mute-all',
  '#1': 'mute-one',
  '#9': 'delete-one',
  '##': 'end',
};

const ZOOM: KeyMap = {
  '*6': 'mute-self',
  '*#': 'count',
  '*1': 'help',
  '**': 'leave',
  '*5': 'lock',
  '99': 'mute-all',
  '*8': 'roll-call',
  '*7': 'record',
  '*4': 'end',
};

const TEAMS: KeyMap = {
  '*6': 'mute-self',
  '*1': 'help',
  '**': 'leave',
  '*3': 'roll-call',
  '*4': 'mute-all',
  '*7': 'lock',
  '##': 'end',
};

/** As the sample menus of the Asterisk application, but for *6, which is volume there. */
const CONFBRIDGE: KeyMap = {
  '*1': 'mute-self',
  '*6': 'mute-self',
  '*#': 'count',
  '*4': 'help',
  '*8': 'leave',
  '*2': 'lock',
  '*3': 'delete-one',
  '*5': 'mute-all',
  '##': 'end',
};

export const PRESET_MAPS: Readonly<Record<KeyPreset, RoleMaps>> = {
  classic: {
    host: { ...CLASSIC, '*9': 'roster' },
    participant: { ...CLASSIC, '*9': 'hand' },
  },
  zoom: {
    host: { ...ZOOM, '*9': 'roster' },
    participant: { ...ZOOM, '*9': 'hand' },
  },
  teams: {
    host: { ...TEAMS, '*5': 'roster' },
    participant: { ...TEAMS, '*5': 'hand' },
  },
  confbridge: {
    host: { ...CONFBRIDGE, '*9': 'roster' },
    participant: { ...CONFBRIDGE, '*9': 'hand' },
  },
};
