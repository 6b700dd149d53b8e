/** What each key function does; a new function is one entry here and one name in key-map.ts. */
import { MediaError } from '../../../common/errors.ts';
import { fail } from '../../../common/result.ts';
import type { ControlAction, ControlReply } from '../../../signaling/conference/client.ts';
import { SUB_CONFERENCES, type TalkMode } from '../../../signaling/conference/messages.ts';
import type { Conferee, Roster } from '../../../signaling/conference/roster.ts';
import type { Phrase } from '../../speech.ts';
import { type KeyMap, type KeypadAction, keysFor } from './key-map.ts';
import { muteStep, named } from './roster-menu.ts';
import { countWords, rollCallWords } from './roster-words.ts';

/** What an action may see and do of the conferee who pressed the keys. */
export interface ActionContext {
  readonly keys: KeyMap;
  readonly isHost: boolean;
  /** What this conferee asked for so far, for when the conference cannot be read. */
  readonly state: KeypadState;
  /** The conferee whose number was entered. */
  readonly ordinal?: number | undefined;
  /** The conference as it is now; undefined when it could not be read. */
  roster(): Promise<Roster | undefined>;
  /** This conferee in it. */
  self(roster: Roster | undefined): Conferee | undefined;
  control(action: ControlAction): Promise<ControlReply>;
  /** Answers the key at once, over the conference. */
  respond(phrases: readonly Phrase[]): void;
  /** Leaves the conference; the flow then ends. */
  leave(): void;
  nowMs(): number;
  /** With somebody who was called; nothing when there is nobody. */
  consult(action: ConsultAction): void;
}

export type ConsultAction = Extract<KeypadAction, 'bring-in' | 'drop-called'>;

export interface KeypadState {
  selfMuted: boolean;
  allMuted: boolean;
  locked: boolean;
  /** When the last roll call began. */
  rollCalledMs: number;
}

interface ActionRow {
  readonly hostOnly: boolean;
  /** Asked before it is done; `1` means yes. */
  readonly confirm?: Phrase;
  /** A number, such as the ordinal of a conferee, is asked for with this before. */
  readonly asksNumber?: Phrase;
  /** A number to call is asked for, and nothing is run. */
  readonly asksDial?: boolean;
  /** The keys after it go to the private roster. */
  readonly opensMenu?: boolean;
  /** For the spoken help. */
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
  'mute-self': { hostOnly: false, help: 'for-mute-press', run: muteSelf },
  hand: { hostOnly: false, help: 'for-hand-press', run: hand },
  count: {
    hostOnly: false,
    help: 'for-count-press',
    run: (context) => withRoster(context, (roster) => context.respond(countWords(roster))),
  },
  'roll-call': {
    hostOnly: true,
    help: 'for-roll-call-press',
    run: rollCall,
  },
  roster: {
    hostOnly: true,
    opensMenu: true,
    help: 'for-roster-press',
    run: (context) =>
      withRoster(context, (roster) => context.respond([...countWords(roster), 'roster-help'])),
  },
  mode: { hostOnly: true, help: 'for-mode-press', run: nextMode },
  'mute-all': {
    hostOnly: true,
    help: 'for-mute-all-press',
    run: async (context) => {
      const muted = !((await context.roster())?.mutedAll ?? context.state.allMuted);
      if (!(await done(context, { kind: 'mute-all', muted }))) return;
      context.state.allMuted = muted;
      context.respond([muted ? 'all-muted' : 'all-unmuted']);
    },
  },
  'mute-one': {
    hostOnly: true,
    asksNumber: 'enter-conferee-number',
    help: 'for-mute-one-press',
    run: muteOne,
  },
  'delete-one': {
    hostOnly: true,
    asksNumber: 'enter-conferee-number',
    help: 'for-delete-press',
    run: deleteOne,
  },
  'sub-conference': {
    hostOnly: false,
    asksNumber: 'enter-sub-conference-number',
    help: 'for-sub-conference-press',
    run: changeSub,
  },
  record: { hostOnly: true, help: 'for-record-press', run: toggleRecording },
  operator: {
    hostOnly: false,
    help: 'for-operator-press',
    run: async (context) => {
      if (await done(context, { kind: 'operator' })) context.respond(['operator-called']);
    },
  },
  lock: {
    hostOnly: true,
    help: 'for-lock-press',
    run: async (context) => {
      const locked = !((await context.roster())?.locked ?? context.state.locked);
      if (!(await done(context, { kind: 'lock', locked }))) return;
      context.state.locked = locked;
      context.respond([locked ? 'locked' : 'unlocked']);
    },
  },
  dial: {
    hostOnly: true,
    asksDial: true,
    help: 'for-dial-out-press',
    run: () => Promise.resolve(),
  },
  'bring-in': {
    hostOnly: true,
    help: 'dial-out-help',
    run: (context) => {
      context.consult('bring-in');
      return Promise.resolve();
    },
  },
  'drop-called': {
    hostOnly: true,
    help: 'dial-out-help',
    run: (context) => {
      context.consult('drop-called');
      return Promise.resolve();
    },
  },
  end: {
    hostOnly: true,
    confirm: 'press-to-confirm-end',
    help: 'for-end-press',
    run: async (context) => {
      await done(context, { kind: 'end' });
    },
  },
};

