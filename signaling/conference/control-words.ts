/** Who hears what of a control request besides the one who asked. */
import type { ConferenceLog } from './conference-log.ts';
import type { StateAction } from './control-events.ts';
import type { Management } from './management.ts';
import type { Role, TalkMode } from './messages.ts';
import type { Conferee, Roster } from './roster.ts';

export interface Done {
  readonly action: StateAction;
  readonly by: Conferee | undefined;
  /** Of the conferee whom it concerns, before. */
  readonly hadHandUp: boolean;
}

/** One announcement, private to each of `to`. */
export interface Words {
  readonly to: readonly Conferee[];
  readonly prompt: string;
  readonly numbers?: readonly number[];
  readonly role?: Role;
  readonly held?: boolean;
}

const MODE_WORDS: Readonly<Record<TalkMode, string>> = {
  open: 'open-mode',
  questions: 'question-mode',
  lecture: 'lecture-mode',
};

/** Pure. The one who asked hears the answer to the key from the VRU, at once. */
export function wordsAfter(roster: Roster, { action, by, hadHandUp }: Done): Words | undefined {
  const others = [...roster.conferees.values()].filter((one) => one.ordinal !== by?.ordinal);
  const concerned = others.filter((one) => 'ordinal' in action && one.ordinal === action.ordinal);
  switch (action.kind) {
    case 'mute':
      if (action.muted) return { to: concerned, prompt: 'muted-by-host' };
      return { to: concerned, prompt: hadHandUp ? 'you-may-talk' : 'unmuted-by-host' };
    case 'mute-all':
      return { to: others, prompt: action.muted ? 'all-muted' : 'all-unmuted' };
    case 'mode':
      return { to: others, prompt: MODE_WORDS[action.mode] };
    case 'hand': {
      if (!action.raised || by === undefined) return undefined;
      const hosts = others.filter(({ role }) => role === 'host');
      return { to: hosts, prompt: 'a-hand-was-raised', numbers: [by.ordinal] };
    }
    case 'lower-hand':
      return { to: concerned, prompt: 'hand-lowered' };
    case 'make-host':
      return { to: concerned, prompt: 'you-are-now-host', role: 'host' };
    case 'hold': {
      const { held } = action;
      return { to: concerned, prompt: held ? 'you-are-on-hold' : 'reconnected', held };
    }
    case 'send': {
      const { sub } = action;
      if (sub === 0) return { to: concerned, prompt: 'leaving-sub-conference' };
      return { to: concerned, prompt: 'entering-sub-conference', numbers: [sub] };
    }
    case 'operator':
    case 'sub-conference':
    case 'lock':
    case 'mute-self':
      return undefined;
  }
}

/** In the background: nobody waits for words. */
export function tellConferees(management: Management, log: ConferenceLog, done: Done): void {
  const words = wordsAfter(log.roster, done);
  if (words === undefined) return;
  const { to, prompt, numbers, role, held } = words;
  const { number } = log.roster;
  for (const { caller, confereeId } of to) {
    const name = `announce ${confereeId} ${number}`;
    void management.background(name, async () => {
      await management.vrus.command(caller, {
        kind: 'announce',
        requestId: `announce-${confereeId}-${number}`,
        callId: caller.callId,
        prompt,
        ...(numbers === undefined ? {} : { numbers: [...numbers] }),
        ...(role === undefined ? {} : { role }),
        ...(held === undefined ? {} : { held }),
      });
    });
  }
}
