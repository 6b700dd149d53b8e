import type { NodeId } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Change, Store, Watch } from '../../common/store/store.ts';
import type { Caller } from './messages.ts';
import { KEYS, PREFIXES, vruRecord } from './records.ts';

/**
 * Which mixers and VRUs are there, from their leases. A lease that is in memory counts; one that is
 * not is looked up before anybody is called dead, as the watch may be a moment late.
 */
export class LivingNodes {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #mixers = new Set<NodeId>();
  /** The start mark tells a VRU from an earlier run under the same name. */
  readonly #vrus = new Map<NodeId, string>();
  readonly #watches: Watch[] = [];

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  async start(onLost: (kind: 'mixer' | 'vru', id: NodeId) => void): Promise<void> {
    const watchMixers = (change: Change): void => {
      const id = change.key.slice(PREFIXES.mixer.length) as NodeId;
      if (change.kind === 'put') {
        this.#mixers.add(id);
        return;
      }
      this.#mixers.delete(id);
      onLost('mixer', id);
    };
    const watchVrus = (change: Change): void => {
      const id = change.key.slice(PREFIXES.vru.length) as NodeId;
      const before = this.#vrus.get(id);
      const record = vruRecord.safeParse(change.kind === 'put' ? change.value : undefined);
      if (record.success) this.#vrus.set(id, record.data.start);
      else this.#vrus.delete(id);
      if (change.kind === 'put' && !record.success) this.#log.error({ id }, 'unreadable VRU lease');
      // Gone, or another run of it: the calls of the one before are gone.
      if (before !== undefined && before !== this.#vrus.get(id)) onLost('vru', id);
    };
    this.#watches.push(await this.#store.watch(PREFIXES.mixer, watchMixers));
    this.#watches.push(await this.#store.watch(PREFIXES.vru, watchVrus));
  }

  async mixer(id: NodeId): Promise<boolean> {
    if (this.#mixers.has(id)) return true;
    const entry = await this.#store.get(KEYS.mixer(id));
    // A store that does not answer is no reason to call anybody dead.
    return !entry.ok || entry.value !== undefined;
  }

  /** Whether the VRU of this caller still runs, and is the same run of it. */
  async vruOf(caller: Pick<Caller, 'vruId' | 'vruStart'>): Promise<boolean> {
    const sameRun = (start: string): boolean =>
      caller.vruStart === undefined || caller.vruStart === start;
    const known = this.#vrus.get(caller.vruId);
    if (known !== undefined && sameRun(known)) return true;
    const entry = await this.#store.get(KEYS.vru(caller.vruId));
    if (!entry.ok) return true;
    const record = vruRecord.safeParse(entry.value?.value);
    return record.success && sameRun(record.data.start);
  }

  async stop(): Promise<void> {
    for (const watch of this.#watches.splice(0)) await watch.close();
  }
}
