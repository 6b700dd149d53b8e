/**
 * The web page: sign-in, then the view of a host or of an operator. It talks to the HTTP API and the
 * event stream only, and imports nothing from the server. What it shows is the fold in state.ts.
 */
import { render } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { createApi, type Session } from './api.ts';
import { HostView } from './host-view.tsx';
import { createLevels } from './levels.ts';
import { Live } from './live.ts';
import { OperatorView } from './operator-view.tsx';
import { SessionClock } from './session-clock.tsx';
import { SignIn } from './sign-in.tsx';
import { EMPTY, type PageState } from './state.ts';
import { type Connection, openStream, type Stream } from './stream.ts';
import './style/base.css';
import './style/controls.css';
import './style/conference.css';
import './style/records.css';
import './style/narrow-records.css';

/** For this tab only; closing it signs out. */
const TOKEN_KEY = 'minusone-token';

const CONNECTION_WORDS: Readonly<Record<Connection, string>> = {
  connecting: 'connecting …',
  live: 'live',
  lost: 'connection lost, trying again …',
  refused: 'signed out',
};

/** Before a connection that was refused although the token is good is tried again. */
const REFUSED_PAUSE_MS = 2_000;
const EXPIRED = 'The token is not known or has expired.';

function App() {
  const [token, setToken] = useState(sessionStorage.getItem(TOKEN_KEY) ?? '');
  const [notice, setNotice] = useState('');
  const signIn = (given: string): void => {
    sessionStorage.setItem(TOKEN_KEY, given);
    setNotice('');
    setToken(given);
  };
  const signOut = (why: string): void => {
    sessionStorage.removeItem(TOKEN_KEY);
    setNotice(why);
    setToken('');
  };
  return token === '' ? (
    <SignIn notice={notice} onToken={signIn} />
  ) : (
    <SignedIn token={token} onSignOut={signOut} />
  );
}

function SignedIn({ token, onSignOut }: { token: string; onSignOut: (why: string) => void }) {
  const api = useMemo(() => createApi(token), [token]);
  const levels = useMemo(createLevels, [token]);
  const stream = useRef<Stream>(undefined);
  const [session, setSession] = useState<Session>();
  const [state, setState] = useState<PageState>(EMPTY);
  const [connection, setConnection] = useState<Connection>('connecting');

  useEffect(() => {
    let current = true;
    void api.get<Session>('/session').then((answer) => {
      if (!current) return;
      if (answer.ok) setSession(answer.value);
      else if (answer.status === 401) onSignOut(EXPIRED);
    });
    return () => {
      current = false;
    };
  }, [api, connection === 'live']);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const opened = openStream(token, {
      onState: setState,
      onConnection: setConnection,
      levels,
    });
    stream.current = opened;
    return () => opened.close();
  }, [token, attempt]);
  useEffect(() => {
    if (connection !== 'refused') return;
    // A machine that slept through the first seconds of its connection is refused as well.
    void api.get<Session>('/session').then((answer) => {
      if (!answer.ok && answer.status === 401) onSignOut(EXPIRED);
      else window.setTimeout(() => setAttempt((one) => one + 1), REFUSED_PAUSE_MS);
    });
  }, [connection]);
  const live = useMemo(
    () => ({ levels, watch: (id: string | undefined) => stream.current?.watchLevels(id) }),
    [levels],
  );

  const isLive = connection === 'live';
  const wasLive = useRef(false);
  const [lostAt, setLostAt] = useState<Date>();
  useEffect(() => {
    if (isLive) setLostAt(undefined);
    else if (wasLive.current) setLostAt(new Date());
    wasLive.current = isLive;
  }, [isLive]);
  return (
    <Live.Provider value={live}>
      <button type="button" class="skip" onClick={toMain}>
        To the content
      </button>
      <header class="top">
        <p class="brand">
          minusone<span class="who">{session?.accountName ?? (session ? 'operator' : '')}</span>
        </p>
        <p role="status" class={`connection ${connection}`}>
          {CONNECTION_WORDS[connection]}
        </p>
        <SessionClock expiresAt={session?.expiresAt ?? null} />
        <button type="button" class="quiet" onClick={() => onSignOut('')}>
          Sign out
        </button>
      </header>
      <main id="main" tabIndex={-1} class={isLive ? '' : 'stale'}>
        {lostAt === undefined ? null : (
          <p class="old">
            Nothing is heard of the server. What is shown is as of {lostAt.toLocaleTimeString()}.
          </p>
        )}
        {session === undefined ? null : session.scope === 'admin' ? (
          <OperatorView api={api} state={state} live={isLive} />
        ) : (
          <HostView api={api} state={state} live={isLive} accountName={session.accountName ?? ''} />
        )}
      </main>
    </Live.Provider>
  );
}

/** A link would change the part after `#`, which says where the page is. */
function toMain(): void {
  document.getElementById('main')?.focus();
}

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