/** One's own bit. Who is muted by others as well hears that pressing it would not help. */
async function muteSelf(context: ActionContext): Promise<void> {
  const { state } = context;
  const self = context.self(await context.roster());
  const muted = !(self?.mutedBySelf ?? state.selfMuted);
  const why = self === undefined ? undefined : mutedByOthers(self);
  if (muted && why !== undefined) {
    context.respond([why]);
    return;
  }
  if (!(await done(context, { kind: 'mute-self', muted }))) return;
  state.selfMuted = muted;
  context.respond([muted ? 'muted' : (why ?? 'unmuted')]);
}

function mutedByOthers({ mutedByHost, mutedByMode }: Conferee): Phrase | undefined {
  if (mutedByHost) return 'still-muted-by-host';
  return mutedByMode ? 'muted-by-mode' : undefined;
}

async function hand(context: ActionContext): Promise<void> {
  const roster = await context.roster();
  const raised = (context.self(roster)?.handRaisedAtMs ?? null) === null;
  if (raised && roster?.mode === 'lecture') {
    context.respond(['lecture-mode']);
    return;
  }
  if (await done(context, { kind: 'hand', raised })) {
    context.respond([raised ? 'hand-raised' : 'hand-lowered']);
  }
}

const NEXT_MODE: Readonly<Record<TalkMode, TalkMode>> = {
  open: 'lecture',
  lecture: 'questions',
  questions: 'open',
};
const MODE_WORDS: Readonly<Record<TalkMode, Phrase>> = {
  open: 'open-mode',
  questions: 'question-mode',
  lecture: 'lecture-mode',
};

async function nextMode(context: ActionContext): Promise<void> {
  await withRoster(context, async (roster) => {
    const mode = NEXT_MODE[roster.mode];
    if (await done(context, { kind: 'mode', mode })) context.respond([MODE_WORDS[mode]]);
  });
}

async function muteOne(context: ActionContext): Promise<void> {
  await withRoster(context, async (roster) => {
    const chosen = roster.conferees.get(context.ordinal ?? 0);
    if (chosen === undefined) {
      context.respond(['no-such-conferee']);
      return;
    }
    const { action, words } = muteStep(chosen);
    if (await done(context, action)) context.respond(words);
  });
}

async function deleteOne(context: ActionContext): Promise<void> {
  const { ordinal = 0 } = context;
  await withRoster(context, async (roster) => {
    if (!roster.conferees.has(ordinal)) context.respond(['no-such-conferee']);
    else if (await done(context, { kind: 'delete', ordinal })) {
      context.respond([...named(ordinal), 'has-been-removed']);
    }
  });
}

/** The same keys again, soon enough to mean the roll call that is being heard: for everybody. */
const AGAIN_MS = 8_000;

async function rollCall(context: ActionContext): Promise<void> {
  const { state } = context;
  if (context.nowMs() - state.rollCalledMs < AGAIN_MS) {
    state.rollCalledMs = Number.NEGATIVE_INFINITY;
    await done(context, { kind: 'roll-call' });
    return;
  }
  state.rollCalledMs = context.nowMs();
  await withRoster(context, (roster) => context.respond(rollCallWords(roster)));
}

async function changeSub(context: ActionContext): Promise<void> {
  const { ordinal: sub = 0 } = context;
  if (sub > SUB_CONFERENCES) context.respond(['no-such-sub-conference']);
  else if (await done(context, { kind: 'sub-conference', sub })) {
    const words: readonly Phrase[] =
      sub === 0 ? ['leaving-sub-conference'] : ['entering-sub-conference', { number: sub }];
    context.respond(words);
  }
}

/** Everybody hears that it begins or ends; the answer to the key is that. */
async function toggleRecording(context: ActionContext): Promise<void> {
  await withRoster(context, async (roster) => {
    await done(context, { kind: 'record', on: roster.recording === undefined });
  });
}

async function withRoster(
  context: ActionContext,
  use: (roster: Roster) => Promise<void> | void,
): Promise<void> {
  const roster = await context.roster();
  if (roster === undefined) context.respond(['error-tone', 'try-again']);
  else await use(roster);
}

/** False: it was not done, and the caller was told why. */
export async function done(
  context: Pick<ActionContext, 'control' | 'respond'>,
  action: ControlAction,
): Promise<boolean> {
  const reply = await context.control(action);
  if (!reply.ok) context.respond(failureWords(reply.error));
  return reply.ok;
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
