/** The lateness of an engine minute by minute, beside that of an empty loop on the same processor. */
import type { LateTicks } from './late-ticks.ts';
import type { Witness, WitnessCounts } from './witness.ts';

const MINUTE_MS = 60_000;

export interface Minutes {
  /** The counts of the whole time. */
  stop(): Promise<WitnessCounts>;
}

export function watchMinutes(
  counters: () => ReadonlyMap<string, number>,
  lateTicks: LateTicks,
  witness: Witness,
  print: (line: string) => void,
): Minutes {
  const ticks = (name: string): number => counters().get(`ticks_${name}`) ?? 0;
  const now = async () => {
    const { wakes, late1Ms, late5Ms, stalls } = await witness.read();
    const { own, worstOwnMs } = lateTicks.judge(stalls);
    const awake = counters().get('kept_awake') === 1;
    const [onTime, over1, over5] = [ticks('on_time'), ticks('late_1_ms'), ticks('late_5_ms')];
    return { onTime, over1, over5, wakes, late1Ms, late5Ms, own, worstOwnMs, awake };
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
            `${to.late5Ms - from.late5Ms} over 5 ms; over 5 ms late by the engine itself ${to.own} ` +
            `(worst ${to.worstOwnMs.toFixed(1)} ms), kept awake: ${to.awake ? 'yes' : 'no'}`,
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
