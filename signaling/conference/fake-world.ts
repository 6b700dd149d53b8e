/**
 * A whole conference management system in virtual time for tests: provisioning, proxies, interface
 * servers, mixers and VRUs, each a process that can be killed.
 */
import type { Bus } from '../../common/bus/bus.ts';
import { LocalBus } from '../../common/bus/local-bus.ts';
import { FakeProcess } from '../../common/fake-process.ts';
import { type NodeId, seededRandom } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { createMetrics, type Metrics } from '../../common/metrics.ts';
import type { Role } from '../../common/role.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import type { Store } from '../../common/store/store.ts';
import { addAccount } from './accounts.ts';
import type { OutdialRules } from './dialling.ts';
import { FakeMixer } from './fake-mixer.ts';
import { FakeVru } from './fake-vru.ts';
import { startInterfaceServer } from './interface-server.ts';
import type { AccountRecord } from './messages.ts';
import { noisyBus, type Overheard } from './noisy-bus.ts';
import { startProvisioning } from './provisioning.ts';
import { startProxy } from './proxy.ts';

export interface WorldOptions {
  readonly seed?: number;
  readonly proxies?: number;
  readonly interfaces?: number;
  readonly mixers?: number;
  readonly vrus?: number;
  readonly queuePerAccount?: number;
  /** Absent: nobody can call out. */
  readonly outdial?: OutdialRules;
  /** Requests between processes come late, overtake each other and come twice. */
  readonly noisy?: boolean;
  /** On a noisy bus. */
  readonly overheard?: Overheard;
}

export interface Part<T> {
  readonly id: NodeId;
  readonly process: FakeProcess;
  readonly it: T;
}

export const HOST = '9100';
export const PARTICIPANT = '1100';

export class FakeWorld {
  readonly clock = new SimClock();
  readonly metrics: Metrics = createMetrics();
  readonly store: Store;
  readonly bus: LocalBus;
  readonly proxies: Part<Role>[] = [];
  readonly interfaces: Part<Role>[] = [];
  readonly mixers: Part<FakeMixer>[] = [];
  readonly vrus: Part<FakeVru>[] = [];
  readonly #seed: number;
  readonly #queuePerAccount: number | undefined;
  readonly #outdial: OutdialRules | undefined;
  readonly #busOfAll: Bus;
  #made = 0;

  constructor(options: WorldOptions) {
    this.#seed = options.seed ?? 1;
    this.#queuePerAccount = options.queuePerAccount;
    this.#outdial = options.outdial;
    this.store = new MemoryStore(this.clock, seededRandom(this.#seed));
    this.bus = new LocalBus({ clock: this.clock, log: silentLogger, metrics: this.metrics });
    this.#busOfAll =
      options.noisy === true
        ? noisyBus(this.bus, this.clock, seededRandom(this.#seed + 77), options.overheard)
        : this.bus;
  }

  static async start(options: WorldOptions = {}): Promise<FakeWorld> {
    const world = new FakeWorld(options);
    const times = async (count: number, make: () => Promise<unknown>): Promise<void> => {
      for (let index = 0; index < count; index++) await make();
    };
    await startProvisioning({ ...world.#surroundings('provisioning') });
    await times(options.mixers ?? 2, () => world.addMixer());
    await times(options.vrus ?? 2, () => world.addVru());
    await times(options.interfaces ?? 2, () => world.addInterface());
    await times(options.proxies ?? 1, () => world.addProxy());
    return world;
  }

  #surroundings(name: string) {
    this.#made += 1;
    const process = new FakeProcess(this.#busOfAll, this.store, this.clock);
    return {
      id: `${name}-${this.#made}` as NodeId,
      bus: process.bus,
      store: process.store,
      clock: process.clock,
      random: seededRandom(this.#seed * 1_000 + this.#made),
      log: silentLogger,
      metrics: this.metrics,
      process,
    };
  }

  async addMixer(
    more: { readonly mixerClass?: string; readonly headroom?: number; readonly id?: NodeId } = {},
  ): Promise<Part<FakeMixer>> {
    const around = this.#surroundings('mixer');
    const it = await new FakeMixer({ ...around, ...more }).start();
    const part = { id: it.id, process: around.process, it };
    this.mixers.push(part);
    return part;
  }

  async addVru(id?: NodeId): Promise<Part<FakeVru>> {
    const around = this.#surroundings('vru');
    const it = await new FakeVru({ ...around, id: id ?? around.id }).start();
    const part = { id: id ?? around.id, process: around.process, it };
    this.vrus.push(part);
    return part;
  }

  async addInterface(): Promise<Part<Role>> {
    const around = this.#surroundings('interface');
    const queuePerAccount = this.#queuePerAccount;
    const started = await startInterfaceServer({
      ...around,
      ...(queuePerAccount === undefined ? {} : { queuePerAccount }),
      outdial: this.#outdial,
    });
    if (!started.ok) throw started.error;
    const part = { id: around.id, process: around.process, it: started.value };
    this.interfaces.push(part);
    return part;
  }

  async addProxy(): Promise<Part<Role>> {
    const around = this.#surroundings('proxy');
    const part = { id: around.id, process: around.process, it: await startProxy(around) };
    this.proxies.push(part);
    return part;
  }

  async account(
    more: Partial<AccountRecord> & { readonly id?: never } = {},
  ): Promise<AccountRecord> {
    const added = await addAccount(this.store, {
      id: 'acme',
      name: 'Acme',
      hostCodes: [HOST],
      participantCodes: [PARTICIPANT],
      ...more,
    });
    if (!added.ok) throw added.error;
    return added.value;
  }

  vru(index = 0): FakeVru {
    const part = this.vrus[index];
    if (part === undefined) throw new Error(`there is no VRU ${index}`);
    return part.it;
  }

  mixer(index = 0): FakeMixer {
    const part = this.mixers[index];
    if (part === undefined) throw new Error(`there is no mixer ${index}`);
    return part.it;
  }

  /** Lets time run until it is done. */
  async run<T>(work: Promise<T>, limitMs = 60_000): Promise<T> {
    let done = false;
    const noted = work.finally(() => {
      done = true;
    });
    // What it fails with is thrown where it is awaited below.
    noted.catch(() => {});
    for (let spentMs = 0; !done; spentMs += 10) {
      if (spentMs > limitMs) throw new Error(`not done after ${limitMs} ms`);
      await this.clock.advance(10);
    }
    return noted;
  }

  /** Time enough for everything in the background. */
  settle(): Promise<void> {
    return this.clock.advance(300);
  }

  /** Conferences on living mixers, by id, with who is admitted. */
  onMixers(): Map<string, number> {
    const all = new Map<string, number>();
    for (const { it, process } of this.mixers) {
      if (process.killed) continue;
      for (const [id, seats] of it.conferences) all.set(id, (all.get(id) ?? 0) + seats.size);
    }
    return all;
  }

  async keys(prefix: string): Promise<readonly string[]> {
    const listed = await this.store.list(prefix);
    if (!listed.ok) throw listed.error;
    return listed.value.map(({ key }) => key);
  }
}
