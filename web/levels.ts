/**
 * How loud each talker is, outside of the page's state: five updates a second move bars and nothing
 * else. A bar falls slowly, so that it does not flicker between words.
 */

export type LevelsMessage = {
  readonly type: 'levels';
  readonly conferenceId: string;
  readonly levels: readonly (readonly [number, number])[];
};

/** From nothing to full, in dBov. */
const QUIET_DB = -60;
const LOUD_DB = -10;
const FALL_EACH = 0.25;

/** 0 to 1. */
export const shareOf = (levelDbov: number): number =>
  Math.min(1, Math.max(0, (levelDbov - QUIET_DB) / (LOUD_DB - QUIET_DB)));

type Listener = (share: number) => void;

export interface Levels {
  take(message: LevelsMessage): void;
  /** Nobody is known to talk. */
  clear(): void;
  /** Returns what ends it. */
  follow(conferenceId: string, ordinal: number, listener: Listener): () => void;
}

export function createLevels(): Levels {
  const listeners = new Map<string, Listener>();
  const shares = new Map<string, number>();
  const tell = (key: string, share: number): void => {
    if (share > 0) shares.set(key, share);
    else shares.delete(key);
    listeners.get(key)?.(share);
  };
  return {
    take({ conferenceId, levels }) {
      const now = new Map(
        levels.map(([ordinal, db]) => [`${conferenceId} ${ordinal}`, shareOf(db)]),
      );
      for (const [key, share] of shares) {
        if (!now.has(key)) tell(key, 0);
        else now.set(key, Math.max(now.get(key) ?? 0, share - FALL_EACH));
      }
      for (const [key, share] of now) tell(key, share);
    },
    clear() {
      for (const key of [...shares.keys()]) tell(key, 0);
    },
    follow(conferenceId, ordinal, listener) {
      const key = `${conferenceId} ${ordinal}`;
      listeners.set(key, listener);
      listener(shares.get(key) ?? 0);
      return () => {
        if (listeners.get(key) === listener) listeners.delete(key);
      };
    },
  };
}
