/** What the account sets for a conference, asked for when it is opened and when the stream is back. */
import { useEffect, useState } from 'preact/hooks';
import type { Api } from './api.ts';

export interface Rules {
  readonly maxConferees: number | null;
  readonly endsAt: string | null;
  readonly mayRecord: boolean;
  readonly recordsNames: boolean;
}

/** Until the answer is here nothing is promised. */
const UNKNOWN: Rules = { maxConferees: null, endsAt: null, mayRecord: false, recordsNames: false };

export function useRules(api: Api, id: string, live: boolean): Rules {
  const [rules, setRules] = useState(UNKNOWN);
  useEffect(() => {
    if (!live) return;
    let current = true;
    void api.get<Rules>(`/conferences/${encodeURIComponent(id)}/rules`).then((answer) => {
      if (current && answer.ok) setRules(answer.value);
    });
    return () => {
      current = false;
    };
  }, [api, id, live]);
  return rules;
}
