/** A tab of records: a table with pages and a search, a form to add and to change, removal after a question. */
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { Answer, Api } from './api.ts';
import { Confirm, type Question } from './confirm.tsx';
import { usePagedList } from './paged-list.ts';
import { type Field, RecordDialog } from './record-dialog.tsx';

export interface RecordKind<T> {
  readonly title: string;
  /** Such as "account". */
  readonly one: string;
  readonly path: string;
  readonly columns: readonly string[];
  cells(item: T): readonly ComponentChildren[];
  id(item: T): string;
  name(item: T): string;
  readonly fields: readonly Field[];
  /** What the fields show of it; undefined: a new one. */
  values(item: T | undefined): Readonly<Record<string, string>>;
  /** `before`: what is there, so that what the form does not know stays. A string: field and what is wrong. */
  save(
    api: Api,
    values: Readonly<Record<string, string>>,
    before: T | undefined,
  ): Promise<Answer<unknown>>;
  /** What removing it means. */
  readonly removal: string;
}

interface Editing<T> {
  readonly before: T | undefined;
}

export function RecordTab<T>({ api, kind }: { api: Api; kind: RecordKind<T> }) {
  const list = usePagedList<T>(api, kind.path);
  const [question, setQuestion] = useState<Question>();
  const [editing, setEditing] = useState<Editing<T>>();
  const [refused, setRefused] = useState('');
  const [done, setDone] = useState('');
  const heading = useRef<HTMLHeadingElement>(null);

  const remove = (item: T): void =>
    setQuestion({
      title: `Remove ${kind.name(item)}?`,
      text: kind.removal,
      yes: 'Remove',
      onYes: () =>
        void api
          .send('DELETE', `${kind.path}/${encodeURIComponent(kind.id(item))}`)
          .then((answer) => {
            setRefused(answer.ok ? '' : answer.detail);
            setDone(answer.ok ? `${kind.name(item)} was removed.` : '');
            list.reload();
            heading.current?.focus();
          }),
    });

  return (
    <section aria-labelledby="tab-title">
      <div class="tab-head">
        <h1 id="tab-title" ref={heading} tabIndex={-1}>
          {kind.title}
        </h1>
        <label class="find">
          <span class="unseen">Search {kind.title.toLowerCase()}</span>
          <input
            type="search"
            placeholder="Search"
            value={list.match}
            onInput={(event) => list.setMatch(event.currentTarget.value)}
          />
        </label>
        <button type="button" class="primary" onClick={() => setEditing({ before: undefined })}>
          Add {kind.one} …
        </button>
      </div>
      <p class="error" role="alert">
        {list.error === '' ? refused : list.error}
      </p>
      <p class="unseen" role="status">
        {done}
      </p>
      <Table {...{ kind, items: list.items, remove }} onEdit={(before) => setEditing({ before })} />
      <Pages {...list} />
      {editing === undefined ? null : (
        <RecordDialog
          title={editing.before === undefined ? `Add ${kind.one}` : kind.name(editing.before)}
          fields={kind.fields.filter(({ fixed }) => editing.before === undefined || fixed !== true)}
          values={kind.values(editing.before)}
          onSave={async (values) => {
            const answer = await kind.save(api, values, editing.before);
            if (answer.ok) {
              setDone('Saved.');
              setRefused('');
              list.reload();
            }
            return answer;
          }}
          onDone={() => setEditing(undefined)}
        />
      )}
      {question === undefined ? null : (
        <Confirm question={question} onDone={() => setQuestion(undefined)} />
      )}
    </section>
  );
}

interface TableProps<T> {
  readonly kind: RecordKind<T>;
  readonly items: readonly T[] | undefined;
  readonly remove: (item: T) => void;
  readonly onEdit: (item: T) => void;
}

function Table<T>({ kind, items, remove, onEdit }: TableProps<T>) {
  if (items === undefined) return <p role="status">Reading …</p>;
  if (items.length === 0) return <p role="status">Nothing fits.</p>;
  return (
    <table class="records">
      <thead>
        <tr>
          {kind.columns.map((column) => (
            <th scope="col" key={column}>
              {column}
            </th>
          ))}
          <th scope="col">
            <span class="unseen">Change</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr key={kind.id(item)}>
            {kind.cells(item).map((cell, index) => (
              <td key={kind.columns[index]} data-label={kind.columns[index]}>
                {cell}
              </td>
            ))}
            <td class="row-tools">
              <button
                type="button"
                aria-label={`Edit ${kind.name(item)}`}
                onClick={() => onEdit(item)}
              >
                Edit …
              </button>
              <button
                type="button"
                class="danger"
                aria-label={`Remove ${kind.name(item)}`}
                onClick={() => remove(item)}
              >
                Remove …
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface PagesProps {
  readonly page: number;
  readonly next: (() => void) | undefined;
  readonly previous: (() => void) | undefined;
}

function Pages({ page, next, previous }: PagesProps) {
  if (next === undefined && previous === undefined) return null;
  return (
    <nav class="pages" aria-label="Pages">
      <button type="button" disabled={previous === undefined} onClick={previous}>
        ← Previous
      </button>
      <span role="status">Page {page}</span>
      <button type="button" disabled={next === undefined} onClick={next}>
        Next →
      </button>
    </nav>
  );
}
