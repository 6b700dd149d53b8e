/** What each key function does; a new function is one entry here and one name in key-map.ts. */
import { MediaError } from '../../../common/errors.ts';
import { fail } from '../../../common/result.ts';
import type { ControlAction, ControlReply } from '../../../signaling/conference/client.ts';
import type { Phrase } from '../../speech.ts';
import { type KeyMap, type KeypadAction, keysFor } from './key-map.ts';

/** What an action may see and do of the conferee who pressed the keys. */
export interface ActionContext {
  readonly keys: KeyMap;
  readonly isHost: boolean;
  /** What this conferee asked for so far; the conference service has the truth. */
  readonly state: KeypadState;
  control(action: ControlAction): Promise<ControlReply>;
  /** Answers the key at once, over the conference. */
  respond(phrases: readonly Phrase[]): void;
  /** Leaves the conference; the flow then ends. */
  leave(): void;
}

export interface KeypadState {
  selfMuted: boolean;
  allMuted: boolean;
  locked: boolean;
}

interface ActionRow {
  readonly hostOnly: boolean;
  /** Asked before it is done; `1` means yes. */
  readonly confirm?: Phrase;
  /** For the spoken help; absent: not named there. */
  readonly help: Phrase;
  readonly run: (context: ActionContext) => Promise<void>;
}

export const ACTIONS: Readonly<Record<KeypadAction, ActionRow>> = {
  leave: {
    hostOnly: false,
    help: 'for-leave-press',
    run: (context) => {
      context.leave();
      return Promise.resolve();
    },
  },
  help: {
    hostOnly: false,
    help: 'for-help-press',
    run: (context) => {
      context.respond(helpText(context.keys, context.isHost));
      return Promise.resolve();
    },
  },
  'mute-self': {
    hostOnly: false,
    help: 'for-mute-press',
    run: (context) =>
      toggle(context, 'selfMuted', (muted) => ({ kind: 'mute-self', muted }), 'muted', 'unmuted'),
  },
  'mute-all': {
    hostOnly: true,
    help: 'for-mute-all-press',
    run: (context) =>
      toggle(
        context,
        'allMuted',
        (muted) => ({ kind: 'mute-all', muted }),
        'all-muted',
        'all-unmuted',
      ),
  },
  lock: {
    hostOnly: true,
    help: 'for-lock-press',
    run: (context) =>
      toggle(context, 'locked', (locked) => ({ kind: 'lock', locked }), 'locked', 'unlocked'),
  },
  end: {
    hostOnly: true,
    confirm: 'press-to-confirm-end',
    help: 'for-end-press',
    run: async (context) => {
      const reply = await context.control({ kind: 'end' });
      if (!reply.ok) context.respond(failureWords(reply.error));
    },
  },
};

async function toggle(
  context: ActionContext,
  key: keyof KeypadState,
  action: (wanted: boolean) => ControlAction,
  on: Phrase,
  off: Phrase,
): Promise<void> {
  const wanted = !context.state[key];
  const reply = await context.control(action(wanted));
  if (!reply.ok) {
    context.respond(failureWords(reply.error));
    return;
  }
  context.state[key] = wanted;
  context.respond([wanted ? on : off]);
}

function failureWords(error: MediaError): readonly Phrase[] {
  return error.code === 'not-allowed' ? ['not-allowed'] : ['error-tone', 'try-again'];
}

/** Every function that this conferee has, spoken from the map in force. */
export function helpText(keys: KeyMap, isHost: boolean): readonly Phrase[] {
  const actions = new Set(Object.values(keys));
  const lines = [...actions].flatMap((action): readonly Phrase[] => {
    const row = ACTIONS[action];
    const sequence = keysFor(keys, action);
    if (sequence === undefined || (row.hostOnly && !isHost)) return [];
    return [row.help, { digits: sequence }, 'silence'];
  });
  return ['help-intro', 'silence', ...lines];
}

/** For control requests when there is no conference to send them to. */
export const NOT_SEATED: ControlReply = fail(new MediaError('closed', 'not in a conference'));
