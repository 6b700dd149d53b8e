import { describe, expect, it } from 'vitest';
import { step } from '../../../common/fsm.ts';
import {
  SUBSCRIPTION,
  type SubscriptionEvent,
  type SubscriptionState,
} from './subscription-table.ts';

const EVENTS: readonly SubscriptionEvent[] = [
  { type: 'subscribe' },
  { type: 'unsubscribe' },
  { type: 'news' },
  { type: 'nothing' },
  { type: 'taken', more: false },
  { type: 'taken', more: true },
  { type: 'put-off', forMs: 2_000 },
  { type: 'failed' },
  { type: 'rested' },
  { type: 'end' },
  { type: 'abort' },
];
const STATES: readonly SubscriptionState[] = [
  'new',
  'calm',
  'telling',
  'stale',
  'again',
  'resting',
  'waiting',
  'put-off',
  'closing',
  'last',
  'over',
];
/** A NOTIFY is under way. */
const BUSY = new Set<SubscriptionState>(['telling', 'stale', 'again', 'closing', 'last']);

interface Walked {
  readonly state: SubscriptionState;
  readonly event: SubscriptionEvent;
  readonly next: SubscriptionState;
  readonly effects: readonly string[];
  readonly verdict: string;
}

const CELLS: readonly Walked[] = STATES.flatMap((state) =>
  EVENTS.map((event) => {
    const { state: next, effects, verdict } = step(SUBSCRIPTION, state, event);
    const names = effects.map((effect) =>
      effect.type === 'notify' ? `${effect.type} ${effect.what}` : effect.type,
    );
    return { state, event, next, effects: names, verdict };
  }),
);

const isNotify = (effect: string): boolean => effect.startsWith('notify');
const nameOf = ({ state, event }: Walked): string => `${state} × ${event.type}`;

describe('every cell of the subscription machine (RFC 6665 section 4.2.2)', () => {
  it('is written down', () => {
    expect(
      CELLS.map((cell) => {
        const more = cell.event.type === 'taken' && cell.event.more ? ' more' : '';
        const outcome =
          cell.verdict === 'moved' ? `→ ${cell.next} [${cell.effects.join(', ')}]` : cell.verdict;
        return `${nameOf(cell)}${more} ${outcome}`;
      }),
    ).toMatchSnapshot();
  });

  it('one NOTIFY at a time: none is sent while one is under way but by its end', () => {
    for (const cell of CELLS.filter(({ state }) => BUSY.has(state))) {
      if (!cell.effects.some(isNotify)) continue;
      expect(cell.event.type, nameOf(cell)).toMatch(/^(taken|put-off)$/);
    }
  });

  it('a NOTIFY is under way exactly when one was sent and has not ended', () => {
    for (const cell of CELLS) {
      if (cell.effects.some(isNotify)) expect(BUSY.has(cell.next), nameOf(cell)).toBe(true);
      const ends = ['taken', 'put-off', 'failed', 'nothing', 'abort'].includes(cell.event.type);
      if (BUSY.has(cell.state) && !ends) expect(BUSY.has(cell.next), nameOf(cell)).toBe(true);
    }
  });

  it('each SUBSCRIBE is answered once, and a granted one is followed by a NOTIFY with everything', () => {
    for (const cell of CELLS) {
      const answers = cell.effects.filter((effect) => effect === 'grant' || effect === 'deny');
      const asked = cell.event.type === 'subscribe' || cell.event.type === 'unsubscribe';
      expect(answers.length, nameOf(cell)).toBe(asked ? 1 : 0);
      if (!answers.includes('grant')) continue;
      const told = cell.effects.some((effect) => /^notify( full|-last)$/.test(effect));
      expect(told || ['again', 'closing'].includes(cell.next), nameOf(cell)).toBe(true);
    }
  });

  it('ends once, with its last NOTIFY or without a subscriber, and stays ended', () => {
    for (const cell of CELLS) {
      expect(cell.effects.includes('finish'), nameOf(cell)).toBe(
        cell.next === 'over' && cell.state !== 'over',
      );
      if (cell.state === 'over') expect(cell.effects, nameOf(cell)).not.toContain('finish');
      expect(cell.effects.includes('notify-last'), nameOf(cell)).toBe(
        cell.next === 'last' && cell.state !== 'last',
      );
    }
  });

  it('nothing runs on: the rest ends when a NOTIFY goes out early', () => {
    const rests = new Set<SubscriptionState>(['resting', 'waiting', 'put-off']);
    for (const cell of CELLS.filter(
      ({ state, event }) => rests.has(state) && event.type !== 'rested',
    )) {
      const leaves = !rests.has(cell.next);
      if (leaves && cell.next !== 'over') expect(cell.effects, nameOf(cell)).toContain('stop-rest');
    }
  });
});
