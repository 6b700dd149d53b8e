import { describe, expect, it } from 'vitest';
import {
  type AccountId,
  type CallId,
  type ConfereeId,
  type ConferenceId,
  type NodeId,
  seededRandom,
} from '../../common/ids.ts';
import type { ConferenceEvent } from '../conference/events.ts';
import { Roster } from '../conference/roster.ts';
import type { Extent } from '../sip/events/event-package.ts';
import { ConferenceInfo, escapeXml, type Sight } from './conference-info.ts';
import { HAS_XMLLINT, schemaErrors } from './testing/schema.ts';

const ENTITY = 'sip:conf=c1@192.0.2.1:5060';
const START_MS = Date.UTC(2026, 10, 21, 12);

const joined = (
  ordinal: number,
  more: Partial<{ number: string; name: string; role: 'host' | 'participant' }> = {},
): ConferenceEvent => ({
  kind: 'joined',
  ordinal,
  confereeId: `p${ordinal}` as ConfereeId,
  role: more.role ?? 'participant',
  from: 'call',
  requestId: `request-${ordinal}`,
  caller: {
    vruId: 'vru-1' as NodeId,
    callId: `k${ordinal}` as CallId,
    callerNumber: more.number ?? `10${ordinal}`,
    ...(more.name === undefined ? {} : { callerName: more.name }),
    dnis: '1000',
  },
});

/** A conference whose events the test writes. */
class Stage {
  readonly roster = new Roster('c1' as ConferenceId);
  readonly info = new ConferenceInfo({ entity: ENTITY, name: 'Sales & co', maximumUserCount: 30 });

  constructor(...events: ConferenceEvent[]) {
    this.happen(
      {
        kind: 'created',
        accountId: 'sales' as AccountId,
        code: '910001',
        mixerId: 'mixer-1' as NodeId,
        mixerAddress: '127.0.0.1:5070',
        mixerClass: 'standard',
        temporary: false,
      },
      ...events,
    );
  }

  happen(...events: ConferenceEvent[]): void {
    const number = this.roster.number + 1;
    this.roster.apply({ version: 1, number, atMs: START_MS, events });
  }

  /** The next document, which must fit the schema. */
  say(extent: Extent = 'partial', sight: Sight = 'roster'): string | undefined {
    const said = this.info.document(this.roster, sight, extent);
    if (said !== undefined) expect(schemaErrors(said.body)).toBe('');
    return said?.body;
  }
}

