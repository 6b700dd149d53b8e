/** What an operator sees: conferences, machines, accounts, numbers, alarms. */
import { useEffect, useRef } from 'preact/hooks';
import { useAccountNames } from './account-names.ts';
import { AccountsTab } from './accounts-tab.tsx';
import { AlarmsTab } from './alarms-tab.tsx';
import type { Api } from './api.ts';
import { ConferencePanel } from './conference-panel.tsx';
import { Elapsed } from './elapsed.tsx';
import { useMachines } from './machines.ts';
import { MachinesTab } from './machines-tab.tsx';
import { NumbersTab } from './numbers-tab.tsx';
import { RefusalsTab } from './refusals-tab.tsx';
import { go, useRoute } from './route.ts';
import type { Conference, PageState } from './state.ts';

interface Props {
  readonly api: Api;
  readonly state: PageState;
  readonly live: boolean;
}

const TABS = ['Conferences', 'Machines', 'Accounts', 'Numbers', 'Refusals', 'Alarms'] as const;

export function OperatorView({ api, state, live }: Props) {
  const route = useRoute();
  const tab = TABS.find((name) => name.toLowerCase() === route[0]) ?? 'Conferences';
  // Followed whichever tab is open, so that the plots have a past.
  const machines = useMachines(api);
  return (
    <>
      <nav aria-label="Views">
        <ul class="tabs">
          {TABS.map((name) => (
            <li key={name}>
              <a
                href={`#${name.toLowerCase()}`}
                aria-current={name === tab ? 'page' : undefined}
                class="tab"
              >
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {tab === 'Conferences' ? (
        <ConferencesTab api={api} state={state} live={live} openId={route[1]} />
      ) : null}
      {tab === 'Machines' ? <MachinesTab api={api} machines={machines} /> : null}
      {tab === 'Accounts' ? <AccountsTab api={api} /> : null}
      {tab === 'Numbers' ? <NumbersTab api={api} /> : null}
      {tab === 'Refusals' ? <RefusalsTab api={api} /> : null}
      {tab === 'Alarms' ? <AlarmsTab api={api} /> : null}
    </>
  );
}

interface ConferencesProps extends Props {
  readonly openId: string | undefined;
}

function ConferencesTab({ api, state, live, openId }: ConferencesProps) {
  const opened = openId === undefined ? undefined : state.conferences.get(openId);
  const accountIds = new Set([...state.conferences.values()].map(({ accountId }) => accountId));
  const nameOf = useAccountNames(api, [...accountIds]);
  const left = useRef<string>(undefined);
  useEffect(() => {
    if (openId !== undefined) left.current = openId;
  }, [openId]);
  if (opened !== undefined) {
    return (
      <>
        <a class="back" href="#conferences">
          ← All conferences
        </a>
        <ConferencePanel
          key={opened.id}
          api={api}
          conference={opened}
          live={live}
          title={nameOf(opened.accountId)}
        />
      </>
    );
  }
  const running = [...state.conferences.values()].filter(({ ended }) => !ended);
  return (
    <section aria-labelledby="conferences-title">
      <h1 id="conferences-title">Conferences</h1>
      {openId === undefined ? null : (
        <p role="status">
          There is no conference {openId} now. <a href="#conferences">All conferences</a>
        </p>
      )}
      {running.length === 0 ? (
        <p class="empty">No conference now.</p>
      ) : (
        <ul class="cards">
          {running.map((one) => (
            <ConferenceCard
              key={one.id}
              conference={one}
              name={nameOf(one.accountId)}
              focused={one.id === left.current}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

interface CardProps {
  readonly conference: Conference;
  /** Of its account. */
  readonly name: string;
  /** Just come back from: the focus is where it was. */
  readonly focused: boolean;
}

function ConferenceCard({ conference, name, focused }: CardProps) {
  const { id, mixerId, mixerClass, locked, temporary, conferees, talking } = conference;
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (focused) button.current?.focus();
  }, []);
  return (
    <li class="card">
      <h2>{name}</h2>
      <p class="facts">
        <span>
          <strong>{conferees.size}</strong> in it, {talking.size} talking
        </span>
        <Elapsed since={conference.createdAt} />
        {locked ? <span class="badge strong">locked</span> : null}
        {temporary ? <span class="badge">waiting room</span> : null}
      </p>
      <p class="small">
        {id} on {mixerId} ({mixerClass})
      </p>
      <button
        type="button"
        ref={button}
        aria-label={`Open ${name}, ${id}`}
        onClick={() => go('conferences', id)}
      >
        Open
      </button>
    </li>
  );
}
