/** How long the token of a host is still good; says so aloud once when little is left. */
import { useEffect, useState } from 'preact/hooks';

const SOON_MS = 10 * 60_000;

export function SessionClock({ expiresAt }: { expiresAt: string | null }) {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 15_000);
    return () => clearInterval(timer);
  }, []);
  if (expiresAt === null) return null;
  const end = new Date(expiresAt);
  const leftMs = end.getTime() - nowMs;
  const time = end.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  if (leftMs > SOON_MS) {
    return (
      <p class="expiry">
        signed in until <time dateTime={expiresAt}>{time}</time>
      </p>
    );
  }
  return (
    <p class="expiry soon" role="status">
      Signed in until {time} only; then enter the code again.
    </p>
  );
}
