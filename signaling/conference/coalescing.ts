/**
 * Named work of which one run at a time is enough. A call while it runs gets one further run, shared
 * with everybody else who calls meanwhile: each caller is served by a run that began after the call.
 */
export class Coalescing {
  readonly #running = new Map<string, { readonly now: Promise<void>; next?: Promise<void> }>();

  get idle(): boolean {
    return this.#running.size === 0;
  }

  run(name: string, work: () => Promise<void>): Promise<void> {
    const before = this.#running.get(name);
    if (before === undefined) return this.#start(name, work);
    const again = (): Promise<void> => this.#start(name, work);
    before.next ??= before.now.then(again, again);
    return before.next;
  }

  #start(name: string, work: () => Promise<void>): Promise<void> {
    const now = work();
    const entry = { now };
    this.#running.set(name, entry);
    const forget = (): void => {
      // A further run that was asked for takes the place of this one.
      if (this.#running.get(name) === entry && !('next' in entry)) this.#running.delete(name);
    };
    now.then(forget, forget);
    return now;
  }

  /** Resolves when nothing runs. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.allSettled([...this.#running.values()].map(({ now, next }) => next ?? now));
    }
  }
}
