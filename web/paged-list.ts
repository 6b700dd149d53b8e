/** A list of the server, a page at a time, read again after each change. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Api, List } from './api.ts';

export const PAGE_SIZE = 25;
const TYPING_PAUSE_MS = 250;

export interface PagedList<T> {
  /** Undefined: not read yet. */
  readonly items: readonly T[] | undefined;
  readonly error: string;
  readonly match: string;
  setMatch(text: string): void;
  /** Undefined: there is none. */
  readonly next: (() => void) | undefined;
  readonly previous: (() => void) | undefined;
  readonly page: number;
  reload(): void;
}

export function usePagedList<T>(api: Api, path: string): PagedList<T> {
  const [list, setList] = useState<List<T>>();
  const [error, setError] = useState('');
  const [match, setMatch] = useState('');
  /** `after` of each page up to this one. */
  const [cursors, setCursors] = useState<readonly string[]>(['']);
  const [version, setVersion] = useState(0);
  const wait = useRef(0);
  const after = cursors.at(-1) ?? '';

  useEffect(() => {
    let current = true;
    const query = new URLSearchParams({ after, limit: String(PAGE_SIZE), match });
    const load = async (): Promise<void> => {
      const answer = await api.get<List<T>>(`${path}?${query.toString()}`);
      if (!current) return;
      setError(answer.ok ? '' : answer.detail);
      if (!answer.ok) return;
      // The last item of the last page was removed.
      if (answer.value.items.length === 0 && cursors.length > 1) setCursors(cursors.slice(0, -1));
      else setList(answer.value);
    };
    const timer = window.setTimeout(() => void load(), wait.current);
    wait.current = 0;
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [api, path, after, match, version]);

  const next = list?.next ?? undefined;
  return {
    items: list?.items,
    error,
    match,
    setMatch(text) {
      wait.current = TYPING_PAUSE_MS;
      setCursors(['']);
      setMatch(text);
    },
    next: next === undefined ? undefined : () => setCursors([...cursors, next]),
    previous: cursors.length > 1 ? () => setCursors(cursors.slice(0, -1)) : undefined,
    page: cursors.length,
    reload: () => setVersion((one) => one + 1),
  };
}
