/**
 * Slots of a fixed table with a generation, so that a handle of something that is gone never means what
 * took its place. A handle is 16 bits of index below 16 bits of generation.
 */
export class HandleTable<T> {
  readonly #items: (T | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  readonly #bound: number;
  #size = 0;

  constructor(bound: number) {
    this.#bound = bound;
  }

  get size(): number {
    return this.#size;
  }

  get freeSlots(): number {
    return this.#bound - this.#size;
  }

  /** Null when the table is full. */
  add(make: (handle: number) => T): T | null {
    // The longest unused slot first: a late command finds an old generation rather than a new owner.
    const index = this.#free.shift() ?? this.#items.length;
    if (index >= this.#bound) return null;
    const generation = ((this.#generations[index] ?? 0) + 1) & 0xffff;
    this.#generations[index] = generation;
    const item = make(((generation << 16) | index) >>> 0);
    this.#items[index] = item;
    this.#size++;
    return item;
  }

  get(handle: number): T | undefined {
    const index = handle & 0xffff;
    return this.#generations[index] === handle >>> 16 ? this.#items[index] : undefined;
  }

  remove(handle: number): void {
    if (this.get(handle) === undefined) return;
    const index = handle & 0xffff;
    this.#items[index] = undefined;
    this.#free.push(index);
    this.#size--;
  }

  *values(): Iterable<T> {
    for (const item of this.#items) if (item !== undefined) yield item;
  }
}
