/** Who guesses codes, as the fraud shields noticed it. */
import { useEffect, useState } from 'preact/hooks';
import type { Alarm, Api, List } from './api.ts';

const EVERY_MS = 5_000;

export function AlarmsTab({ api }: { api: Api }) {
  const [alarms, setAlarms] = useState<readonly Alarm[]>();
  const [error, setError] = useState('');
  useEffect(() => {
    let current = true;
    let timer = 0;
    const poll = async (): Promise<void> => {
      const answer = await api.get<List<Alarm>>('/alarms');
      if (!current) return;
      if (answer.ok) setAlarms(answer.value.items);
      setError(answer.ok ? '' : answer.detail);
      timer = window.setTimeout(() => void poll(), EVERY_MS);
    };
    void poll();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [api]);
  return (
    <section aria-labelledby="alarms-title">
      <h1 id="alarms-title">Alarms</h1>
      <p class="help">
        Sources that gave wrong codes until they were locked out, and trunks on which many do. Kept
        since the server was started; the log has all of them.
      </p>
      <p class="error" role="alert">
        {error}
      </p>
      {alarms?.length === 0 ? <p>None.</p> : null}
      <ul class="plain alarms">
        {(alarms ?? []).map((one) => (
          <li
            key={`${one.at} ${inWords(one)}`}
            class={one.alarm.kind === 'trunk-calm' ? '' : 'bad'}
          >
            <time dateTime={one.at}>{new Date(one.at).toLocaleString()}</time> {inWords(one)}
          </li>
        ))}
      </ul>
    </section>
  );
}

const from = (trunk: string): string => (trunk === '*' ? 'from many addresses' : `over ${trunk}`);

function inWords({ alarm, node }: Alarm): string {
  switch (alarm.kind) {
    case 'source-locked': {
      const { caller, trunk } = alarm.source;
      const who = caller === '' ? 'a caller without number' : caller;
      const minutes = Math.round(alarm.lockMs / 60_000);
      return `${who} over ${trunk} is locked out for ${minutes} min after ${alarm.misses} wrong codes (${node}).`;
    }
    case 'trunk-attacked':
      return `Codes are being guessed ${from(alarm.trunk)} (${node}).`;
    case 'trunk-calm':
      return `No more guessing ${from(alarm.trunk)} (${node}).`;
  }
}
