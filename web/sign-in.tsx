/** Sign-in with a host code or the admin token; one field takes either. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { exchangeCode } from './api.ts';

export function SignIn({ notice, onToken }: { notice: string; onToken: (token: string) => void }) {
  const [error, setError] = useState(notice);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  // With the first picture: what is typed at once is not lost.
  useLayoutEffect(() => field.current?.focus(), []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const given = field.current?.value.trim().replace(/#$/, '') ?? '';
    if (given === '') return;
    // Codes are digits, tokens are not.
    if (!/^[0-9 ]+$/.test(given)) {
      onToken(given);
      return;
    }
    setBusy(true);
    const answer = await exchangeCode(given.replaceAll(' ', ''));
    setBusy(false);
    if (answer.ok) {
      onToken(answer.value.token);
      return;
    }
    setError(
      answer.status === 403
        ? 'This is not the code of a host.'
        : `Not possible now: ${answer.detail}`,
    );
    field.current?.focus();
    field.current?.select();
  };

  return (
    <main id="main" class="sign-in">
      <h1>minusone</h1>
      <form onSubmit={submit} aria-busy={busy}>
        <label for="secret">Host code or admin token</label>
        <input
          id="secret"
          ref={field}
          type="password"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          required
          aria-describedby="secret-help secret-error"
          aria-invalid={error !== ''}
        />
        <p id="secret-help" class="help">
          Hosts use the code they dial. Operators use the token that was printed at first start.
        </p>
        <p id="secret-error" class="error" role="alert">
          {error}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'One moment …' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
