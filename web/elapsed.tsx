/** How long something has been going on, or will; only this text is drawn anew each second. */
import { useEffect, useState } from 'preact/hooks';

const two = (value: number): string => String(value).padStart(2, '0');

export function inHours(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60];
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}`;
}

function useNow(): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

export function Elapsed({ since }: { since: string }) {
  const nowMs = useNow();
  return (
    <time class="elapsed" dateTime={since} title={`since ${new Date(since).toLocaleTimeString()}`}>
      {inHours((nowMs - new Date(since).getTime()) / 1000)}
    </time>
  );
}

/** How long until then. */
export function Left({ until }: { until: string }) {
  const nowMs = useNow();
  return (
    <time class="elapsed" dateTime={until} title={`at ${new Date(until).toLocaleTimeString()}`}>
      {inHours((new Date(until).getTime() - nowMs) / 1000)}
    </time>
  );
}
