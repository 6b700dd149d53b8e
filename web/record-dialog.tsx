/** A form in a dialog. What is wrong is said at its field, and the focus goes to the first such field. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from './api.ts';

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly help?: string;
  readonly kind: 'text' | 'digits' | 'number' | 'lines' | 'choice';
  readonly required?: boolean;
  /** Value → words, of a choice. */
  readonly choices?: Readonly<Record<string, string>>;
  /** Only when a record is added. */
  readonly fixed?: boolean;
}

interface Props {
  readonly title: string;
  readonly fields: readonly Field[];
  readonly values: Readonly<Record<string, string>>;
  readonly onSave: (values: Readonly<Record<string, string>>) => Promise<Answer<unknown>>;
  readonly onDone: () => void;
}

export function RecordDialog({ title, fields, values, onSave, onDone }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const [now, setNow] = useState(values);
  const [wrong, setWrong] = useState<ReadonlyMap<string, string>>(new Map());
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  useLayoutEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [wrong]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const missing = fields.filter(
      ({ name, required }) => required === true && (now[name] ?? '').trim() === '',
    );
    setError('');
    if (missing.length > 0) {
      setWrong(new Map(missing.map(({ name }) => [name, 'Needed.'])));
      return;
    }
    setBusy(true);
    const answer = await onSave(now);
    setBusy(false);
    if (answer.ok) {
      dialog.current?.close();
      return;
    }
    const known = new Set(fields.map(({ name }) => name));
    const atFields = [...answer.fields].filter(([name]) => known.has(name));
    setWrong(new Map(atFields));
    // Said once: at the fields, or above them.
    setError(atFields.length === 0 ? answer.detail : '');
  };

  return (
    <dialog ref={dialog} class="form" aria-labelledby="record-title" onClose={onDone}>
      <h2 id="record-title">{title}</h2>
      <form ref={form} onSubmit={submit} noValidate aria-busy={busy}>
        <p class="error" role="alert">
          {error}
        </p>
        <div class="fields">
          {fields.map((field) => (
            <FieldInput
              key={field.name}
              field={field}
              value={now[field.name] ?? ''}
              wrong={wrong.get(field.name)}
              onChange={(value) => setNow({ ...now, [field.name]: value })}
            />
          ))}
        </div>
        <div class="tools">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            Save
          </button>
        </div>
      </form>
    </dialog>
  );
}

interface InputProps {
  readonly field: Field;
  readonly value: string;
  readonly wrong: string | undefined;
  readonly onChange: (value: string) => void;
}

function FieldInput({ field, value, wrong, onChange }: InputProps) {
  const { name, label, help, kind, required = false } = field;
  const id = `field-${name}`;
  const describedBy = [
    ...(help === undefined ? [] : [`${id}-help`]),
    ...(wrong === undefined ? [] : [`${id}-wrong`]),
  ].join(' ');
  const shared = {
    id,
    name,
    value,
    'aria-required': required,
    'aria-invalid': wrong !== undefined,
    'aria-describedby': describedBy === '' ? undefined : describedBy,
  };
  return (
    <div class={`field${kind === 'lines' ? ' wide' : ''}`}>
      <label for={id}>{label}</label>
      {kind === 'choice' ? (
        <select {...shared} onChange={(event) => onChange(event.currentTarget.value)}>
          {Object.entries(field.choices ?? {}).map(([choice, words]) => (
            <option key={choice} value={choice}>
              {words}
            </option>
          ))}
        </select>
      ) : kind === 'lines' ? (
        <textarea
          {...shared}
          rows={5}
          spellcheck={false}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      ) : (
        <input
          {...shared}
          inputMode={kind === 'text' ? undefined : 'numeric'}
          autocomplete="off"
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
      {help === undefined ? null : (
        <p class="help" id={`${id}-help`}>
          {help}
        </p>
      )}
      {wrong === undefined ? null : (
        <p class="error" id={`${id}-wrong`}>
          {wrong}
        </p>
      )}
    </div>
  );
}
