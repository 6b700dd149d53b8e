import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from './clock.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const DAY_MS = 86_400_000;

describe('the clock of the machine', () => {
  it('waits for 60 days, which is more than a timer of Node can', () => {
    let fired = 0;
    systemClock.after(60 * DAY_MS, () => {
      fired += 1;
    });
    vi.advanceTimersByTime(59 * DAY_MS);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(2 * DAY_MS);
    expect(fired).toBe(1);
  });

  it('forgets a long wait that is cancelled, in whichever part of it', () => {
    let fired = 0;
    const fire = (): void => {
      fired += 1;
    };
    systemClock.after(60 * DAY_MS, fire).cancel();
    const later = systemClock.after(60 * DAY_MS, fire);
    vi.advanceTimersByTime(30 * DAY_MS);
    later.cancel();
    vi.advanceTimersByTime(90 * DAY_MS);
    expect(fired).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
