/** The whole event log of a conference, for what looks back: the roll call, the recordings. */
import type { Api } from './api.ts';
import type { NumberedEvent } from './state.ts';

interface EventPage {
  readonly items: readonly NumberedEvent[];
  readonly next: number | null;
}

/** Far more than a conference has; a bound all the same. */
const MOST_PAGES = 100;

/** Undefined: it cannot be read now. */
export async function allEvents(
  api: Api,
  id: string,
): Promise<readonly NumberedEvent[] | undefined> {
  const events: NumberedEvent[] = [];
  let after = 0;
  for (let page = 0; page < MOST_PAGES; page++) {
    const path = `/conferences/${encodeURIComponent(id)}/events?limit=1000&after=${after}`;
    const answer = await api.get<EventPage>(path);
    if (!answer.ok) return undefined;
    events.push(...answer.value.items);
    if (answer.value.next === null) break;
    after = answer.value.next;
  }
  return events;
}
