/**
 * The only file that loads the addon. What it exports is checked against abi.gen.ts, so that an addon
 * of another version is refused at start instead of misreading memory.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { MediaError } from '../common/errors.ts';
import { fail, ok, type Result } from '../common/result.ts';
import { ABI_HASH } from './abi.gen.ts';

export interface EngineOptions {
  readonly commands: Uint8Array;
  readonly events: Uint8Array;
  readonly statistics: Uint8Array;
  readonly prompts: Uint8Array;
  readonly recordings: Uint8Array;
  readonly recordingCount: number;
  readonly maxLegs: number;
  readonly maxConferences: number;
  /** Lists contributors in RTP headers (RFC 3550 section 7.1). */
  readonly csrc: boolean;
  /** Of Opus encoders, 0 to 10. */
  readonly opusComplexity: number;
  /** Of Opus encoders, 6,000 to 128,000 bit/s; a peer may ask for less. */
  readonly opusBitrateBps: number;
}

export interface RunOptions {
  readonly realtime: boolean;
  readonly cpu?: number;
}

export interface NativeEngine {
  /** Owns the thread until the stop flag in the command ring is set. */
  run(options: RunOptions): 'stopped' | 'failed';
}

export interface NativeCodec {
  /** As in CODEC_KIND. */
  readonly kind: number;
  readonly sampleRateHz: number;
  readonly clockRateHz: number;
}

export interface Binding {
  readonly abiHash: number;
  readonly Engine: new (options: EngineOptions) => NativeEngine;
  codecs(): readonly NativeCodec[];
  /** A whole G.722 stream as PCM at 16 kHz; undefined when the codec is not built in. */
  decodeG722(bytes: Uint8Array): Int16Array | undefined;
  /** A bound UDP socket, or the name of the error such as `EADDRINUSE`. */
  openSocket(address: string, port: number): number | string;
  /** False when the socket is not, or no longer, one of ours. */
  closeSocket(socket: number): boolean;
}

/** Sources run from mixer/, the build from dist/mixer/; the addon is in build/ of the project either way. */
const FROM_SOURCE = import.meta.url.endsWith('.ts');
const ADDON = new URL(
  FROM_SOURCE ? '../build/Release/minusone.node' : '../../build/Release/minusone.node',
  import.meta.url,
);
/** A worker thread loads plain JavaScript, so that sources and tests need a build first. */
export const WORKER_SCRIPT = new URL(
  FROM_SOURCE ? '../dist/mixer/worker.js' : './worker.js',
  import.meta.url,
);

export function loadBinding(): Result<Binding, MediaError> {
  const path = fileURLToPath(ADDON);
  try {
    const binding = createRequire(import.meta.url)(path) as Binding;
    if (binding.abiHash === ABI_HASH) return ok(binding);
    return fail(new MediaError('internal', `${path} belongs to other sources; run: npm run build`));
  } catch (cause) {
    return fail(
      new MediaError('internal', `the media engine is not built (${path}); run: npm run build`, {
        cause,
      }),
    );
  }
}
