import type { Bus, Subscription } from './bus/bus.ts';
import type { Clock } from './clock.ts';
import type { Lease, Store, Watch } from './store/store.ts';

/**
 * A process for tests that can be killed: what runs on its bus, store and clock stops in the middle.
 * Nothing of it is answered, written or renewed any more; nobody is told. Others find out as they
 * would: `no-server`, time-outs, leases that run out.
 */
export class FakeProcess {
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly #subscriptions: Subscription[] = [];
  #killed = false;

  constructor(bus: Bus, store: Store, clock: Clock) {
    this.bus = this.#bus(bus);
    this.store = this.#store(store);
    this.clock = this.#clock(clock);
  }

  get killed(): boolean {
    return this.#killed;
  }

  kill(): void {
    this.#killed = true;
    for (const subscription of this.#subscriptions) void subscription.close();
  }

  /** The result, unless the process was killed before it was used or before it came. */
  async #alive<T>(begin: () => Promise<T>): Promise<T> {
    if (this.#killed) return new Promise<T>(() => {});
    const result = await begin();
    return this.#killed ? new Promise<T>(() => {}) : result;
  }

  #bus(bus: Bus): Bus {
    return {
      request: (subject, body, options) => this.#alive(() => bus.request(subject, body, options)),
      serve: async (subject, handler, options) => {
        const served = await bus.serve(
          subject,
          (body) => this.#alive(() => handler(body)),
          options,
        );
        this.#subscriptions.push(served);
        return served;
      },
      publish: (subject, body) => {
        if (!this.#killed) bus.publish(subject, body);
      },
      subscribe: async (subject, handler) => {
        const subscribed = await bus.subscribe(subject, handler);
        this.#subscriptions.push(subscribed);
        return subscribed;
      },
      close: () => Promise.resolve(),
    };
  }

  #store(store: Store): Store {
    return {
      get: (key) => this.#alive(() => store.get(key)),
      put: (key, value) => this.#alive(() => store.put(key, value)),
      compareAndSet: (key, value, expected) =>
        this.#alive(() => store.compareAndSet(key, value, expected)),
      delete: (key, expected) => this.#alive(() => store.delete(key, expected)),
      list: (prefix) => this.#alive(() => store.list(prefix)),
      page: (prefix, options) => this.#alive(() => store.page(prefix, options)),
      watch: async (prefix, onChange): Promise<Watch> => {
        const watch = await store.watch(prefix, (change) => {
          if (!this.#killed) onChange(change);
        });
        this.#subscriptions.push(watch);
        return watch;
      },
      lease: async (...of) => {
        const lease = await this.#alive(() => store.lease(...of));
        return lease.ok ? { ok: true, value: this.#lease(lease.value) } : lease;
      },
      close: () => Promise.resolve(),
    };
  }

  #lease(lease: Lease): Lease {
    return {
      key: lease.key,
      renew: (value) => this.#alive(() => lease.renew(value)),
      release: () => this.#alive(() => lease.release()),
    };
  }

  #clock(clock: Clock): Clock {
    const guard = (fire: () => void) => (): void => {
      if (!this.#killed) fire();
    };
    return {
      nowMs: () => clock.nowMs(),
      wallMs: () => clock.wallMs(),
      after: (delayMs, fire) => clock.after(delayMs, guard(fire)),
      every: (periodMs, fire) => clock.every(periodMs, guard(fire)),
      sleep: (delayMs) => this.#alive(() => clock.sleep(delayMs)),
    };
  }
}
