/** Why was this call refused: searched by number, dialled number or Call-ID. */
import { useState } from 'preact/hooks';
import type { Api, List, Refusal } from './api.ts';

interface Search {
  readonly caller: string;
  readonly dnis: string;
  readonly callId: string;
}

const NOTHING: Search = { caller: '', dnis: '', callId: '' };
const FIELDS: readonly { readonly name: keyof Search; readonly label: string }[] = [
  { name: 'caller', label: 'Calling number (a prefix ends in *)' },
  { name: 'dnis', label: 'Dialled number' },
  { name: 'callId', label: 'Call-ID' },
];
const PAGE_SIZE = '25';

export function RefusalsTab({ api }: { api: Api }) {
  const [search, setSearch] = useState<Search>(NOTHING);
  const [found, setFound] = useState<readonly Refusal[]>();
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState('');

  const read = async (after: string | null): Promise<void> => {
    const query = new URLSearchParams({ limit: PAGE_SIZE });
    for (const [name, value] of Object.entries(search)) {
      if (value.trim() !== '') query.set(name, value.trim());
    }
    if (after !== null) query.set('after', after);
    const answer = await api.get<List<Refusal>>(`/refusals?${query.toString()}`);
    setError(answer.ok ? '' : answer.detail);
    if (!answer.ok) return;
    const { items } = answer.value;
    setFound(after === null ? items : [...(found ?? []), ...items]);
    setNext(answer.value.next ?? null);
  };

  return (
    <section aria-labelledby="refusals-title">
      <h1 id="refusals-title">Refused calls</h1>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          void read(null);
        }}
      >
        {FIELDS.map(({ name, label }) => (
          <div class="field" key={name}>
            <label for={`search-${name}`}>{label}</label>
            <input
              id={`search-${name}`}
              value={search[name]}
              autocomplete="off"
              onInput={(event) => setSearch({ ...search, [name]: event.currentTarget.value })}
            />
          </div>
        ))}
        <button type="submit" class="primary">
          Search
        </button>
      </form>
      <p class="error" role="alert">
        {error}
      </p>
      <p role="status">
        {found === undefined ? '' : found.length === 0 ? 'No refused call fits.' : ''}
      </p>
      <ul class="plain alarms">
        {(found ?? []).map((one) => (
          <li key={one.callId} class="bad">
            <strong>{one.meaning}</strong>
            <p class="small">
              <time dateTime={one.at}>{new Date(one.at).toLocaleString()}</time>,{' '}
              {one.callerName ?? (one.callerNumber === '' ? 'number withheld' : one.callerNumber)}{' '}
              to {one.dnis} over {one.trunk}, {one.vruId}, rule {one.reason}
            </p>
            <p>{one.remedy}</p>
            <p class="small json">Call-ID {one.sipCallId}</p>
          </li>
        ))}
      </ul>
      {next === null ? null : (
        <button type="button" onClick={() => void read(next)}>
          Older ones
        </button>
      )}
    </section>
  );
}
