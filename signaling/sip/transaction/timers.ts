/** Timer values of RFC 3261 table 4, with the changes of RFC 6026 (L, M). */

export interface TimerValues {
  /** Round-trip estimate. */
  readonly t1Ms: number;
  /** Greatest interval between retransmissions of non-INVITE requests and INVITE responses. */
  readonly t2Ms: number;
  /** How long a message may live in the network. */
  readonly t4Ms: number;
  /** A user that has not answered an INVITE by then gets a 100 sent for it (section 17.2.1). */
  readonly tryingMs: number;
  /** Timer D on datagrams: at least 32 s. */
  readonly timerDMs: number;
}

export const DEFAULT_TIMERS: TimerValues = {
  t1Ms: 500,
  t2Ms: 4000,
  t4Ms: 5000,
  tryingMs: 200,
  timerDMs: 32_000,
};

/** RFC letters; `trying` is the 200 ms of section 17.2.1, `cancel` the 64*T1 of section 9.1. */
export type TimerName =
  | 'A'
  | 'B'
  | 'D'
  | 'E'
  | 'F'
  | 'G'
  | 'H'
  | 'I'
  | 'J'
  | 'K'
  | 'L'
  | 'M'
  | 'trying'
  | 'cancel';

/**
 * First length of a timer. Undefined: not used on a reliable link (retransmission is the link's work).
 * 0: on a reliable link the state that waits for strays ends at once.
 */
export function timerMs(
  name: TimerName,
  reliable: boolean,
  values: TimerValues,
): number | undefined {
  const { t1Ms, t4Ms } = values;
  switch (name) {
    case 'A':
    case 'E':
    case 'G':
      return reliable ? undefined : t1Ms;
    case 'B':
    case 'F':
    case 'H':
    case 'L':
    case 'M':
    case 'cancel':
      return 64 * t1Ms;
    case 'D':
      return reliable ? 0 : values.timerDMs;
    case 'I':
    case 'K':
      return reliable ? 0 : t4Ms;
    case 'J':
      return reliable ? 0 : 64 * t1Ms;
    case 'trying':
      return values.tryingMs;
  }
}

/** The next interval of a retransmission timer: A doubles without end, E and G up to T2. */
export function nextIntervalMs(name: TimerName, lastMs: number, values: TimerValues): number {
  return name === 'A' ? lastMs * 2 : Math.min(lastMs * 2, values.t2Ms);
}
