import type { Body, Bus } from '../../common/bus/bus.ts';
import type { Clock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import type { Random } from '../../common/ids.ts';
import type { Result } from '../../common/result.ts';

/** Every request as it was carried out, each copy by itself. */
export type Overheard = (subject: string, body: Body, answer: Result<Body, MediaError>) => void;

/** Within the patience of whoever asks, so that lateness alone is no failure. */
const LATE_MS = 800;
/** A server that stalled, a try that was given up and goes on all the same. */
const VERY_LATE_MS = 20_000;

/** A bus for tests on which requests come late, overtake each other, and come twice. */
export function noisyBus(
  bus: Bus,
  clock: Clock,
  random: Random,
  overheard: Overheard = () => {},
): Bus {
  return {
    serve: (...of) => bus.serve(...of),
    publish: (...of) => bus.publish(...of),
    subscribe: (...of) => bus.subscribe(...of),
    close: () => Promise.resolve(),
    async request(subject, body, options) {
      const carryOut = async (): Promise<Result<Body, MediaError>> => {
        const answer = await bus.request(subject, body, options);
        overheard(subject, body, answer);
        return answer;
      };
      if (random.below(4) === 0) {
        const isService = subject === 'proxy' || subject.startsWith('interface.');
        const isVeryLate = isService && random.below(4) === 0;
        clock.after(random.below(isVeryLate ? VERY_LATE_MS : LATE_MS), () => void carryOut());
      }
      if (random.below(3) === 0) await clock.sleep(random.below(150));
      return carryOut();
    },
  };
}
