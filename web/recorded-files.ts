/** The recordings of a conference, as its log knows of them. Pure. */
import type { NumberedEvent } from './state.ts';

export interface RecordedFile {
  readonly number: number;
  readonly startedMs: number;
  /** Undefined: it runs. */
  readonly endedMs: number | undefined;
  readonly file: string;
  readonly mixerId: string;
}

/** Pure. A recording whose mixer was lost ended then, by the next event that says so. */
export function recordingsOf(events: readonly NumberedEvent[]): readonly RecordedFile[] {
  const files: RecordedFile[] = [];
  const end = (endedMs: number, file?: string): void => {
    const last = files.at(-1);
    if (last === undefined || last.endedMs !== undefined) return;
    files[files.length - 1] = { ...last, endedMs, file: file ?? last.file };
  };
  for (const { number, atMs, event } of events) {
    if (event.kind === 'recording' && event.on) {
      const { file = '', mixerId = '' } = event;
      files.push({ number, startedMs: atMs, endedMs: undefined, file, mixerId });
    } else if (event.kind === 'recording') end(atMs, event.file);
    else if (event.kind === 'mixer-replaced' || event.kind === 'ended') end(atMs);
  }
  return files;
}
