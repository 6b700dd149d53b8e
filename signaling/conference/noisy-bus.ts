import type { Bus } from '../../common/bus/bus.ts';
import type { Clock } from '../../common/clock.ts';
import type { Random } from '../../common/ids.ts';

/** A bus for tests on which requests come late, overtake each other, and come twice. */
export function noisyBus(bus: Bus, clock: Clock, random: Random): Bus {
  return {
    serve: (...of) => bus.serve(...of),
    publish: (...of) => bus.publish(...of),
    subscribe: (...of) => bus.subscribe(...of),
    close: () => Promise.resolve(),
    async request(subject, body, options) {
      // Within the patience of whoever asks, so that lateness alone is no failure.
      if (random.below(4) === 0) {
        clock.after(random.below(800), () => void bus.request(subject, body, options));
      }
      if (random.below(3) === 0) await clock.sleep(random.below(150));
      return bus.request(subject, body, options);
    },
  };
}
