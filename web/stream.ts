/**
 * The connection to the event stream: subscribes, folds what comes, and after a cut comes back by
 * number. Until it is back the page says so, offers no stale control and shows nobody as talking.
 */
import type { Levels, LevelsMessage } from './levels.ts';
import { cursors, EMPTY, type PageState, reduce, type StreamMessage } from './state.ts';

export type Connection = 'connecting' | 'live' | 'lost' | 'refused';

export interface StreamEvents {
  onState(state: PageState): void;
  onConnection(connection: Connection): void;
  readonly levels: Levels;
}

export interface Stream {
  /** The one conference whose loudness is shown; undefined: none. */
  watchLevels(conferenceId: string | undefined): void;
  close(): void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

export function openStream(token: string, events: StreamEvents): Stream {
  let state = EMPTY;
  let pauseMs = FIRST_PAUSE_MS;
  let socket: WebSocket | undefined;
  let timer = 0;
  let open = true;
  let frame = 0;
  let watched: string | undefined;
  let isLive = false;

  const publish = (): void => {
    frame = 0;
    events.onState(state);
  };
  // A burst of events is one update of the page. A hidden page has no frames, so it gets a timer.
  const publishSoon = (): void => {
    if (frame !== 0) return;
    frame = document.hidden ? window.setTimeout(publish, 100) : requestAnimationFrame(publish);
  };
  const askForLevels = (): void => {
    if (isLive) socket?.send(JSON.stringify({ type: 'levels', conference: watched ?? null }));
  };

  const take = (current: WebSocket, message: StreamMessage | LevelsMessage): void => {
    if (message.type === 'levels') {
      events.levels.take(message);
      return;
    }
    if (message.type === 'subscribed') {
      pauseMs = FIRST_PAUSE_MS;
      isLive = true;
      events.onConnection('live');
      if (watched !== undefined) askForLevels();
    }
    state = reduce(state, message);
    if (state.gap) {
      // Never shown: everything anew instead.
      state = EMPTY;
      current.close();
      return;
    }
    publishSoon();
  };

  const lost = (code: number): void => {
    isLive = false;
    events.levels.clear();
    state = reduce(state, { type: 'lost' });
    if (!open) return;
    publishSoon();
    if (code === 1008) {
      events.onConnection('refused');
      return;
    }
    events.onConnection('lost');
    timer = window.setTimeout(connect, pauseMs * (0.5 + Math.random()));
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  };

  const connect = (): void => {
    events.onConnection('connecting');
    const url = new URL('/api/v1/events', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const current = new WebSocket(url);
    socket = current;
    current.onopen = () => {
      current.send(JSON.stringify({ type: 'subscribe', token, after: cursors(state) }));
    };
    current.onmessage = ({ data }) => {
      const message = readMessage(data);
      if (message !== undefined && current === socket) take(current, message);
    };
    current.onclose = ({ code }) => {
      if (current === socket) lost(code);
    };
  };

  const comeBack = (): void => {
    if (socket?.readyState !== WebSocket.CLOSED || !open) return;
    clearTimeout(timer);
    connect();
  };
  window.addEventListener('online', comeBack);
  // A phone that was in a pocket: its timers slept, its socket may be gone.
  document.addEventListener('visibilitychange', comeBack);
  connect();
  return {
    watchLevels(conferenceId) {
      if (conferenceId === watched) return;
      watched = conferenceId;
      events.levels.clear();
      askForLevels();
    },
    close() {
      open = false;
      isLive = false;
      clearTimeout(timer);
      window.removeEventListener('online', comeBack);
      document.removeEventListener('visibilitychange', comeBack);
      socket?.close();
    },
  };
}

/** The server is ours: its shape is trusted once it is an object with a type. */
function readMessage(data: unknown): StreamMessage | LevelsMessage | undefined {
  if (typeof data !== 'string') return undefined;
  const parsed: unknown = JSON.parse(data);
  return typeof parsed === 'object' && parsed !== null && 'type' in parsed
    ? (parsed as StreamMessage | LevelsMessage)
    : undefined;
}
