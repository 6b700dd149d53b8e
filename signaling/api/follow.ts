/**
 * The event stream as somebody follows it for days: every event once and in order for each conference,
 * over cuts, restarts and lags. The stream resumes by number; what it cannot give any more, and what
 * came before the first snapshot of a conference that is new, is read from the log.
 */
import type { Clock, Timer } from '../../common/clock.ts';
import type { ConferenceId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { NumberedEvent } from '../conference/events.ts';
import { conferenceId } from '../conference/messages.ts';
import { type Client, type ClientFailure, EXIT } from './client.ts';
import { conferenceList, eventList, type LiveConference } from './schemas.ts';
import { CLOSE, streamMessage } from './stream-messages.ts';
import { openWebSocket, type WebSocketClient, type WebSocketEnd } from './web-socket-client.ts';

export interface FollowOptions {
  readonly url: string;
  readonly token: string | undefined;
  /** For what the stream does not give. */
  readonly client: Client;
  readonly clock: Clock;
  readonly conference: ConferenceId | undefined;
  /** Number of the last event that is known, by conference; undefined: begin with what there is now. */
  readonly cursors: ReadonlyMap<ConferenceId, number> | undefined;
  readonly signal: AbortSignal;
  readonly events: FollowEvents;
}

export interface FollowEvents {
  /** How a conference stands that went on before we came. */
  snapshot(conference: LiveConference): void;
  event(event: NumberedEvent): void;
  /** The log has not got these any more. */
  gap(conferenceId: ConferenceId, from: number, to: number): void;
  /** The connection is lost; tried again in `delayMs`. */
  lost(why: string, delayMs: number): void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** Resolves when it is over: aborted, or the one conference has ended, or refused. */
export async function follow(options: FollowOptions): Promise<Result<void, ClientFailure>> {
  const { conference, client } = options;
  const cursors = new Map(options.cursors);
  /** Conferences that went on when we came: of them a snapshot is enough. */
  const present = new Set<string>();
  if (options.cursors === undefined) {
    if (conference === undefined) {
      const found = await client.request('GET', '/api/v1/conferences', conferenceList);
      if (!found.ok) return found;
      for (const { id } of found.value.items) present.add(id);
    } else present.add(conference);
  }
  let failures = 0;
  let wasOpen = false;
  for (;;) {
    const state = { cursors, present, subscribed: false };
    const end = await oneConnection(options, state);
    wasOpen ||= state.subscribed;
    if (end === 'over' || options.signal.aborted) return ok(undefined);
    const failure = finalFailure(end, options, wasOpen);
    if (failure !== undefined) return fail(failure);
    failures = state.subscribed ? 1 : failures + 1;
    const delayMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
    options.events.lost(end.reason, delayMs);
    await pause(options, delayMs);
    if (options.signal.aborted) return ok(undefined);
  }
}

/** What trying again does not help. */
function finalFailure(
  { code, reason, status }: WebSocketEnd,
  { url }: FollowOptions,
  wasOpen: boolean,
): ClientFailure | undefined {
  if (code === CLOSE.policy) return { exitCode: EXIT.unauthorized, message: reason };
  if (code === CLOSE.badMessage) return { exitCode: EXIT.refused, message: reason };
  if (wasOpen) return undefined;
  if (status !== undefined) return { exitCode: EXIT.refused, message: reason };
  return { exitCode: EXIT.unreachable, message: `no answer from ${url} (${reason})` };
}

function pause({ clock, signal }: FollowOptions, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    let timer: Timer | undefined;
    const done = (): void => {
      timer?.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    timer = clock.after(delayMs, done);
    signal.addEventListener('abort', done);
  });
}

interface FollowState {
  readonly cursors: Map<ConferenceId, number>;
  readonly present: Set<string>;
  subscribed: boolean;
}

function oneConnection(options: FollowOptions, state: FollowState): Promise<WebSocketEnd | 'over'> {
  const { url, token, conference, signal } = options;
  return new Promise((resolve) => {
    const target = new URL('/api/v1/events', url);
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    /** Messages one after another, as some ask the log. */
    let turn: Promise<boolean> = Promise.resolve(false);
    let socket: WebSocketClient | undefined;
    let refusal: string | undefined;
    const abort = (): void => socket?.close();
    const take = async (text: string): Promise<boolean> => {
      const message = readMessage(text);
      if (message?.type === 'refused') refusal = message.detail;
      return message !== undefined && (await onMessage(options, state, message));
    };
    socket = openWebSocket(target, headers, {
      open() {
        const after = Object.fromEntries(state.cursors);
        const wanted = { type: 'subscribe', conference: conference ?? 'all', after };
        socket?.send(JSON.stringify(wanted));
      },
      message(text) {
        turn = turn.then(async (isOver) => {
          if (isOver) return true;
          const over = await take(text);
          if (over) socket?.close();
          return over;
        });
      },
      closed(end) {
        signal.removeEventListener('abort', abort);
        void turn.then((isOver) =>
          resolve(isOver ? 'over' : { ...end, reason: refusal ?? end.reason }),
        );
      },
    });
    signal.addEventListener('abort', abort);
    if (signal.aborted) socket.close();
  });
}

type Message = ReturnType<typeof streamMessage.parse>;

function readMessage(text: string): Message | undefined {
  try {
    // Kinds that a newer server adds are passed over.
    return streamMessage.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** True: it was the last one. */
async function onMessage(
  options: FollowOptions,
  state: FollowState,
  message: Message,
): Promise<boolean> {
  const { conference, events } = options;
  switch (message.type) {
    case 'subscribed':
      state.subscribed = true;
      return false;
    case 'snapshot': {
      const view = message.conference;
      const id = conferenceId.parse(view.id);
      if (!state.cursors.has(id) && state.present.has(view.id)) {
        state.cursors.set(id, view.number);
        events.snapshot(view);
      } else await readUpTo(options, state, id, view.number);
      if (view.ended) forget(state, id);
      return view.ended && conference !== undefined;
    }
    case 'event': {
      const { type: _, ...event } = message;
      return tell(options, state, event);
    }
    case 'gone':
      state.cursors.delete(conferenceId.parse(message.conferenceId));
      return conference !== undefined;
    case 'talking':
    case 'levels':
    case 'refused':
      return false;
  }
}

function forget(state: FollowState, id: ConferenceId): void {
  state.cursors.delete(id);
  state.present.delete(id);
}

function tell(
  { conference, events }: FollowOptions,
  state: FollowState,
  event: NumberedEvent,
): boolean {
  const { conferenceId: id, number } = event;
  if (number <= (state.cursors.get(id) ?? 0)) return false;
  state.cursors.set(id, number);
  events.event(event);
  if (event.event.kind !== 'ended') return false;
  forget(state, id);
  return conference !== undefined;
}

async function readUpTo(
  options: FollowOptions,
  state: FollowState,
  id: ConferenceId,
  last: number,
): Promise<void> {
  let after = state.cursors.get(id) ?? 0;
  while (after < last) {
    const path = `/api/v1/conferences/${encodeURIComponent(id)}/events?after=${after}&limit=1000`;
    const page = await options.client.request('GET', path, eventList);
    const items = page.ok ? page.value.items.filter(({ number }) => number <= last) : [];
    const first = items[0]?.number ?? last + 1;
    if (first > after + 1) options.events.gap(id, after + 1, first - 1);
    after = items.at(-1)?.number ?? last;
    for (const event of items) tell(options, state, event);
    state.cursors.set(id, Math.max(after, state.cursors.get(id) ?? 0));
  }
}
