import { describe, expect, it } from 'vitest';
import { SimClock } from '../../../common/sim-clock.ts';
import type { Digit } from '../../../mixer/media.ts';
import { type KeyMap, pressKey, settleKeys } from './key-map.ts';
import { Keypad } from './keypad.ts';

const MAP: KeyMap = { '**': 'leave', '*6': 'mute-self', '*': 'help', '##': 'end' };

describe('R20, R22: key sequences', () => {
  it('knows a complete sequence, a beginning, and nonsense', () => {
    expect(pressKey(MAP, '*', '6')).toEqual({ kind: 'action', action: 'mute-self', pressed: '*6' });
    expect(pressKey(MAP, '', '*')).toEqual({ kind: 'pending', pressed: '*' });
    expect(pressKey(MAP, '', '5')).toEqual({ kind: 'unknown', pressed: '5' });
    expect(pressKey(MAP, '*', '9')).toEqual({ kind: 'unknown', pressed: '*9' });
  });

  it('begins anew with a key that fits nothing', () => {
    expect(pressKey(MAP, '#', '*')).toEqual({ kind: 'pending', pressed: '*' });
  });

  it('settles a sequence that is also a beginning after a pause', () => {
    expect(settleKeys(MAP, '*')).toEqual({ kind: 'action', action: 'help', pressed: '*' });
    expect(settleKeys(MAP, '#')).toEqual({ kind: 'unknown', pressed: '#' });
  });

  it('is not fooled by names of object properties', () => {
    expect(settleKeys(MAP, 'constructor').kind).toBe('unknown');
  });
});

describe('keypad', () => {
  const setUp = () => {
    const clock = new SimClock();
    return {
      clock,
      keypad: new Keypad(MAP, { keyPauseMs: 3_000, confirmMs: 6_000, rosterMs: 30_000 }, clock),
    };
  };
  const press = (keypad: Keypad, keys: Digit[]) => keys.map((key) => keypad.press(key)).at(-1);

  it('waits no longer than the pause', async () => {
    const { clock, keypad } = setUp();
    expect(press(keypad, ['*'])).toBeUndefined();
    expect(keypad.waitMs).toBe(3_000);
    await clock.advance(2_999);
    expect(keypad.settle()).toBeUndefined();
    await clock.advance(1);
    expect(keypad.settle()).toEqual({ kind: 'action', action: 'help' });
    expect(keypad.waitMs).toBeUndefined();
  });

  it('takes 1 as yes, any other key and silence as no', async () => {
    const { clock, keypad } = setUp();
    keypad.ask('end');
    expect(press(keypad, ['1'])).toEqual({ kind: 'answer', yes: true, action: 'end' });
    keypad.ask('end');
    expect(press(keypad, ['*'])).toEqual({ kind: 'answer', yes: false, action: 'end' });
    keypad.ask('end');
    await clock.advance(6_000);
    expect(keypad.settle()).toEqual({ kind: 'answer', yes: false, action: 'end' });
  });

  it('ignores the # after a code recognised without it, once', async () => {
    const { clock, keypad } = setUp();
    keypad.ignoreEndKey(4_000);
    await clock.advance(1_000);
    expect(press(keypad, ['#'])).toBeUndefined();
    expect(keypad.waitMs).toBeUndefined();
    expect(press(keypad, ['#', '#'])).toEqual({ kind: 'action', action: 'end' });
  });
});
