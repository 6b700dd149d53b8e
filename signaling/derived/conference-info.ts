/**
 * `application/conference-info+xml` (RFC 4575) of one subscription: everything first, then what changed since
 * the document before. Who may see only counts gets no users. Pure but for its own memory.
 */
import { type Conferee, isMuted, type Roster } from '../conference/roster.ts';

import type { Extent } from '../sip/events/event-package.ts';

/** `counts`: how many and whether locked; `roster`: also who. */
export type Sight = 'counts' | 'roster';

/** What a document says beside the roster. */
export interface ConferenceFacts {
  /** `sip:conf=ID@HOST`, as this subscriber reaches it. */
  readonly entity: string;
  readonly name: string;
  readonly maximumUserCount: number | undefined;
}

export interface InfoDocument {
  readonly body: string;
  /** Users are left for the next one. */
  readonly more: boolean;
}

/** Some 400 bytes each: a document stays within one datagram, however large the conference. */
const USERS_A_DOCUMENT = 20;
/** No other follows; still within one datagram. */
const USERS_IN_THE_LAST = 120;
const NAMESPACE = 'urn:ietf:params:xml:ns:conference-info';

/** What was told so far. */
interface Told {
  readonly sight: Sight;
  state: string;
  readonly users: Map<number, Conferee>;
}

export class ConferenceInfo {
  readonly #facts: ConferenceFacts;
  /** Section 4.6: counts the documents of one subscription. */
  #version = -1;
  #told: Told | undefined;

  constructor(facts: ConferenceFacts) {
    this.#facts = facts;
  }

