import type { Bus, Subscription } from '../../common/bus/bus.ts';
import { ok } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';

/** Bus and store as one role sees them, until it is killed: then nobody hears of it any more. */
export interface Mortal {
  readonly bus: Bus;
  readonly store: Store;
  /** As `kill -9`: no goodbye, no lease given back; what it served has no server at once. */
  kill(): Promise<void>;
}

export function mortal(bus: Bus, store: Store): Mortal {
  const served = new Set<Subscription>();
  let dead = false;
  const keep = (subscription: Subscription): Subscription => {
    served.add(subscription);
    return subscription;
  };
  return {
    bus: {
      request: (subject, body, options) =>
        dead ? new Promise(() => {}) : bus.request(subject, body, options),
      serve: async (...of) => keep(await bus.serve(...of)),
      publish: (subject, body) => {
        if (!dead) bus.publish(subject, body);
      },
      subscribe: async (...of) => keep(await bus.subscribe(...of)),
      close: () => Promise.resolve(),
    },
    store: {
      get: (key) => store.get(key),
      put: (...of) => store.put(...of),
      compareAndSet: (...of) => store.compareAndSet(...of),
      delete: (...of) => store.delete(...of),
      list: (prefix) => store.list(prefix),
      page: (prefix, options) => store.page(prefix, options),
      watch: (...of) => store.watch(...of),
      lease: async (...of) => {
        const made = await store.lease(...of);
        if (!made.ok) return made;
        const { value } = made;
        return ok({
          key: value.key,
          renew: (renewed: unknown) =>
            dead ? Promise.resolve(ok(undefined)) : value.renew(renewed),
          release: () => (dead ? Promise.resolve() : value.release()),
        });
      },
      close: () => Promise.resolve(),
    },
    kill: async () => {
      dead = true;
      for (const subscription of served) await subscription.close();
    },
  };
}
