/** Dialled numbers and what they run. */
import type { Answer, Api, Dnis } from './api.ts';
import { type RecordKind, RecordTab } from './record-tab.tsx';

const APPLICATIONS = {
  conference: 'conference',
  echo: 'echo',
  announcement: 'announcement',
  menu: 'menu',
  voicemail: 'voicemail',
};

const refused = (field: string, message: string): Promise<Answer<unknown>> =>
  Promise.resolve({
    ok: false,
    status: 422,
    detail: message,
    fields: new Map([[field, message]]),
  });

const KIND: RecordKind<Dnis> = {
  title: 'Dialled numbers',
  one: 'number',
  path: '/dnis',
  columns: ['Number', 'Application', 'Language', 'Settings'],
  cells: (one) => [
    one.dnis,
    one.application,
    one.language,
    Object.keys(one.settings).length === 0 ? (
      ''
    ) : (
      <code class="json">{JSON.stringify(one.settings)}</code>
    ),
  ],
  id: ({ dnis }) => dnis,
  name: ({ dnis }) => dnis,
  removal: 'Callers of this number are no longer answered by it.',
  fields: [
    {
      name: 'dnis',
      label: 'Number',
      kind: 'text',
      required: true,
      help: 'A prefix ends in *; the longest that fits counts.',
      fixed: true,
    },
    { name: 'application', label: 'Application', kind: 'choice', choices: APPLICATIONS },
    { name: 'language', label: 'Language', kind: 'text' },
    { name: 'ringMs', label: 'Rings first, milliseconds', kind: 'number' },
    {
      name: 'settings',
      label: 'Settings of the application',
      kind: 'lines',
      help: 'A JSON object, such as {"keyMap": "teams"}.',
    },
  ],
  values: (one) => ({
    dnis: one?.dnis ?? '',
    application: one?.application ?? 'conference',
    language: one?.language ?? 'en',
    ringMs: one?.ringMs === undefined ? '' : String(one.ringMs),
    settings:
      one === undefined || Object.keys(one.settings).length === 0
        ? ''
        : JSON.stringify(one.settings, null, 2),
  }),
  save(api, values, before) {
    const text = (name: string): string => (values[name] ?? '').trim();
    let settings: unknown = {};
    try {
      if (text('settings') !== '') settings = JSON.parse(text('settings'));
    } catch (error) {
      return refused('settings', `Not JSON: ${error instanceof Error ? error.message : ''}`);
    }
    const { ringMs: _, ...rest } = before ?? { ringMs: undefined };
    return api.send('PUT', '/dnis', {
      ...rest,
      dnis: before?.dnis ?? text('dnis'),
      application: text('application'),
      language: text('language') || 'en',
      ...(text('ringMs') === '' ? {} : { ringMs: Number(text('ringMs')) }),
      settings,
    });
  },
};

export function NumbersTab({ api }: { api: Api }) {
  return <RecordTab api={api} kind={KIND} />;
}
