/**
 * The whole system in one process on loopback, as main.ts composes it, for end-to-end tests: real SIP
 * on UDP, real RTP through the engine, the embedded bus and a store in memory. Phones are real
 * clients of it with an engine of their own.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalBus } from '../../common/bus/local-bus.ts';
import { systemClock as clock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import { type AccountId, type NodeId, systemRandom as random } from '../../common/ids.ts';
import { createLogger } from '../../common/log.ts';
import { createMetrics, type Metrics } from '../../common/metrics.ts';
import type { Result } from '../../common/result.ts';
import type { Role } from '../../common/role.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import type { Store } from '../../common/store/store.ts';
import { createMediaEngine } from '../../mixer/engine.ts';
import type { MediaEngine } from '../../mixer/media.ts';
import {
  createServiceClient,
  openConferenceClient,
  type ServiceClient,
} from '../../signaling/conference/client.ts';
import { seedDemoData } from '../../signaling/conference/demo-data.ts';
import type { OutdialRules } from '../../signaling/conference/dialling.ts';
import { startInterfaceServer } from '../../signaling/conference/interface-server.ts';
import { startProvisioning } from '../../signaling/conference/provisioning.ts';
import { startProxy } from '../../signaling/conference/proxy.ts';
import { conferenceRecord, guardRecord, KEYS } from '../../signaling/conference/records.ts';
import { startMixer } from '../../signaling/focus/focus.ts';
import { createUserAgent } from '../../signaling/sip/ua.ts';
import type { UserAgent, UserAgentEvents } from '../../signaling/sip/user-agent.ts';
import type { TrunkSettings } from '../../signaling/trunk/trunk.ts';
import { type PhoneOptions, type PhoneResult, runPhone } from '../../vru/phone.ts';
import { openPrompts } from '../../vru/prompts.ts';
import { startVru } from '../../vru/server.ts';
import { vruSettings } from '../../vru/settings.ts';
import { createSpeech, speakWith } from '../../vru/speech.ts';
import { readWav } from '../../vru/wav.ts';
import type { Audio } from '../audio/signals.ts';
import type { FarEndParts } from './far-end.ts';
import { mortal } from './mortal.ts';

export interface SystemOptions {
  /** First RTP port; a test file takes some 3,000 from there, and the ten below for SIP. */
  readonly rtpPort: number;
  readonly vrus?: number;
  readonly mixerClasses?: readonly string[];
  readonly interfaceServers?: number;
  readonly vruSettings?: unknown;
  /** Ways to call out; default none. */
  readonly outdial?: { readonly rules: OutdialRules; readonly trunks: readonly TrunkSettings[] };
}

export interface Heard extends PhoneResult {
  /** What the phone heard from the answer on. */
  readonly audio: Audio;
}

