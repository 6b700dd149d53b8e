/** What an operator sees: conferences, machines, accounts and numbers. */
import { useState } from 'preact/hooks';
import type { Api } from './api.ts';
import { ConferencePanel } from './conference-panel.tsx';
import { MachinesTab } from './machines-tab.tsx';
import { AccountsTab, NumbersTab } from './provisioning-tabs.tsx';
import type { Conference, PageState } from './state.ts';

interface Props {
  readonly api: Api;
  readonly state: PageState;
  readonly live: boolean;
}

const TABS = ['Conferences', 'Machines', 'Accounts', 'Numbers'] as const;
type Tab = (typeof TABS)[number];

export function OperatorView({ api, state, live }: Props) {
  const [tab, setTab] = useState<Tab>('Conferences');
  return (
    <>
      <nav aria-label="Views">
        <ul class="tabs">
          {TABS.map((name) => (
            <li key={name}>
              <button
                type="button"
                aria-current={name === tab ? 'page' : undefined}
                onClick={() => setTab(name)}
              >
                {name}
              </button>
            </li>
          ))}
        </ul>
      </nav>
      {tab === 'Conferences' ? <ConferencesTab api={api} state={state} live={live} /> : null}
      {tab === 'Machines' ? <MachinesTab api={api} /> : null}
      {tab === 'Accounts' ? <AccountsTab api={api} /> : null}
      {tab === 'Numbers' ? <NumbersTab api={api} /> : null}
    </>
  );
}

function ConferencesTab({ api, state, live }: Props) {
  const [openId, setOpenId] = useState<string>();
  const opened = openId === undefined ? undefined : state.conferences.get(openId);
  if (opened !== undefined) {
    return (
      <>
        <button type="button" class="back" onClick={() => setOpenId(undefined)}>
          ← All conferences
        </button>
        <ConferencePanel
          key={opened.id}
          api={api}
          conference={opened}
          live={live}
          title={`${opened.accountId} on ${opened.mixerId}`}
        />
      </>
    );
  }
  const running = [...state.conferences.values()].filter(({ ended }) => !ended);
  return (
    <section aria-labelledby="conferences-title">
      <h1 id="conferences-title">Conferences</h1>
      {running.length === 0 ? (
        <p class="empty">No conference now.</p>
      ) : (
        <ul class="cards">
          {running.map((one) => (
            <ConferenceCard key={one.id} conference={one} onOpen={() => setOpenId(one.id)} />
          ))}
        </ul>
      )}
    </section>
  );
}

function ConferenceCard({ conference, onOpen }: { conference: Conference; onOpen: () => void }) {
  const { id, accountId, mixerId, mixerClass, locked, temporary, conferees, talking } = conference;
  return (
    <li class="card">
      <h2>{accountId}</h2>
      <p class="facts">
        <strong>{conferees.size}</strong> in it, {talking.size} talking
        {locked ? <span class="badge strong">locked</span> : null}
        {temporary ? <span class="badge">waiting room</span> : null}
      </p>
      <p class="small">
        {id} on {mixerId} ({mixerClass}), since{' '}
        {new Date(conference.createdAt).toLocaleTimeString()}
      </p>
      <button type="button" aria-label={`Open ${accountId}, ${id}`} onClick={onOpen}>
        Open
      </button>
    </li>
  );
}
