/** The lateness of an engine minute by minute, beside that of an empty loop on the same processor. */
import type { Witness, WitnessCounts } from './witness.ts';

const MINUTE_MS = 60_000;

export interface Minutes {
  /** The counts of the whole time. */
  stop(): Promise<WitnessCounts>;
}

export function watchMinutes(
  counters: () => ReadonlyMap<string, number>,
  witness: Witness,
  print: (line: string) => void,
): Minutes {
  const ticks = (name: string): number => counters().get(`ticks_${name}`) ?? 0;
  const now = async () => {
    const { wakes, late1Ms, late5Ms } = await witness.read();
    const [onTime, over1, over5] = [ticks('on_time'), ticks('late_1_ms'), ticks('late_5_ms')];
    return { onTime, over1, over5, wakes, late1Ms, late5Ms };
  };
  let minute = 0;
  let before = now();
  const timer = setInterval(() => {
    const after = now();
    Promise.all([before, after]).then(
      ([from, to]) => {
        minute += 1;
        print(
          `minute ${minute}: ${to.onTime - from.onTime} ticks in time, ${to.over1 - from.over1} over 1 ms late, ` +
            `${to.over5 - from.over5} over 5 ms; empty loop ${to.late1Ms - from.late1Ms} over 1 ms, ` +
            `${to.late5Ms - from.late5Ms} over 5 ms`,
        );
      },
      (error: unknown) => print(String(error)),
    );
    before = after;
  }, MINUTE_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await before;
      return witness.stop();
    },
  };
}
