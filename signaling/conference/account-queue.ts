import type { AccountId } from '../../common/ids.ts';

interface Waiting {
  readonly run: () => Promise<void>;
}

export interface AccountQueueOptions {
  /** Requests of one account that may wait; one busy account must not starve the others. */
  readonly perAccount: number;
  readonly total: number;
  readonly onDepth: (depth: number) => void;
}

/**
 * Requests in the order in which they came, one at a time for each account (R41). At a bound the
 * answer is `undefined` at once: the caller is told to try again instead of waiting in vain.
 */
export class AccountQueue {
  readonly #options: AccountQueueOptions;
  readonly #queues = new Map<AccountId, Waiting[]>();
  #depth = 0;

  constructor(options: AccountQueueOptions) {
    this.#options = options;
  }

  /** Requests that wait or are being decided. */
  get depth(): number {
    return this.#depth;
  }

  submit<T>(account: AccountId, job: () => Promise<T>): Promise<T> | undefined {
    const queue = this.#queues.get(account) ?? [];
    if (queue.length >= this.#options.perAccount || this.#depth >= this.#options.total) {
      return undefined;
    }
    return new Promise<T>((resolve, reject) => {
      queue.push({ run: () => job().then(resolve, reject) });
      this.#count(1);
      if (queue.length > 1) return;
      this.#queues.set(account, queue);
      void this.#work(account, queue);
    });
  }

  async #work(account: AccountId, queue: Waiting[]): Promise<void> {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      await next.run();
      queue.shift();
      this.#count(-1);
    }
    this.#queues.delete(account);
  }

  #count(change: number): void {
    this.#depth += change;
    this.#options.onDepth(this.#depth);
  }
}
