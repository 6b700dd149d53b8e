/** What a host sees: the conference of the account, or that there is none yet. */
import type { Api } from './api.ts';
import { ConferencePanel } from './conference-panel.tsx';
import type { Conference, PageState } from './state.ts';

interface Props {
  readonly api: Api;
  readonly state: PageState;
  readonly live: boolean;
  readonly accountName: string;
}

export function HostView({ api, state, live, accountName }: Props) {
  const shown = choose([...state.conferences.values()]);
  if (shown === undefined) {
    return (
      <section class="empty">
        <h1>{accountName}</h1>
        <p>No conference now. It appears here as soon as somebody calls in and it begins.</p>
      </section>
    );
  }
  return (
    <ConferencePanel key={shown.id} api={api} conference={shown} live={live} title={accountName} />
  );
}

/** The conference proper before a waiting room, running before ended, the newest of each. */
function choose(all: readonly Conference[]): Conference | undefined {
  const rank = ({ ended, temporary, createdAt }: Conference): string =>
    `${ended ? 0 : 1}${temporary ? 0 : 1}${createdAt}`;
  return all.toSorted((a, b) => rank(b).localeCompare(rank(a)))[0];
}