  /** Undefined: there is nothing new. */
  document(roster: Roster, sight: Sight, extent: Extent): InfoDocument | undefined {
    const { entity } = this.#facts;
    const before = extent !== 'partial' || this.#told?.sight !== sight ? undefined : this.#told;
    const told: Told = before ?? { sight, state: '', users: new Map() };
    this.#told = told;
    const state = stateOf(roster);
    const limit = extent === 'last' ? USERS_IN_THE_LAST : USERS_A_DOCUMENT;
    const users = sight === 'counts' ? NO_CHANGE : changeOf(told.users, roster, entity, limit);
    if (before !== undefined && state === told.state && users.count === 0) return undefined;
    const parts = [
      ...(before === undefined ? [descriptionOf(this.#facts, roster)] : []),
      ...(state === told.state ? [] : [state]),
      ...usersElement(users, before === undefined, sight),
    ];
    told.state = state;
    const said = before === undefined ? 'full' : 'partial';
    return { body: this.#wrap(said, parts), more: users.more };
  }

  /** Section 4.4: the conference is over. */
  farewell(): string {
    return this.#wrap('deleted', []);
  }

  #wrap(state: 'full' | 'partial' | 'deleted', parts: readonly string[]): string {
    this.#version += 1;
    const { entity } = this.#facts;
    const open = `<conference-info xmlns="${NAMESPACE}" entity="${escapeXml(entity)}" state="${state}" version="${this.#version}">`;
    const lines = ['<?xml version="1.0" encoding="UTF-8"?>', open, ...parts, '</conference-info>'];
    return `${lines.join('\n')}\n`;
  }
}

interface UserChange {
  readonly lines: readonly string[];
  readonly count: number;
  readonly more: boolean;
}

const NO_CHANGE: UserChange = { lines: [], count: 0, more: false };

/** Takes what changed into `told`, up to the bound of one document. */
function changeOf(
  told: Map<number, Conferee>,
  roster: Roster,
  entity: string,
  limit: number,
): UserChange {
  const lines: string[] = [];
  // Who left first: an ordinal never comes back, and the document must not hold too many.
  for (const ordinal of told.keys()) {
    if (roster.conferees.has(ordinal)) continue;
    if (lines.length >= limit) return { lines, count: lines.length, more: true };
    told.delete(ordinal);
    lines.push(`<user entity="${userEntity(entity, ordinal)}" state="deleted"/>`);
  }
  for (const conferee of roster.conferees.values()) {
    const known = told.get(conferee.ordinal);
    if (known === conferee) continue;
    const text = userOf(conferee, roster, entity);
    // A conferee is replaced by each of its events, also by such as are not told here.
    const same = known !== undefined && userOf(known, roster, entity) === text;
    if (!same && lines.length >= limit) {
      return { lines, count: lines.length, more: true };
    }
    told.set(conferee.ordinal, conferee);
    if (!same) lines.push(text);
  }
  return { lines, count: lines.length, more: false };
}

function usersElement(change: UserChange, full: boolean, sight: Sight): readonly string[] {
  if (sight === 'counts' || (!full && change.count === 0)) return [];
  return [`<users state="${full ? 'full' : 'partial'}">`, ...change.lines, '</users>'];
}

function descriptionOf({ name, maximumUserCount }: ConferenceFacts, roster: Roster): string {
  const parts = [
    element('display-text', name),
    // RFC 4575 has no word for it: those in it wait for a host.
    ...(roster.created?.temporary === true ? [element('free-text', 'waiting room')] : []),
    ...(maximumUserCount === undefined
      ? []
      : [element('maximum-user-count', String(maximumUserCount))]),
    '<available-media><entry label="1"><type>audio</type><status>sendrecv</status></entry></available-media>',
  ];
  return `<conference-description>${parts.join('')}</conference-description>`;
}

function stateOf(roster: Roster): string {
  const parts = [
    element('user-count', String(roster.size)),
    element('active', String(roster.ended === undefined)),
    element('locked', String(roster.locked)),
  ];
  return `<conference-state>${parts.join('')}</conference-state>`;
}

/** Its ordinal is who it is (the roll), as numbers and names may be withheld or double. */
function userEntity(entity: string, ordinal: number): string {
  return escapeXml(`${entity};ordinal=${ordinal}`);
}

function userOf(conferee: Conferee, roster: Roster, entity: string): string {
  const { ordinal, role, caller } = conferee;
  const who = userEntity(entity, ordinal);
  const name = caller.callerName ?? caller.callerNumber;
  return [
    `<user entity="${who}" state="full">`,
    element('display-text', name),
    `<roles>${element('entry', role)}</roles>`,
    `<endpoint entity="${who}">`,
    element('display-text', caller.callerNumber),
    element('status', statusOf(conferee)),
    element('joining-method', wasDialled(roster, ordinal) ? 'dialed-out' : 'dialed-in'),
    `<joining-info>${element('when', new Date(conferee.joinedAtMs).toISOString())}</joining-info>`,
    `<media id="1">${element('type', 'audio')}${element('label', '1')}${element('status', mediaOf(conferee))}</media>`,
    '</endpoint></user>',
  ].join('');
}

/** Section 5.8.2. */
function statusOf(conferee: Conferee): string {
  if (conferee.held) return 'on-hold';
  return isMuted(conferee) ? 'muted-via-focus' : 'connected';
}

/** Section 5.8.3: as seen by the endpoint. */
function mediaOf(conferee: Conferee): string {
  if (conferee.held) return 'inactive';
  return isMuted(conferee) ? 'recvonly' : 'sendrecv';
}

function wasDialled({ dials }: Roster, ordinal: number): boolean {
  for (const dial of dials.values()) if (dial.ordinal === ordinal) return true;
  return false;
}

function element(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Names come from peers. What XML 1.0 (section 2.2) has no way to say becomes U+FFFD. */
export function escapeXml(text: string): string {
  let escaped = '';
  for (const character of text) {
    escaped += isXml(character.codePointAt(0) ?? 0) ? (ENTITIES[character] ?? character) : '\ufffd';
  }
  return escaped;
}

/** A line end would not come through as it is, nor is one a part of a name. */
function isXml(code: number): boolean {
  return (
    code === 0x09 ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    code >= 0x10000
  );
}
