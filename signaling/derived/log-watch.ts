/** One watch over all event logs for everything that is derived from them: each document is read once. */
import type { ConferenceId } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Store, Watch } from '../../common/store/store.ts';
import { type EventDocument, eventDocument } from '../conference/events.ts';

const PREFIX = 'event/';
const FIRST = '00000001';

export interface LogReader {
  /** In order per conference; first what is in the store. Bounded work, and no waiting: the store's callers wait. */
  onDocument(id: ConferenceId, document: EventDocument): void;
  /** The log was dropped; nothing more comes of it. */
  onGone(id: ConferenceId): void;
}

export function watchLogs(
  { store, log }: { readonly store: Store; readonly log: Logger },
  readers: readonly LogReader[],
): Promise<Watch> {
  return store.watch(PREFIX, (change) => {
    const [, id, number] = change.key.split('/');
    if (id === undefined) return;
    const conferenceId = id as ConferenceId;
    if (change.kind === 'delete') {
      // Logs are dropped from the end, so the first document goes last.
      if (number === FIRST) for (const reader of readers) reader.onGone(conferenceId);
      return;
    }
    const document = eventDocument.safeParse(change.value);
    if (!document.success) {
      log.error({ key: change.key }, 'unreadable event document');
      return;
    }
    for (const reader of readers) reader.onDocument(conferenceId, document.data);
  });
}
