/** Recordings of a conference: start and stop, and the files that its log knows of. */
import type { Api } from './api.ts';
import { inHours } from './elapsed.tsx';
import { useLogDialog } from './log-dialog.ts';
import type { Press } from './press.ts';
import { type RecordedFile, recordingsOf } from './recorded-files.ts';
import type { Conference } from './state.ts';

interface Props {
  readonly api: Api;
  readonly conference: Conference;
  readonly usable: boolean;
  readonly mayRecord: boolean;
  readonly press: Press;
  readonly busy: ReadonlySet<string>;
}

export function Recordings({ api, conference, usable, mayRecord, press, busy }: Props) {
  const { dialog, found, status, open } = useLogDialog(api, conference.id, recordingsOf);
  const { recordingSince } = conference;
  if (!mayRecord && recordingSince === null) return null;

  return (
    <>
      <button
        type="button"
        disabled={!usable}
        aria-busy={busy.has('/recording')}
        onClick={() => press(recordingSince === null ? 'POST' : 'DELETE', '/recording')}
      >
        {recordingSince === null ? 'Record' : 'Stop recording'}
      </button>
      <button type="button" onClick={() => void open()}>
        Recordings
      </button>
      <dialog ref={dialog} aria-labelledby="recordings-title">
        <h2 id="recordings-title">Recordings</h2>
        <p role="status">{status}</p>
        <FileList files={found} />
        <div class="tools">
          <button type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </dialog>
    </>
  );
}

function FileList({ files }: { files: readonly RecordedFile[] | undefined }) {
  if (files === undefined) return null;
  if (files.length === 0) return <p>Nothing of this conference is recorded.</p>;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section class="scroll" tabIndex={0} aria-label="Recorded files">
        <table>
          <thead>
            <tr>
              <th scope="col">Begun</th>
              <th scope="col">Length</th>
              <th scope="col">File</th>
            </tr>
          </thead>
          <tbody>
            {files.map(({ number, startedMs, endedMs, file, mixerId }) => (
              <tr key={number}>
                <td>{new Date(startedMs).toLocaleTimeString()}</td>
                <td>{endedMs === undefined ? 'runs' : inHours((endedMs - startedMs) / 1_000)}</td>
                <td class="json">
                  {file} <span class="small">on {mixerId}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="help">Files lie below recordings/ in the data directory of that mixer.</p>
    </>
  );
}
