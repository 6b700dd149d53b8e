/** The tables of docs/keypad.md, made from the data, so that the page cannot say something else. */
import { ACTIONS } from './actions.ts';
import type { KeypadAction } from './key-map.ts';
import { KEY_PRESETS, PRESET_MAPS } from './key-presets.ts';
import { ROSTER_KEYS } from './roster-menu.ts';

const TEXTS: Readonly<Record<KeypadAction, string>> = {
  leave: 'leave the conference',
  help: 'spoken help, of the keys in force',
  'mute-self': 'mute or unmute oneself',
  hand: 'raise or lower the hand',
  count: 'number of conferees',
  'roll-call':
    'roll call, heard by this host only; the same keys again while it is heard: by everybody',
  roster: 'private roster',
  mode: 'lecture → question and answer → open',
  'mute-all': 'mute or unmute all but hosts',
  'mute-one': 'mute or unmute one: its number, then #',
  'delete-one': 'remove one: its number, then #',
  lock: 'lock or unlock',
  'sub-conference': 'into a sub-conference: its number, 1 to 9, then #; with 0 back',
  record: 'start or stop the recording',
  operator: 'call an operator',
  dial: 'call somebody: the number, then #',
  'bring-in': 'bring the called person into the conference',
  'drop-called': 'end that call and return',
  end: 'end for all, asks for 1',
};

export function presetTables(): string {
  return KEY_PRESETS.map((preset) => {
    const { host, participant } = PRESET_MAPS[preset];
    const keys = [...new Set([...Object.keys(host), ...Object.keys(participant)])];
    const rows = keys.map((sequence) => {
      const hosts = host[sequence];
      const own = participant[sequence];
      const others = own === undefined || ACTIONS[own].hostOnly ? '–' : TEXTS[own];
      return `| \`${sequence}\` | ${hosts === undefined ? '–' : TEXTS[hosts]} | ${others} |`;
    });
    return [`### ${preset}`, '', '| Keys | Host | Participant |', '|---|---|---|', ...rows].join(
      '\n',
    );
  }).join('\n\n');
}

export function rosterTable(): string {
  const rows = Object.entries(ROSTER_KEYS).map(([key, text]) => `| \`${key}\` | ${text} |`);
  return ['| Key | Function |', '|---|---|', ...rows].join('\n');
}
