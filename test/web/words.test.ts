/** Every kind of event has words on the page, or is listed here as not worth saying. */
import { describe, expect, it } from 'vitest';
import { joined } from '../../signaling/api/test-api.ts';
import { DIAL_ENDS, DIAL_PROGRESS } from '../../signaling/conference/dial-messages.ts';
import { conferenceEvent, DEPARTURES, ENDINGS } from '../../signaling/conference/events.ts';
import { recordingsOf } from '../../web/recorded-files.ts';
import { EMPTY, type NumberedEvent, reduce, type StreamMessage } from '../../web/state.ts';
import { announcement, inWords } from '../../web/words.ts';

/** What the page shows by itself: it appears with the first event. */
const SILENT: ReadonlySet<string> = new Set(['created']);

const KINDS: readonly string[] = conferenceEvent.options.map(
  (option) => [...option.shape.kind.values][0] ?? '',
);

/** One of each kind, as the log has it. */
const EXAMPLES: Readonly<Record<string, object>> = {
  created: {
    accountId: 'a',
    code: '',
    mixerId: 'm',
    mixerAddress: '',
    mixerClass: 's',
    temporary: false,
  },
  joined: joined(2, 'participant'),
  left: { ordinal: 1, confereeId: 'p1', why: 'hangup' },
  moved: { ordinal: 1, confereeId: 'p1', to: 'c2' },
  deleted: { ordinal: 1, confereeId: 'p1' },
  muted: { ordinal: 1, bit: 'host', muted: true },
  'muted-all': { muted: true },
  mode: { mode: 'lecture' },
  hand: { ordinal: 1, raised: true },
  role: { ordinal: 1, role: 'host' },
  held: { ordinal: 1, held: true },
  'operator-called': { ordinal: 1 },
  recording: { on: true, mixerId: 'mixer-1', file: 'c1.wav' },
  'sub-conference': { ordinal: 1, sub: 2 },
  locked: { locked: true },
  'mixer-replaced': { lost: 'mixer-1', mixerId: 'mixer-2', mixerAddress: '' },
  'grace-started': { endAtMs: 1 },
  warned: { endAtMs: 1, leftMs: 60_000 },
  superseded: { by: 'c2' },
  dial: { dialId: 'd1', state: 'ringing', number: '+4930' },
  ended: { why: 'empty', others: 'nothing' },
};

const told = (kind: string, more: object, by?: number | string): NumberedEvent =>
  JSON.parse(
    JSON.stringify({
      ...{ type: 'event', conferenceId: 'c1', number: 3, atMs: 3, by },
      event: { ...EXAMPLES[kind], ...more, kind },
    }),
  ) as NumberedEvent;

const two = [
  {
    type: 'event',
    conferenceId: 'c1',
    number: 1,
    atMs: 1,
    event: { ...EXAMPLES['created'], kind: 'created' },
  },
  { type: 'event', conferenceId: 'c1', number: 2, atMs: 2, event: joined(1, 'participant') },
] as unknown as readonly StreamMessage[];
const present = two.reduce(reduce, EMPTY).conferences.get('c1');

function say(kind: string, more: object = {}, by?: number | string): string | undefined {
  if (present === undefined) throw new Error('not created');
  return inWords(present, told(kind, more, by));
}

describe('words for what happened', () => {
  it('has an example of every kind of the log', () => {
    expect(Object.keys(EXAMPLES).toSorted()).toEqual(KINDS.toSorted());
    for (const kind of KINDS) {
      if (kind === 'joined') continue;
      expect(conferenceEvent.safeParse({ ...EXAMPLES[kind], kind }).success, kind).toBe(true);
    }
  });

  it.each(KINDS.filter((kind) => !SILENT.has(kind)))('says %s', (kind) => {
    // A sentence, with nothing of the machine in it.
    expect(say(kind)).toMatch(/^[A-Z0-9+].*\.$/);
    expect(say(kind)).not.toMatch(/undefined|null|\[object/);
  });

  it.each([...SILENT])('does not say %s', (kind) => expect(say(kind)).toBeUndefined());

  it('says every end in words of its own', () => {
    const said = ENDINGS.map((why) => say('ended', { why }));
    expect(new Set(said).size).toBe(ENDINGS.length);
    for (const [index, why] of ENDINGS.entries()) expect(said[index]).not.toContain(`, ${why}.`);
  });

  it('says each departure once: what has an event of its own is not said again', () => {
    const silent = DEPARTURES.filter((why) => say('left', { why }) === undefined);
    expect(silent).toEqual(['deleted', 'ended', 'moved']);
  });

  it('says how each call went', () => {
    const silent = [...DIAL_PROGRESS, ...DIAL_ENDS].filter(
      (state) => say('dial', { state }) === undefined,
    );
    expect(silent).toEqual(['queued', 'joined']);
    for (const state of DIAL_ENDS) expect(say('dial', { state })).not.toContain(`: ${state}.`);
  });

  it('says who made whom host, and what a conferee did by keypad', () => {
    expect(say('role', { why: 'succession' })).toContain('as the last host left');
    expect(say('role', {}, 4)).toContain('made by number 4');
    expect(say('role', {}, 'operator token')).toContain('made by an operator');
    expect(say('role', {}, 'host of team')).toContain('made by the page of the host');
    expect(say('locked', {}, 4)).toBe('The conference is locked by number 4.');
    expect(say('locked', {}, 'host of team')).toBe('The conference is locked.');
    expect(say('sub-conference', { sub: 2 }, 1)).not.toContain('by number');
  });

  it('passes over what a newer server says', () => {
    expect(say('sang-a-song')).toBeUndefined();
    expect(say('sang-a-song', { ordinal: 1 })).toBeUndefined();
  });

  it('says crowds as numbers, so that the page does not chatter', () => {
    const many = Array.from({ length: 50 }, (_, index) => ({
      ...{ number: index, atMs: 0, kind: 'joined', text: `${index} came in.` },
    }));
    expect(announcement(many)).toBe('50 came in.');
    expect(announcement(many.slice(0, 2))).toBe('0 came in. 1 came in.');
  });
});

describe('recordings of a conference', () => {
  it('are what the log says, also when a mixer was lost or the conference ended', () => {
    const at = (atMs: number, kind: string, more: object = {}): NumberedEvent => ({
      ...told(kind, more),
      ...{ atMs, number: atMs },
    });
    const files = recordingsOf([
      at(1, 'recording', { file: 'a.wav' }),
      at(5, 'recording', { on: false, file: 'a.wav' }),
      at(6, 'recording', { file: 'b.wav' }),
      at(8, 'mixer-replaced'),
      at(9, 'recording', { file: 'c.wav', mixerId: 'mixer-2' }),
    ]);
    expect(files.map(({ file, startedMs, endedMs }) => [file, startedMs, endedMs])).toEqual([
      ['a.wav', 1, 5],
      ['b.wav', 6, 8],
      ['c.wav', 9, undefined],
    ]);
  });
});
