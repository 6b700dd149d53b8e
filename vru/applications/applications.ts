import type { z } from 'zod';
import type { ApplicationName, DnisRecord } from '../../signaling/conference/messages.ts';
import type { Application } from '../flow.ts';
import { announcement, announcementSettings } from './announcement.ts';
import { conference } from './conference/conference.ts';
import { conferenceRowSettings } from './conference/row-settings.ts';
import { echo, echoSettings } from './echo.ts';
import { menu, menuSettings } from './menu.ts';
import { voicemail, voicemailSettings } from './voicemail.ts';

/** What a VRU can run (R40); a further application is one file and one entry here. */
export const APPLICATIONS: Readonly<Record<ApplicationName, Application>> = {
  conference,
  echo,
  announcement,
  menu,
  voicemail,
};

const SETTINGS: Readonly<Record<ApplicationName, z.ZodType>> = {
  conference: conferenceRowSettings,
  echo: echoSettings,
  announcement: announcementSettings,
  menu: menuSettings,
  voicemail: voicemailSettings,
};

/**
 * What is wrong with a DNIS row, each as a sentence; empty when nothing is. For the check at start
 * and when a row is added. `hasPrompt` knows the files of the prompt pack.
 */
export function checkDnisRow(
  row: DnisRecord,
  hasPrompt: (name: string) => boolean,
): readonly string[] {
  const parsed = SETTINGS[row.application].safeParse(row.settings);
  if (!parsed.success) {
    return parsed.error.issues.map(
      (issue) => `dnis ${row.dnis}: ${['settings', ...issue.path].join('.')}: ${issue.message}`,
    );
  }
  return promptsNamed(row)
    .filter((name) => !hasPrompt(name))
    .map((name) => `dnis ${row.dnis}: there is no prompt "${name}"`);
}

function promptsNamed(row: DnisRecord): readonly string[] {
  return ['prompts', 'welcome', 'greeting'].flatMap((key) => {
    const value = row.settings[key];
    return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
  });
}
