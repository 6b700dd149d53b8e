/** A mixer alone, real from socket to socket, and phones that call it; for end-to-end tests. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalBus } from '../../common/bus/local-bus.ts';
import { systemClock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import { type NodeId, systemRandom } from '../../common/ids.ts';
import { createLogger, type Logger } from '../../common/log.ts';
import { createMetrics } from '../../common/metrics.ts';
import type { Result } from '../../common/result.ts';
import type { Role } from '../../common/role.ts';
import { MemoryStore } from '../../common/store/memory-store.ts';
import { createMediaEngine } from '../../mixer/engine.ts';
import type { MediaEngine } from '../../mixer/media.ts';
import { startMixer } from '../../signaling/focus/focus.ts';
import { CODEC_CHOICES, type CodecChoice } from '../../signaling/sdp/codec-selection.ts';
import { createUserAgent } from '../../signaling/sip/ua.ts';
import type { UserAgent } from '../../signaling/sip/user-agent.ts';
import { type PhoneOptions, type PhoneResult, runPhone } from '../../vru/phone.ts';
import { readWav } from '../../vru/wav.ts';
import type { Audio } from '../audio/signals.ts';

const ADDRESS = '127.0.0.1';

export interface RigOptions {
  /** RTP ports of mixer and phones, two for each leg; each test file has a range of its own. */
  readonly firstPort: number;
  readonly ports?: number;
  readonly sipPort: number;
  readonly codecs?: readonly CodecChoice[];
}

export interface PhoneCallResult extends PhoneResult {
  /** Empty when the call was not answered. */
  readonly heard: Audio;
  /** What the phone printed. */
  readonly lines: readonly string[];
}

export interface MixerRig {
  readonly id: NodeId;
  readonly bus: LocalBus;
  readonly engine: MediaEngine;
  readonly mixer: Role;
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** Waits until the mixer takes calls: on a busy machine it rightly refuses them. */
  calm(): Promise<void>;
  /** A whole call to a conference of the mixer, recorded. */
  call(conference: string, options: Partial<PhoneOptions>): Promise<PhoneCallResult>;
  stop(): Promise<void>;
}

/** `MINUSONE_TEST_LOG=debug` shows what the mixer does. */
const log: Logger = createLogger(process.env['MINUSONE_TEST_LOG'] === 'debug' ? 'debug' : 'silent');

export async function startMixerRig(options: RigOptions): Promise<MixerRig> {
  const clock = systemClock;
  const random = systemRandom;
  const ports = options.ports ?? 400;
  const middle = options.firstPort + ports / 2;
  const folder = mkdtempSync(join(tmpdir(), 'mixer-rig-'));
  const engine = await startEngine(options.firstPort, middle - 1);
  const phones = await startEngine(middle, options.firstPort + ports - 1);
  const metrics = createMetrics();
  const bus = new LocalBus({ clock, log, metrics });
  const store = new MemoryStore(clock);
  const id = 'm1' as NodeId;
  const listen = { address: ADDRESS, port: options.sipPort };
  const mixer = unwrap(
    await startMixer({
      id,
      mixerClass: 'standard',
      createUserAgent: (events): UserAgent =>
        createUserAgent({
          listen: { udp: listen, tcp: listen },
          clock,
          random,
          log,
          metrics,
          events,
        }),
      engine,
      bus,
      store,
      clock,
      random,
      log,
      metrics,
      adhoc: true,
      trustedPeers: [],
      codecs: options.codecs ?? [CODEC_CHOICES.PCMU, CODEC_CHOICES.PCMA],
    }),
  );
  const address = `${ADDRESS}:${options.sipPort}`;
  let calls = 0;
  return {
    id,
    bus,
    engine,
    mixer,
    address,
    async calm() {
      for (let tries = 0; tries < 200 && engine.load().headroom < 50; tries++)
        await clock.sleep(200);
    },
    async call(conference, phone) {
      const lines: string[] = [];
      const record = join(folder, `${calls++}.wav`);
      const target = `sip:conf=${conference}@${address}`;
      const result = await runPhone(
        { target, record, print: (line) => lines.push(line), ...phone },
        { engine: phones, clock, random, log },
      );
      return { ...result, heard: readRecording(record), lines };
    },
    async stop() {
      await mixer.stop();
      await bus.close();
      await store.close();
      await Promise.all([engine.close(), phones.close()]);
      rmSync(folder, { recursive: true });
    },
  };
}

async function startEngine(portMin: number, portMax: number): Promise<MediaEngine> {
  return unwrap(
    await createMediaEngine({
      workers: 1,
      localAddress: ADDRESS,
      portRange: { min: portMin, max: portMax },
      clock: systemClock,
      random: systemRandom,
      log,
    }),
  );
}

function readRecording(path: string): Audio {
  if (!existsSync(path)) return { rateHz: 8000, samples: new Int16Array(0) };
  const wav = readWav(readFileSync(path));
  if (!wav.ok) throw wav.error;
  return wav.value;
}

export function unwrap<T>(result: Result<T, MediaError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}
