/** What happened in a conference: a list to open, and a summary for those who hear the page. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Conference } from './state.ts';
import { announcement } from './words.ts';

/** Events within it are said together, so that fifty people who come in are one sentence. */
const GATHER_MS = 1_500;

function useAnnouncement({ activity }: Conference): string {
  const [said, setSaid] = useState('');
  const newest = activity.at(-1)?.number ?? 0;
  const upTo = useRef(newest);
  const timer = useRef(0);
  const latest = useRef(activity);
  latest.current = activity;
  useEffect(() => {
    if (newest <= upTo.current || timer.current !== 0) return;
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      const news = latest.current.filter(({ number }) => number > upTo.current);
      upTo.current = latest.current.at(-1)?.number ?? upTo.current;
      setSaid(announcement(news));
    }, GATHER_MS);
  }, [newest]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return said;
}

export function Happened({ conference }: { conference: Conference }) {
  const said = useAnnouncement(conference);
  return (
    <>
      <p class="unseen" aria-live="polite" aria-atomic="true" data-said>
        {said}
      </p>
      {conference.activity.length === 0 ? null : (
        <details class="happened">
          <summary>What happened</summary>
          <ol reversed>
            {conference.activity.toReversed().map(({ number, atMs, text }) => (
              <li key={number}>
                <time dateTime={new Date(atMs).toISOString()}>
                  {new Date(atMs).toLocaleTimeString()}
                </time>{' '}
                {text}
              </li>
            ))}
          </ol>
        </details>
      )}
    </>
  );
}