const users = (body: string | undefined): readonly string[] =>
  [...(body ?? '').matchAll(/<user [^>]*;ordinal=(\d+)"/g)].map((match) => match[1] ?? '');
const versionOf = (body: string | undefined): number =>
  Number(/version="(\d+)"/.exec(body ?? '')?.[1]);

describe('conference-info+xml (RFC 4575)', () => {
  it('says everything first', () => {
    const stage = new Stage(joined(1, { role: 'host', name: 'Ann "<&>"' }), joined(2));
    expect(stage.say()).toMatchSnapshot();
  });

  it('then what changed, with the version one higher', () => {
    const stage = new Stage(joined(1, { role: 'host' }));
    stage.say();
    stage.happen(joined(2));
    stage.happen({ kind: 'muted', ordinal: 1, bit: 'self', muted: true });
    expect(stage.say()).toMatchSnapshot();
    stage.happen({ kind: 'left', ordinal: 2, confereeId: 'p2' as ConfereeId, why: 'hangup' });
    stage.happen({ kind: 'locked', locked: true });
    expect(stage.say()).toMatchSnapshot();
    expect(versionOf(stage.say('full'))).toBe(3);
  });

  it('nothing new is nothing said, and takes no version', () => {
    const stage = new Stage(joined(1));
    stage.say();
    expect(stage.say()).toBeUndefined();
    // A hand is not a part of it.
    stage.happen({ kind: 'hand', ordinal: 1, raised: true });
    expect(stage.say()).toBeUndefined();
    stage.happen({ kind: 'muted', ordinal: 1, bit: 'host', muted: true });
    stage.happen({ kind: 'muted', ordinal: 1, bit: 'host', muted: false });
    expect(stage.say()).toBeUndefined();
    stage.happen(joined(2));
    expect(versionOf(stage.say())).toBe(1);
  });

  it.each<[string, ConferenceEvent, string, string]>([
    [
      'muted by itself',
      { kind: 'muted', ordinal: 1, bit: 'self', muted: true },
      'muted-via-focus',
      'recvonly',
    ],
    ['muted by the mode', { kind: 'muted-all', muted: true }, 'muted-via-focus', 'recvonly'],
    ['out of the talk', { kind: 'held', ordinal: 1, held: true }, 'on-hold', 'inactive'],
  ])('%s', (_, event, status, media) => {
    const stage = new Stage(joined(1));
    expect(stage.say()).toContain('<status>connected</status>');
    stage.happen(event);
    const said = stage.say();
    expect(said).toContain(`<status>${status}</status><joining-method>dialed-in<`);
    expect(said).toContain(`<label>1</label><status>${media}</status>`);
  });

  it('a new role, and who was called', () => {
    const stage = new Stage(joined(1));
    stage.happen({ kind: 'dial', dialId: 'd1' as CallId, state: 'joined', ordinal: 1 });
    expect(stage.say()).toContain('<joining-method>dialed-out</joining-method>');
    stage.happen({ kind: 'role', ordinal: 1, role: 'host' });
    expect(stage.say()).toContain('<roles><entry>host</entry></roles>');
  });

  it('counts: no user, no name, no number', () => {
    const stage = new Stage(joined(1, { role: 'host', name: 'Ann', number: '555' }));
    const first = stage.say('partial', 'counts');
    expect(first).toContain('<user-count>1</user-count>');
    expect(first).not.toMatch(/<user |Ann|555|ordinal/);
    stage.happen({ kind: 'muted', ordinal: 1, bit: 'self', muted: true });
    expect(stage.say('partial', 'counts')).toBeUndefined();
    stage.happen(joined(2));
    const next = stage.say('partial', 'counts');
    expect(next).toContain('state="partial" version="1"');
    expect(next).not.toMatch(/<user |<users/);
  });

  it('who may see more, or less, is told everything anew', () => {
    const stage = new Stage(joined(1));
    stage.say('partial', 'counts');
    expect(stage.say('partial', 'roster')).toMatch(/state="full" version="1"[\s\S]*<user /);
    expect(stage.say('partial', 'counts')).toMatch(/state="full" version="2"/);
  });

  it('a conference of 90: five documents, each of a bounded size, everybody once', () => {
    const stage = new Stage(...Array.from({ length: 90 }, (_, index) => joined(index + 1)));
    const seen: string[] = [];
    const bodies: string[] = [];
    for (let more = true; more; ) {
      const said = stage.info.document(stage.roster, 'roster', 'partial');
      if (said === undefined) throw new Error('nothing said');
      expect(schemaErrors(said.body)).toBe('');
      bodies.push(said.body);
      seen.push(...users(said.body));
      more = said.more;
    }
    expect(seen.map(Number)).toEqual(Array.from({ length: 90 }, (_, index) => index + 1));
    expect(bodies.map((body) => / state="(\w+)" version/.exec(body)?.[1])).toEqual([
      'full',
      'partial',
      'partial',
      'partial',
      'partial',
    ]);
    for (const body of bodies) expect(body.length).toBeLessThan(12_000);
    expect(users(stage.say('last'))).toHaveLength(90);
  });

  it.skipIf(!HAS_XMLLINT)('the schema finds what is wrong', () => {
    const body = new Stage(joined(1)).say() ?? '';
    expect(schemaErrors(body.replace('connected', 'here'))).toContain('status');
    expect(schemaErrors(body.replaceAll('user-count', 'users-count'))).toContain('users-count');
    expect(schemaErrors(body.replace('</users>', ''))).not.toBe('');
  });

  it('is over', () => {
    const stage = new Stage(joined(1));
    stage.say();
    const body = stage.info.farewell();
    expect(schemaErrors(body)).toBe('');
    expect(body).toContain('state="deleted" version="1"');
  });

  it('any name and number of a peer is text, whatever it holds', () => {
    const random = seededRandom(5);
    const alphabet = [
      '<',
      '>',
      '&',
      '"',
      "'",
      ']]>',
      '\0',
      '\u0001',
      '\n',
      '\r',
      '\ufffe',
      '\ud800',
      '\udc00',
      '😀',
      'ü',
      '<!--',
      '&amp;',
      'a',
      ' ',
    ];
    const word = (): string =>
      Array.from(
        { length: 1 + random.below(12) },
        () => alphabet[random.below(alphabet.length)],
      ).join('');
    const stage = new Stage(
      ...Array.from({ length: 19 }, (_, index) =>
        joined(index + 1, { name: word(), number: word() }),
      ),
    );
    expect(users(stage.say())).toHaveLength(19);
  });

  it('what XML cannot say', () => {
    expect(escapeXml('a<b>&"\'\u0000\r\n\ud800😀\t')).toBe(
      'a&lt;b&gt;&amp;&quot;&apos;\ufffd\ufffd\ufffd\ufffd😀\t',
    );
  });

  it('whatever happens, the documents add up to the roster', () => {
    const random = seededRandom(9);
    const stage = new Stage();
    const seen = new Set<string>();
    let next = 1;
    for (let round = 0; round < 400; round++) {
      const present = [...stage.roster.conferees.keys()];
      const ordinal = present[random.below(Math.max(1, present.length))] ?? 0;
      const what = random.below(4);
      if (what < 2 || ordinal === 0) stage.happen(joined(next++));
      else if (what === 2)
        stage.happen({
          kind: 'left',
          ordinal,
          confereeId: `p${ordinal}` as ConfereeId,
          why: 'key',
        });
      else stage.happen({ kind: 'muted', ordinal, bit: 'host', muted: random.below(2) === 0 });
      if (random.below(3) > 0) continue;
      const said = stage.info.document(
        stage.roster,
        'roster',
        round % 90 === 0 ? 'full' : 'partial',
      );
      if (said?.body.includes('<users state="full"')) seen.clear();
      for (const [, user, state] of (said?.body ?? '').matchAll(/;ordinal=(\d+)" state="(\w+)"/g)) {
        if (state === 'deleted') seen.delete(user ?? '');
        else seen.add(user ?? '');
      }
      if (said?.more === true) continue;
      expect([...seen].map(Number).toSorted((a, b) => a - b)).toEqual([
        ...stage.roster.conferees.keys(),
      ]);
    }
  });
});
