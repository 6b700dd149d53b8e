import { MediaError } from '../common/errors.ts';
import { fail, ok, type Result } from '../common/result.ts';
import { loadBinding } from './binding.ts';

export const G722_RATE_HZ = 16_000;

/** A whole G.722 file (64 kbit/s, no header) as PCM at 16 kHz. For prompts, not for live audio. */
export function decodeG722(bytes: Uint8Array): Result<Int16Array, MediaError> {
  const binding = loadBinding();
  if (!binding.ok) return binding;
  const samples = binding.value.decodeG722(bytes);
  return samples === undefined
    ? fail(new MediaError('internal', 'the engine was built without G.722'))
    : ok(samples);
}
