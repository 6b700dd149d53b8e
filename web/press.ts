/** Buttons that ask something of the server: which are under way, and what the server refused last. */
import { useMemo, useRef, useState } from 'preact/hooks';
import type { Api } from './api.ts';

/** `suffix`: below the path of the conference. */
export type Press = (method: 'POST' | 'DELETE', suffix: string, body?: unknown) => void;

export interface Pressing {
  /** Stays the same, so that rows need not be drawn anew. */
  readonly press: Press;
  readonly busy: ReadonlySet<string>;
  readonly error: string;
}

export function usePress(api: Api, conferenceId: string): Pressing {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const apiNow = useRef(api);
  apiNow.current = api;
  const press = useMemo<Press>(
    () => (method, suffix, body) => {
      setBusy((all) => new Set(all).add(suffix));
      setError('');
      const path = `/conferences/${encodeURIComponent(conferenceId)}${suffix}`;
      void apiNow.current.send(method, path, body).then((answer) => {
        setBusy((all) => {
          const rest = new Set(all);
          rest.delete(suffix);
          return rest;
        });
        if (!answer.ok) setError(answer.detail);
      });
    },
    [conferenceId],
  );
  return { press, busy, error };
}
