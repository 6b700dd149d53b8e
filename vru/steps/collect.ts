import type { Digit } from '../../mixer/media.ts';
import type { CallContext } from '../flow.ts';

export interface CollectOptions {
  /** To the first digit, and between digits. */
  readonly firstDigitMs: number;
  readonly interDigitMs: number;
  /** Ends the entry when reached. */
  readonly maxDigits: number;
  /** Ends the entry. Default `#`. */
  readonly endKey?: Digit;
  /** Forgets what was entered so far. Default none. */
  readonly restartKey?: Digit;
  /** What was forgotten. */
  readonly onRestart?: (digits: string) => void;
  /** Asked after each digit; true ends the entry. */
  readonly isComplete?: (digits: string) => Promise<boolean>;
}

export type Collected =
  | { readonly kind: 'silence' }
  | {
      readonly kind: 'entered';
      readonly digits: string;
      readonly endedBy: 'key' | 'pause' | 'length' | 'complete';
    };

/** Collects digits that were or will be pressed. An end key without digits is an empty entry. */
export async function collect(
  context: Pick<CallContext, 'digits' | 'signal'>,
  options: CollectOptions,
): Promise<Collected> {
  const endKey = options.endKey ?? '#';
  let digits = '';
  let started = false;
  for (;;) {
    const waitMs = started ? options.interDigitMs : options.firstDigitMs;
    const digit = await context.digits.next(context.signal, waitMs);
    if (digit === undefined) {
      return digits === '' ? { kind: 'silence' } : { kind: 'entered', digits, endedBy: 'pause' };
    }
    started = true;
    if (digit === endKey) return { kind: 'entered', digits, endedBy: 'key' };
    if (digit === options.restartKey) {
      options.onRestart?.(digits);
      digits = '';
      continue;
    }
    digits += digit;
    if (digits.length >= options.maxDigits) return { kind: 'entered', digits, endedBy: 'length' };
    if ((await options.isComplete?.(digits)) === true) {
      return { kind: 'entered', digits, endedBy: 'complete' };
    }
  }
}
