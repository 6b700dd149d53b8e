import { describe, expect, it } from 'vitest';
import { step } from '../common/fsm.ts';
import { CALL_TABLE, type CallEvent, type CallState } from './call-table.ts';

const REFUSAL = { status: 503, q850: 42, rule: 'engine-full', retry: true };
const EVENTS: readonly CallEvent[] = [
  { type: 'routed' },
  { type: 'refused', refusal: REFUSAL },
  { type: 'answered' },
  { type: 'answer-failed', rule: 'timeout' },
  { type: 'flow-ended', reason: 'left' },
  { type: 'session-ended' },
  { type: 'media-lost', reason: 'no media' },
  { type: 'stop', reason: 'stopping' },
  { type: 'clean-up-late' },
];
const STATES = Object.keys(CALL_TABLE) as CallState[];

describe('call table', () => {
  it('every cell', () => {
    const cells = STATES.flatMap((state) =>
      EVENTS.map((event) => {
        const { state: next, effects, verdict } = step(CALL_TABLE, state, event);
        const done = effects.map((effect) => effect.type).join(', ');
        return verdict === 'moved'
          ? `${state} + ${event.type} → ${next}: ${done}`
          : `${state} + ${event.type}: ${verdict}`;
      }),
    );
    expect(cells).toMatchSnapshot();
  });

  it('frees media and leaves the call table exactly once on every way to the end', () => {
    // Walks every path of the table; `ended` moves nowhere, so each path is finite but for hang-up loops.
    const walk = (state: CallState, forgotten: number, depth: number): void => {
      if (state === 'ended') {
        expect(forgotten).toBe(1);
        return;
      }
      if (depth === 0) return;
      for (const event of EVENTS) {
        const result = step(CALL_TABLE, state, event);
        if (result.verdict !== 'moved') continue;
        const now = result.effects.filter((effect) => effect.type === 'forget').length;
        walk(result.state, forgotten + now, depth - 1);
      }
    };
    walk('routing', 0, 6);
  });

  it('says BYE before it closes the media', () => {
    const { effects } = step(CALL_TABLE, 'running', { type: 'flow-ended', reason: 'left' });
    expect(effects.map((effect) => effect.type)).toEqual(['hang-up', 'close-media']);
  });
});
