/** Calling out (R26): a number or the list of the account, and how each call goes. Only for who may. */
import { useEffect, useState } from 'preact/hooks';
import type { Api, Session } from './api.ts';
import { calledName, isComing, isOver, stateWords } from './dials.ts';
import type { Conference } from './state.ts';

interface Props {
  readonly api: Api;
  readonly conference: Conference;
  readonly usable: boolean;
}

/** Calls that are over and still shown. */
const OVER_SHOWN = 8;

export function DialBox({ api, conference, usable }: Props) {
  const [mayDial, setMayDial] = useState(false);
  const [number, setNumber] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  useEffect(() => {
    void api.get<Session>('/session').then((answer) => {
      setMayDial(answer.ok && answer.value.mayDial);
    });
  }, [api]);
  if (!mayDial || conference.temporary) return null;

  const path = `/conferences/${encodeURIComponent(conference.id)}`;
  const send = async (
    method: 'POST' | 'DELETE',
    suffix: string,
    body?: unknown,
  ): Promise<boolean> => {
    setBusy(true);
    setError('');
    const answer = await api.send(method, path + suffix, body);
    setBusy(false);
    if (!answer.ok) setError(answer.detail);
    return answer.ok;
  };
  const over = conference.dials.filter(isOver).slice(-OVER_SHOWN);
  const shown = conference.dials.filter((dial) => isComing(dial) || over.includes(dial));
  return (
    <section class="box dialling" aria-labelledby="dial-title">
      <form
        class="dial"
        onSubmit={(event) => {
          event.preventDefault();
          void send('POST', '/dial', { number }).then((done) => {
            if (done) setNumber('');
          });
        }}
      >
        <h2 id="dial-title">Call somebody</h2>
        <label>
          <span class="unseen">Number to call</span>
          <input
            type="tel"
            name="number"
            placeholder="Number"
            autocomplete="off"
            required
            minLength={2}
            maxLength={64}
            value={number}
            onInput={({ currentTarget }) => setNumber(currentTarget.value)}
          />
        </label>
        <button type="submit" disabled={!usable || busy} aria-busy={busy}>
          Call
        </button>
        <button
          type="button"
          disabled={!usable || busy}
          onClick={() => void send('POST', '/dial-list')}
        >
          Call the list
        </button>
      </form>
      <p class="error" role="alert">
        {error}
      </p>
      {shown.length === 0 ? null : (
        <ul class="lines narrow dials" aria-label="Calls">
          {shown.map((dial) => (
            <li key={dial.dialId} data-state={dial.state}>
              {calledName(dial)}: {stateWords(dial.state)}{' '}
              {isComing(dial) ? (
                <button
                  type="button"
                  disabled={!usable}
                  aria-label={`Take back the call to ${calledName(dial)}`}
                  onClick={() => void send('DELETE', `/dials/${encodeURIComponent(dial.dialId)}`)}
                >
                  Take back
                </button>
              ) : null}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
