/** Digits in INFO bodies: application/dtmf-relay (`Signal=5`, `Duration=160`) and application/dtmf (`5`). Pure. */
export interface InfoDigit {
  readonly digit: string;
  readonly durationMs: number;
}

const DEFAULT_DURATION_MS = 160;
const MAX_DURATION_MS = 10_000;

/** Undefined: no digit in it (a flash, a pause, or nonsense). */
export function parseInfoDigit(type: string, body: string): InfoDigit | undefined {
  if (type === 'application/dtmf') return digitOf(body.trim(), DEFAULT_DURATION_MS);
  const signal = /^\s*signal\s*=\s*(\S+)\s*$/im.exec(body)?.[1] ?? '';
  const duration = Number(
    /^\s*duration\s*=\s*(\d{1,6})\s*$/im.exec(body)?.[1] ?? DEFAULT_DURATION_MS,
  );
  return digitOf(signal, Math.min(Math.max(duration, 1), MAX_DURATION_MS));
}

/** Some peers write the event numbers of RFC 4733 for the keys without a digit. */
const EVENT_NUMBERS: Readonly<Record<string, string>> = {
  '10': '*',
  '11': '#',
  '12': 'A',
  '13': 'B',
  '14': 'C',
  '15': 'D',
};

function digitOf(text: string, durationMs: number): InfoDigit | undefined {
  const digit = EVENT_NUMBERS[text] ?? text.toUpperCase();
  return /^[0-9*#A-D]$/.test(digit) ? { digit, durationMs } : undefined;
}
