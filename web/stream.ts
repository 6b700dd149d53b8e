/**
 * The connection to the event stream: subscribes, folds what comes, and after a cut comes back by
 * number. Until it is back the page says so and offers no stale control.
 */
import { cursors, EMPTY, type PageState, reduce, type StreamMessage } from './state.ts';

export type Connection = 'connecting' | 'live' | 'lost' | 'refused';

export interface StreamEvents {
  onState(state: PageState): void;
  onConnection(connection: Connection): void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

/** Returns what closes it. */
export function openStream(token: string, events: StreamEvents): () => void {
  let state = EMPTY;
  let pauseMs = FIRST_PAUSE_MS;
  let socket: WebSocket | undefined;
  let timer = 0;
  let open = true;
  let frame = 0;

  const publish = (): void => {
    frame = 0;
    events.onState(state);
  };
  // A burst of events is one update of the page. A hidden page has no frames, so it gets a timer.
  const publishSoon = (): void => {
    if (frame !== 0) return;
    frame = document.hidden ? window.setTimeout(publish, 100) : requestAnimationFrame(publish);
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
      if (message === undefined) return;
      if (message.type === 'subscribed') {
        pauseMs = FIRST_PAUSE_MS;
        events.onConnection('live');
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
    current.onclose = ({ code }) => {
      if (!open) return;
      if (code === 1008) {
        events.onConnection('refused');
        return;
      }
      events.onConnection('lost');
      timer = window.setTimeout(connect, pauseMs * (0.5 + Math.random()));
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    };
  };

  const comeBack = (): void => {
    if (socket?.readyState !== WebSocket.CLOSED || !open) return;
    clearTimeout(timer);
    connect();
  };
  window.addEventListener('online', comeBack);
  connect();
  return () => {
    open = false;
    clearTimeout(timer);
    window.removeEventListener('online', comeBack);
    socket?.close();
  };
}

/** The server is ours: its shape is trusted once it is an object with a type. */
function readMessage(data: unknown): StreamMessage | undefined {
  if (typeof data !== 'string') return undefined;
  const parsed: unknown = JSON.parse(data);
  return typeof parsed === 'object' && parsed !== null && 'type' in parsed
    ? (parsed as StreamMessage)
    : undefined;
}
