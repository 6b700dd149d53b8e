/**
 * The conference event package (RFC 4575): who may follow which conference, and how much of it they see. Off until
 * the configuration names somebody. Start at open(); conference-info.ts is what is said,
 * conference-states.ts where it comes from, sip/events/ how it is carried.
 *
 * The roster is private (names, numbers): configured subscribers see it where the configuration says so,
 * a conferee while it is host. Whoever may not see a conference is answered as if there were none: after
 * one read of the store in any case, and no sooner than REFUSAL_MS.
 */
import type { Clock } from '../../common/clock.ts';
import type { AccountId, ConferenceId } from '../../common/ids.ts';
import type { Store } from '../../common/store/store.ts';
import { getAccount } from '../conference/accounts.ts';
import { conferenceRecord, KEYS } from '../conference/records.ts';
import { parseConferenceAddress } from '../focus/conference-address.ts';
import type {
  Document,
  EventPackage,
  EventSource,
  Extent,
  SourceEnd,
  SourceEvents,
  Subscriber,
  Wanted,
} from '../sip/events/event-package.ts';
import { formatSipUri } from '../sip/uri.ts';
import { ConferenceInfo, type Sight } from './conference-info.ts';
import type { ConferenceStates, Followed } from './conference-states.ts';

export interface SubscriberRule {
  /** `*`: all. */
  readonly accounts: readonly string[];
  readonly see: Sight;
}

export interface ConferencePackageOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly states: ConferenceStates;
  /** By name. */
  readonly subscribers: ReadonlyMap<string, SubscriberRule>;
  /** Which conferees may follow their own conference: hosts see the roster, participants counts. */
  readonly conferees: 'none' | 'hosts' | 'all';
  readonly restMs: number;
}

/** Longer than a read of the store takes. */
const REFUSAL_MS = 50;

export function createConferencePackage(options: ConferencePackageOptions): EventPackage {
  return {
    name: 'conference',
    contentType: 'application/conference-info+xml',
    restMs: options.restMs,
    async open(wanted) {
      const patience = options.clock.sleep(REFUSAL_MS);
      const source = await open(options, wanted);
      if (source === undefined) await patience;
      return source;
    },
  };
}

async function open(
  options: ConferencePackageOptions,
  { uri, subscriber, ownHost }: Wanted,
): Promise<EventSource | undefined> {
  const { store, states } = options;
  const named = parseConferenceAddress(formatSipUri({ ...uri, headers: new Map() }))?.conferenceId;
  const own = subscriber.kind === 'call' ? states.conferenceOf(subscriber.callId) : undefined;
  // A caller knows no name of the conference: any address of ours means the one that it is in.
  const id = subscriber.kind === 'call' ? own : named;
  const read = await store.get(KEYS.conference(id ?? NOBODY));
  if (!read.ok) throw read.error;
  const record = conferenceRecord.safeParse(read.value?.value);
  if (id === undefined || !record.success) return undefined;
  if (named !== undefined && named !== id) return undefined;
  const { accountId } = record.data;
  if (!mayAsk(options, subscriber, accountId)) return undefined;
  const account = await getAccount(store, accountId);
  if (!account.ok) throw account.error;
  const source = new ConferenceSource(options, subscriber, {
    id,
    accountId,
    entity: `sip:conf=${id}@${ownHost}`,
    name: account.value?.name ?? accountId,
    maximumUserCount: account.value?.maxConferees,
  });
  await source.begin();
  if (source.end === undefined) return source;
  source.close();
  return undefined;
}

/** A word that no conference has. */
const NOBODY = '-' as ConferenceId;

function mayAsk(
  { subscribers, conferees }: ConferencePackageOptions,
  subscriber: Subscriber,
  accountId: AccountId,
): boolean {
  if (subscriber.kind === 'call') return conferees !== 'none';
  const accounts = subscribers.get(subscriber.name)?.accounts ?? [];
  return accounts.includes('*') || accounts.includes(accountId);
}

interface Place {
  readonly id: ConferenceId;
  readonly accountId: AccountId;
  readonly entity: string;
  readonly name: string;
  readonly maximumUserCount: number | undefined;
}

class ConferenceSource implements EventSource {
  readonly contact;
  readonly #options: ConferencePackageOptions;
  readonly #subscriber: Subscriber;
  readonly #place: Place;
  readonly #info: ConferenceInfo;
  #followed: Followed | undefined;
  #events: SourceEvents | undefined;

  constructor(options: ConferencePackageOptions, subscriber: Subscriber, place: Place) {
    this.#options = options;
    this.#subscriber = subscriber;
    this.#place = place;
    this.#info = new ConferenceInfo(place);
    // RFC 4579 section 5.1.
    this.contact = { user: `conf=${place.id}`, parameters: ['isfocus'] };
  }

  async begin(): Promise<void> {
    this.#followed = await this.#options.states.follow(this.#place.id, () => this.#onChange());
  }

  watch(events: SourceEvents): void {
    this.#events = events;
    this.#onChange();
  }

  document(extent: Extent): Document | undefined {
    const roster = this.#followed?.roster;
    const sight = this.#sight;
    if (roster === undefined || sight === undefined) return undefined;
    return this.#info.document(roster, sight, extent);
  }

  farewell(): string {
    return this.#info.farewell();
  }

  close(): void {
    this.#events = undefined;
    this.#followed?.close();
  }

  /** Why nothing more can be said. */
  get end(): SourceEnd | undefined {
    const roster = this.#followed?.roster;
    if (roster?.created === undefined) return 'gone';
    const moved = roster.supersededBy !== null || roster.ended?.why === 'superseded';
    const mine = this.#subscriber.kind === 'call';
    if (mine && moved && this.#sight === undefined) return 'moved';
    if (roster.ended !== undefined) return 'gone';
    return this.#sight === undefined ? 'rejected' : undefined;
  }

  /** Undefined: nothing. It changes with the role of a conferee, and ends with its seat. */
  get #sight(): Sight | undefined {
    const { subscribers, conferees } = this.#options;
    if (this.#subscriber.kind === 'user') return subscribers.get(this.#subscriber.name)?.see;
    const role = this.#followed?.roster.ofCall(this.#subscriber.callId)?.role;
    if (role === 'host') return 'roster';
    return role === 'participant' && conferees === 'all' ? 'counts' : undefined;
  }

  #onChange(): void {
    const end = this.end;
    if (end === undefined) this.#events?.onNews();
    else this.#events?.onEnd(end);
  }
}
