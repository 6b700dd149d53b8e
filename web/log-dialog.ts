/** A dialog with what is read out of the whole event log of a conference each time it opens. */
import { useRef, useState } from 'preact/hooks';
import type { Api } from './api.ts';
import { allEvents } from './event-pages.ts';
import type { NumberedEvent } from './state.ts';

export function useLogDialog<T>(
  api: Api,
  conferenceId: string,
  read: (events: readonly NumberedEvent[]) => T,
) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [found, setFound] = useState<T>();
  const [error, setError] = useState('');
  const open = async (): Promise<void> => {
    setFound(undefined);
    setError('');
    dialog.current?.showModal();
    const events = await allEvents(api, conferenceId);
    if (events === undefined) setError('The list cannot be read now.');
    else setFound(read(events));
  };
  const status = error === '' && found === undefined ? 'Reading …' : error;
  return { dialog, found, status, open };
}