export interface RunningSystem {
  /** Below it what the roles write: recordings in a folder of each mixer's name. */
  readonly folder: string;
  readonly store: Store;
  readonly metrics: Metrics;
  /** As the API asks. */
  readonly service: ServiceClient;
  /** For far ends: an engine and all that a user agent needs. */
  readonly far: FarEndParts;
  /** `127.0.0.1:PORT` of each VRU. */
  readonly vrus: readonly string[];
  /** Calls VRU number `vru`; resolves when the call is over. */
  phone(
    vru: number,
    options: Omit<PhoneOptions, 'target'> & { readonly dnis?: string },
  ): Promise<Heard>;
  /** Which mixer has the conference of this account. */
  mixerOf(account: string): Promise<string>;
  /** It is gone from one moment to the next, as by `kill -9`. */
  killMixer(mixerId: string): Promise<void>;
  /** Open legs of all engines, those of the phones too. */
  legs(): number;
  /** Value of one line of /metrics. */
  metric(line: string): Promise<number>;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
/** Closed ports rest a while before they are used again. */
const PORTS_EACH = 600;

export function must<T>(result: Result<T, MediaError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

export async function startSystem(options: SystemOptions): Promise<RunningSystem> {
  const level = process.env['MINUSONE_TEST_LOG'] === 'info' ? 'info' : 'error';
  const log = createLogger(level, process.stderr);
  const metrics = createMetrics();
  const bus = new LocalBus({ clock, log, metrics });
  const store = new MemoryStore(clock);
  const platform = { bus, store, clock, random, log, metrics };
  must(await seedDemoData(store));

  const folder = mkdtempSync(join(tmpdir(), 'minusone-e2e-'));
  const engines: MediaEngine[] = [];
  const engine = async (): Promise<MediaEngine> => {
    const min = options.rtpPort + engines.length * PORTS_EACH;
    const portRange = { min, max: min + PORTS_EACH - 1 };
    const made = must(
      await createMediaEngine({ workers: 1, localAddress: HOST, portRange, clock, log }),
    );
    engines.push(made);
    return made;
  };
  const agentAt =
    (port: number) =>
    (events: UserAgentEvents): UserAgent => {
      const listen = { udp: { address: HOST, port }, tcp: { address: HOST, port } };
      return createUserAgent({ listen, clock, random, log, metrics, events });
    };
  const agent = agentAt(0);

  const roles: Role[] = [await startProvisioning({ ...platform, id: 'provisioning-1' as NodeId })];
  roles.push(await startProxy({ ...platform, id: 'proxy-1' as NodeId }));
  for (let index = 1; index <= (options.interfaceServers ?? 2); index++) {
    const id = `interface-${index}` as NodeId;
    const outdial = options.outdial?.rules;
    roles.push(must(await startInterfaceServer({ ...platform, outdial, id })));
  }
  const mixers: { readonly id: NodeId; kill(): Promise<void> }[] = [];
  for (const [index, mixerClass] of (options.mixerClasses ?? ['standard', 'standard']).entries()) {
    const own = await engine();
    const id = `mixer-${index + 1}` as NodeId;
    const life = mortal(bus, store);
    const spoken = must(
      openPrompts({ engine: own, log, bundledDirectory: 'prompts', language: 'en' }),
    );
    const speak = speakWith(createSpeech(spoken, own));
    const mixer = {
      ...{ mixerClass, engine: own, adhoc: false, trustedPeers: [], speak },
      recordingFolder: join(folder, id),
      ...life,
    };
    const role = must(await startMixer({ ...platform, ...mixer, id, createUserAgent: agent }));
    roles.push(role);
    mixers.push({
      id,
      kill: async () => {
        await life.kill();
        await own.close();
      },
    });
  }
  const vruEngine = await engine();
  const prompts = must(
    openPrompts({ engine: vruEngine, log, bundledDirectory: 'prompts', language: 'en' }),
  );
  const vrus: string[] = [];
  for (let index = 1; index <= (options.vrus ?? 3); index++) {
    const id = `vru-${index}` as NodeId;
    const settings = vruSettings.parse(options.vruSettings ?? {});
    const role = await startVru({
      ...platform,
      id,
      engine: vruEngine,
      prompts,
      settings,
      ...(options.outdial === undefined
        ? {}
        : { trunks: { trunks: options.outdial.trunks, registers: index === 1 } }),
      // One number for UDP and TCP, as callers dial it.
      createUserAgent: agentAt(options.rtpPort - index),
      openClient: (onCommand, describe) =>
        openConferenceClient({ ...platform, id, onCommand, describe }),
    });
    roles.push(must(role));
    vrus.push(`${HOST}:${options.rtpPort - index}`);
  }
  const phoneEngine = await engine();
  let calls = 0;
  const mixerOf = async (account: string): Promise<string> => {
    const active = must(await store.get(KEYS.active(account as AccountId)));
    const { conferenceId } = guardRecord.parse(active?.value);
    const entry = must(await store.get(KEYS.conference(conferenceId)));
    return conferenceRecord.parse(entry?.value).mixerId;
  };

  return {
    folder,
    store,
    metrics,
    service: createServiceClient(platform),
    far: { engine: phoneEngine, clock, random, log, metrics, folder },
    vrus,
    phone: async (vru, phone) => {
      const record = join(folder, `${++calls}.wav`);
      const { dnis = '1000', ...rest } = phone;
      const result = await runPhone(
        { ...rest, target: `sip:${dnis}@${vrus[vru]}`, record },
        {
          engine: phoneEngine,
          clock,
          random,
          log,
          createUserAgent: (_local, events) => agent(events),
        },
      );
      if (!result.answered) throw new Error(`not answered: ${JSON.stringify(result)}`);
      return { ...result, audio: must(readWav(readFileSync(record))) };
    },
    mixerOf,
    killMixer: async (mixerId) => {
      await mixers.find(({ id }) => id === mixerId)?.kill();
    },
    legs: () => engines.reduce((sum, own) => sum + own.load().legs, 0),
    metric: async (line) => {
      const found = (await metrics.text()).split('\n').find((text) => text.startsWith(`${line} `));
      return found === undefined ? 0 : Number(found.slice(line.length + 1));
    },
    stop: async () => {
      for (const role of roles.toReversed()) await role.stop();
      prompts.close();
      for (const one of engines) await one.close();
      await bus.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
