/** A question before something that cannot be taken back. Escape and the first button mean no. */
import { useLayoutEffect, useRef } from 'preact/hooks';

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
  readonly onYes: () => void;
}

export function Confirm({ question, onDone }: { question: Question; onDone: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  // The next question may come before the browser has told that the last one was closed.
  useLayoutEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
  }, [question]);
  const closed = (): void => {
    if (dialog.current?.open !== true) onDone();
  };
  return (
    <dialog ref={dialog} aria-labelledby="question" onClose={closed}>
      <h2 id="question">{question.title}</h2>
      <p>{question.text}</p>
      <div class="tools">
        <button type="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <button
          type="button"
          class="danger"
          onClick={() => {
            question.onYes();
            dialog.current?.close();
          }}
        >
          {question.yes}
        </button>
      </div>
    </dialog>
  );
}
