/** Accounts: who may open and enter conferences, and how these behave. */
import type { Account, Api } from './api.ts';
import { type RecordKind, RecordTab } from './record-tab.tsx';

const WAITING = {
  hold: 'they hear music',
  start: 'the conference begins',
  mingle: 'they talk in a waiting room',
};
const BEFORE: Readonly<Record<string, string>> = {
  hold: 'music',
  start: 'begins',
  mingle: 'waiting room',
};
const HOST_LEAVES = {
  continue: 'it goes on',
  end: 'it ends after the grace time',
  wait: 'they wait again after the grace time',
};

const codes = (text: string): string[] => text.split(/[\s,;]+/).filter((code) => code !== '');
const whole = (text: string): number => Number(text.trim());

const KIND: RecordKind<Account> = {
  title: 'Accounts',
  one: 'account',
  path: '/accounts',
  columns: ['Name', 'Host codes', 'Participant codes', 'Before the host', 'Class'],
  cells: (one) => [
    one.name || one.id,
    one.hostCodes.join(', '),
    one.participantCodes.join(', '),
    BEFORE[one.waitingMode] ?? one.waitingMode,
    one.mixerClass,
  ],
  id: ({ id }) => id,
  name: ({ id, name }) => name || id,
  removal: 'Its codes are no longer taken. Calls in progress go on.',
  fields: [
    { name: 'name', label: 'Name', kind: 'text', required: true },
    {
      name: 'hostCodes',
      label: 'Host codes',
      kind: 'digits',
      help: 'Digits; several with commas. A new account without any gets one.',
    },
    { name: 'participantCodes', label: 'Participant codes', kind: 'digits' },
    {
      name: 'waitingMode',
      label: 'Participants before the host',
      kind: 'choice',
      choices: WAITING,
    },
    {
      name: 'hostLeaves',
      label: 'When the last host leaves',
      kind: 'choice',
      choices: HOST_LEAVES,
    },
    { name: 'graceMs', label: 'Grace time, seconds', kind: 'number' },
    {
      name: 'maxConferees',
      label: 'Most conferees',
      kind: 'number',
      help: 'Empty: as many as the mixers can.',
    },
    { name: 'mixerClass', label: 'Mixer class', kind: 'text' },
    { name: 'language', label: 'Language', kind: 'text' },
  ],
  values: (one) => ({
    name: one?.name ?? '',
    hostCodes: one?.hostCodes.join(', ') ?? '',
    participantCodes: one?.participantCodes.join(', ') ?? '',
    waitingMode: one?.waitingMode ?? 'hold',
    hostLeaves: one?.hostLeaves ?? 'continue',
    graceMs: String((one?.graceMs ?? 60_000) / 1000),
    maxConferees: one?.maxConferees === undefined ? '' : String(one.maxConferees),
    mixerClass: one?.mixerClass ?? 'standard',
    language: one?.language ?? 'en',
  }),
  save(api, values, before) {
    const text = (name: string): string => (values[name] ?? '').trim();
    const given = { host: codes(text('hostCodes')), guest: codes(text('participantCodes')) };
    const { id, maxConferees: _, ...rest } = before ?? { id: '', maxConferees: undefined };
    const body = {
      ...rest,
      name: text('name'),
      // A new account without codes gets some; one that is there says what it wants.
      ...(before === undefined && given.host.length === 0 ? {} : { hostCodes: given.host }),
      ...(before === undefined && given.guest.length === 0
        ? {}
        : { participantCodes: given.guest }),
      waitingMode: text('waitingMode'),
      hostLeaves: text('hostLeaves'),
      graceMs: whole(text('graceMs')) * 1000,
      ...(text('maxConferees') === '' ? {} : { maxConferees: whole(text('maxConferees')) }),
      mixerClass: text('mixerClass') || 'standard',
      language: text('language') || 'en',
    };
    return before === undefined
      ? api.send('POST', '/accounts', body)
      : api.send('PUT', `/accounts/${encodeURIComponent(id)}`, body);
  },
};

export function AccountsTab({ api }: { api: Api }) {
  return <RecordTab api={api} kind={KIND} />;
}
