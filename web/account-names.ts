/** Names of accounts for their ids, each asked for once. */
import { useEffect, useState } from 'preact/hooks';
import type { Account, Api } from './api.ts';

export function useAccountNames(api: Api, ids: readonly string[]): (id: string) => string {
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  const unknown = ids.filter((id) => !names.has(id)).join(' ');
  useEffect(() => {
    if (unknown === '') return;
    const asked = unknown.split(' ');
    // Until the answer comes, and if none does, the id is the name.
    setNames((before) => new Map([...asked.map((id) => [id, id] as const), ...before]));
    for (const id of asked) {
      void api.get<Account>(`/accounts/${encodeURIComponent(id)}`).then((answer) => {
        if (answer.ok && answer.value.name !== '') {
          const { name } = answer.value;
          setNames((before) => new Map(before).set(id, name));
        }
      });
    }
  }, [api, unknown]);
  return (id) => names.get(id) ?? id;
}
