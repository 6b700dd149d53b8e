/**
 * The web page: sign-in, then the view of a host or of an operator. It talks to the HTTP API and the
 * event stream only, and imports nothing from the server. What it shows is the fold in state.ts.
 */
import { render } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { createApi, type Session } from './api.ts';
import { HostView } from './host-view.tsx';
import { OperatorView } from './operator-view.tsx';
import { SignIn } from './sign-in.tsx';
import { EMPTY, type PageState } from './state.ts';
import { type Connection, openStream } from './stream.ts';
import './style.css';

/** For this tab only; closing it signs out. */
const TOKEN_KEY = 'minusone-token';

const CONNECTION_WORDS: Readonly<Record<Connection, string>> = {
  connecting: 'connecting …',
  live: 'live',
  lost: 'connection lost, trying again …',
  refused: 'signed out',
};

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
  const [session, setSession] = useState<Session>();
  const [state, setState] = useState<PageState>(EMPTY);
  const [connection, setConnection] = useState<Connection>('connecting');

  useEffect(() => {
    let current = true;
    void api.get<Session>('/session').then((answer) => {
      if (!current) return;
      if (answer.ok) setSession(answer.value);
      else if (answer.status === 401) onSignOut('The token is not known or has expired.');
    });
    return () => {
      current = false;
    };
  }, [api, connection === 'live']);
  useEffect(() => openStream(token, { onState: setState, onConnection: setConnection }), [token]);
  useEffect(() => {
    if (connection === 'refused') onSignOut('The token is not known or has expired.');
  }, [connection]);

  return (
    <>
      <header class="top">
        <p class="brand">
          minusone<span class="who">{session?.accountName ?? (session ? 'operator' : '')}</span>
        </p>
        <p role="status" class={`connection ${connection}`}>
          {CONNECTION_WORDS[connection]}
        </p>
        <button type="button" onClick={() => onSignOut('')}>
          Sign out
        </button>
      </header>
      <main id="main">
        {session === undefined ? null : session.scope === 'admin' ? (
          <OperatorView api={api} state={state} live={connection === 'live'} />
        ) : (
          <HostView
            api={api}
            state={state}
            live={connection === 'live'}
            accountName={session.accountName ?? ''}
          />
        )}
      </main>
    </>
  );
}

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
