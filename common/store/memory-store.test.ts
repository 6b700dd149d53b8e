import { SimClock } from '../sim-clock.ts';
import { MemoryStore } from './memory-store.ts';
import { storeContract } from './store-contract.ts';

storeContract('memory, for tests', () => {
  const clock = new SimClock();
  const store = new MemoryStore(clock);
  return Promise.resolve({
    here: store,
    there: store,
    elapse: (durationMs) => clock.advance(durationMs),
    close: () => store.close(),
  });
});
