/** Accounts and dialled numbers: lists, a form to add, removal after a question. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Account, Api, Dnis, List } from './api.ts';
import { Confirm, type Question } from './confirm.tsx';

/** A list that is read again after each change. */
function useList<T>(api: Api, path: string) {
  const [items, setItems] = useState<readonly T[]>([]);
  const [error, setError] = useState('');
  const load = async (): Promise<void> => {
    const answer = await api.get<List<T>>(path);
    if (answer.ok) setItems(answer.value.items);
    else setError(answer.detail);
  };
  useEffect(() => void load(), [api, path]);
  const change = async (
    method: 'POST' | 'PUT' | 'DELETE',
    at: string,
    body?: unknown,
  ): Promise<boolean> => {
    const answer = await api.send(method, at, body);
    setError(answer.ok ? '' : answer.detail);
    await load();
    return answer.ok;
  };
  return { items, error, change };
}

const field = (form: FormData, name: string): string => String(form.get(name) ?? '').trim();

interface TabProps {
  readonly title: string;
  readonly error: string;
  readonly columns: readonly string[];
  readonly rows: ComponentChildren;
  readonly fields: ComponentChildren;
  readonly addTitle: string;
  readonly onAdd: (form: FormData) => Promise<boolean>;
}

function Tab({ title, error, columns, rows, fields, addTitle, onAdd }: TabProps) {
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    if (await onAdd(new FormData(form))) form.reset();
  };
  return (
    <section aria-labelledby="tab-title">
      <h1 id="tab-title">{title}</h1>
      <p class="error" role="alert">
        {error}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section class="scroll" tabIndex={0} aria-label={`List of ${title.toLowerCase()}`}>
        <table>
          <thead>
            <tr>
              {columns.map((column) => (
                <th scope="col" key={column}>
                  {column}
                </th>
              ))}
              <th scope="col">
                <span class="unseen">Remove</span>
              </th>
            </tr>
          </thead>
          <tbody>{rows}</tbody>
        </table>
      </section>
      <h2>{addTitle}</h2>
      <form class="fields" onSubmit={submit}>
        {fields}
        <button type="submit" class="primary">
          Add
        </button>
      </form>
    </section>
  );
}

export function AccountsTab({ api }: { api: Api }) {
  const { items, error, change } = useList<Account>(api, '/accounts');
  const [question, setQuestion] = useState<Question>();
  const add = (form: FormData): Promise<boolean> => {
    const codes = (name: string) =>
      field(form, name) === '' ? {} : { [name]: [field(form, name)] };
    return change('POST', '/accounts', {
      name: field(form, 'name'),
      ...codes('hostCodes'),
      ...codes('participantCodes'),
      waitingMode: field(form, 'waitingMode'),
      mixerClass: field(form, 'mixerClass') || 'standard',
    });
  };
  const remove = ({ id, name }: Account): void =>
    setQuestion({
      title: `Remove ${name || id}?`,
      text: 'Its codes are no longer taken. Calls in progress go on.',
      yes: 'Remove',
      onYes: () => void change('DELETE', `/accounts/${encodeURIComponent(id)}`),
    });
  return (
    <>
      <Tab
        title="Accounts"
        error={error}
        columns={['Name', 'Host codes', 'Participant codes', 'Waiting', 'Class']}
        rows={items.map((one) => (
          <tr key={one.id}>
            <td>{one.name || one.id}</td>
            <td>{one.hostCodes.join(', ')}</td>
            <td>{one.participantCodes.join(', ')}</td>
            <td>{one.waitingMode}</td>
            <td>{one.mixerClass}</td>
            <td>
              <button
                type="button"
                class="danger"
                aria-label={`Remove ${one.name || one.id}`}
                onClick={() => remove(one)}
              >
                Remove
              </button>
            </td>
          </tr>
        ))}
        addTitle="Add an account"
        onAdd={add}
        fields={
          <>
            <label>
              Name
              <input name="name" required maxLength={128} />
            </label>
            <label>
              Host code (made if empty)
              <input name="hostCodes" inputMode="numeric" pattern="[0-9]{1,32}" />
            </label>
            <label>
              Participant code (made if empty)
              <input name="participantCodes" inputMode="numeric" pattern="[0-9]{1,32}" />
            </label>
            <label>
              Before the host comes
              <select name="waitingMode">
                <option value="hold">music on hold</option>
                <option value="start">the conference starts</option>
                <option value="mingle">they talk in a waiting room</option>
              </select>
            </label>
            <label>
              Mixer class
              <input name="mixerClass" placeholder="standard" pattern="[a-z0-9\-]{1,32}" />
            </label>
          </>
        }
      />
      {question === undefined ? null : (
        <Confirm question={question} onDone={() => setQuestion(undefined)} />
      )}
    </>
  );
}

const APPLICATIONS = ['conference', 'echo', 'announcement', 'menu', 'voicemail'];

export function NumbersTab({ api }: { api: Api }) {
  const { items, error, change } = useList<Dnis>(api, '/dnis');
  const [question, setQuestion] = useState<Question>();
  const remove = ({ dnis }: Dnis): void =>
    setQuestion({
      title: `Remove ${dnis}?`,
      text: 'Callers of this number are no longer answered by it.',
      yes: 'Remove',
      onYes: () => void change('DELETE', `/dnis/${encodeURIComponent(dnis)}`),
    });
  return (
    <>
      <Tab
        title="Dialled numbers"
        error={error}
        columns={['Number', 'Application', 'Language']}
        rows={items.map((one) => (
          <tr key={one.dnis}>
            <td>{one.dnis}</td>
            <td>{one.application}</td>
            <td>{one.language}</td>
            <td>
              <button
                type="button"
                class="danger"
                aria-label={`Remove ${one.dnis}`}
                onClick={() => remove(one)}
              >
                Remove
              </button>
            </td>
          </tr>
        ))}
        addTitle="Add a number"
        onAdd={(form) =>
          change('PUT', '/dnis', {
            dnis: field(form, 'dnis'),
            application: field(form, 'application'),
          })
        }
        fields={
          <>
            <label>
              Number, or a prefix with * at its end
              <input name="dnis" required maxLength={64} />
            </label>
            <label>
              Application
              <select name="application">
                {APPLICATIONS.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
          </>
        }
      />
      {question === undefined ? null : (
        <Confirm question={question} onDone={() => setQuestion(undefined)} />
      )}
    </>
  );
}
