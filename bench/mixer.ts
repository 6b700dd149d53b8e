/** A mixer alone, with nothing around it: the target of a load that is to measure the mixer and nothing else. */
import { LocalBus } from '../common/bus/local-bus.ts';
import { systemClock } from '../common/clock.ts';
import { type NodeId, systemRandom } from '../common/ids.ts';
import { createLogger } from '../common/log.ts';
import { createMetrics } from '../common/metrics.ts';
import type { Role } from '../common/role.ts';
import { MemoryStore } from '../common/store/memory-store.ts';
import { createMediaEngine, type MediaEngineOptions } from '../mixer/engine.ts';
import { startMixer } from '../signaling/focus/focus.ts';
import { CODEC_CHOICES } from '../signaling/sdp/codec-selection.ts';
import { createUserAgent } from '../signaling/sip/ua.ts';

export interface BenchMixerOptions {
  readonly address: string;
  readonly sipPort: number;
  readonly rtpPorts: { readonly min: number; readonly max: number };
  readonly workers: number;
  readonly keepAwake: boolean;
  /** Pins the engine's threads. */
  readonly cpus?: readonly number[];
  /** Busy share up to which new conferences are taken; default that of the mixer. */
  readonly targetShare?: number;
  readonly onLateTick?: NonNullable<MediaEngineOptions['onLateTick']>;
}

/** Starts it; every name called makes a conference. The engine's counters come with the handle. */
export async function startBenchMixer(options: BenchMixerOptions): Promise<{
  readonly role: Role;
  counters(): ReadonlyMap<string, number>;
  close(): Promise<void>;
}> {
  const clock = systemClock;
  const random = systemRandom;
  const log = createLogger('warn');
  const metrics = createMetrics();
  const engine = await createMediaEngine({
    workers: options.workers,
    localAddress: options.address,
    portRange: options.rtpPorts,
    clock,
    log,
    metrics,
    random,
    realtime: true,
    keepAwake: options.keepAwake,
    ...(options.cpus === undefined ? {} : { cpus: options.cpus }),
    ...(options.onLateTick === undefined ? {} : { onLateTick: options.onLateTick }),
    ...(options.targetShare === undefined ? {} : { targetShare: options.targetShare }),
  });
  if (!engine.ok) throw engine.error;
  const role = await startMixer({
    id: 'bench' as NodeId,
    mixerClass: 'standard',
    // The default of the program.
    mix: { contributors: 8 },
    codecs: Object.values(CODEC_CHOICES),
    createUserAgent: (events) =>
      createUserAgent({
        listen: { udp: { address: options.address, port: options.sipPort } },
        name: 'minusone-bench-mixer',
        clock,
        random,
        log,
        metrics,
        events,
        limits: { sessions: 20_000, transactions: 80_000 },
      }),
    engine: engine.value,
    bus: new LocalBus({ clock, log, metrics }),
    store: new MemoryStore(clock),
    clock,
    random,
    log,
    metrics,
    adhoc: true,
    trustedPeers: [],
  });
  if (!role.ok) throw role.error;
  return {
    role: role.value,
    counters: () => engine.value.counters(),
    close: async () => {
      await role.value.stop();
      await engine.value.close();
    },
  };
}
