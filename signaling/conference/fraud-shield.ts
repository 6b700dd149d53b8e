/**
 * Detects people who guess conference codes, across calls. It knows sources (a calling number on a
 * trunk) and outcomes, never codes. Start at `admit`: it is asked before every code, and told by
 * `record` how that went.
 *
 * - A source may miss a few times, as people mistype; then every answer takes longer; then the source
 *   is locked out for a time that doubles. While locked out it hears just what a wrong code gives, so
 *   that neither prompt nor timing tells an unknown code, a wrong one and a lock apart.
 * - Calling numbers can be forged, so misses are also counted per trunk. A trunk with many misses and
 *   few hits is under attack: sources that never had a hit get fewer tries there. Nobody is locked
 *   out by what another source did, and a source that entered a right code before is not bothered.
 *
 * All tables are bounded: forging numbers fills them with sources that missed once, which go first.
 */
import type { Clock } from '../../common/clock.ts';

export interface CodeSource {
  /** Calling number as the trunk gave it; '' when withheld. */
  readonly caller: string;
  /** Where the call came from: the address of the gateway. */
  readonly trunk: string;
}

export interface FraudShieldLimits {
  /** Misses that cost nothing but the spoken "wrong code". */
  readonly freeMisses: number;
  /** Misses within `memoryMs` that lock a source out. */
  readonly missesToLock: number;
  /** The same for a source without a hit, on a trunk under attack. */
  readonly missesToLockUnderAttack: number;
  /** A miss is forgotten after this time. */
  readonly memoryMs: number;
  readonly firstLockMs: number;
  readonly longestLockMs: number;
  readonly longestDelayMs: number;
  /** A trunk is under attack from this many misses in `trunkWindowMs` … */
  readonly trunkMisses: number;
  /** … if they are at least this share of all its tries. */
  readonly trunkMissRatio: number;
  readonly trunkWindowMs: number;
  readonly maxSources: number;
}

export const DEFAULT_FRAUD_LIMITS: FraudShieldLimits = {
  freeMisses: 2,
  missesToLock: 9,
  missesToLockUnderAttack: 3,
  memoryMs: 3_600_000,
  firstLockMs: 900_000,
  longestLockMs: 86_400_000,
  longestDelayMs: 8_000,
  trunkMisses: 60,
  trunkMissRatio: 0.75,
  trunkWindowMs: 600_000,
  maxSources: 50_000,
};

export type FraudAlarm =
  | {
      readonly kind: 'source-locked';
      readonly source: CodeSource;
      readonly lockMs: number;
      readonly misses: number;
    }
  | {
      readonly kind: 'trunk-attacked';
      readonly trunk: string;
      readonly misses: number;
      readonly tries: number;
    }
  | { readonly kind: 'trunk-calm'; readonly trunk: string };

/** `locked`: do not look at the code; answer as a wrong one is answered. Wait `delayMs` before any answer. */
export interface Admission {
  readonly locked: boolean;
  readonly delayMs: number;
}

interface SourceState {
  /** Times of the misses that still count, oldest first; at most missesToLock. */
  misses: number[];
  hits: number;
  locks: number;
  lockedUntilMs: number;
}

interface TrunkState {
  /** Tries in the present and in the last window. */
  windowStartMs: number;
  hits: number;
  misses: number;
  lastHits: number;
  lastMisses: number;
  attacked: boolean;
}

export interface FraudShieldOptions {
  readonly clock: Clock;
  readonly limits?: Partial<FraudShieldLimits>;
  readonly onAlarm: (alarm: FraudAlarm) => void;
}

export class FraudShield {
  readonly #clock: Clock;
  readonly #limits: FraudShieldLimits;
  readonly #onAlarm: (alarm: FraudAlarm) => void;
  /** In order of last use, so that the oldest go first. */
  readonly #sources = new Map<string, SourceState>();
  readonly #trunks = new Map<string, TrunkState>();

  constructor(options: FraudShieldOptions) {
    this.#clock = options.clock;
    this.#limits = { ...DEFAULT_FRAUD_LIMITS, ...options.limits };
    this.#onAlarm = options.onAlarm;
  }

  get sourceCount(): number {
    return this.#sources.size;
  }

  /** Before a code of `source` is looked at. */
  admit(source: CodeSource): Admission {
    const state = this.#sources.get(keyOf(source));
    if (state === undefined) return { locked: false, delayMs: 0 };
    const nowMs = this.#clock.nowMs();
    this.#forget(state, nowMs);
    const above = state.misses.length - this.#limits.freeMisses;
    const delayMs = above <= 0 ? 0 : Math.min(this.#limits.longestDelayMs, 500 * 2 ** (above - 1));
    // A locked source waits as long as one that is about to be locked.
    if (nowMs < state.lockedUntilMs) return { locked: true, delayMs: this.#limits.longestDelayMs };
    return { locked: false, delayMs };
  }

  /** The outcome of a code that was looked at. */
  record(source: CodeSource, outcome: 'hit' | 'miss'): void {
    const nowMs = this.#clock.nowMs();
    const trunk = this.#trunk(source.trunk, nowMs);
    const state = this.#source(source);
    if (outcome === 'hit') {
      trunk.hits += 1;
      state.hits += 1;
      state.misses = [];
    } else {
      trunk.misses += 1;
      this.#forget(state, nowMs);
      state.misses.push(nowMs);
      this.#lockIfDue(source, state, trunk.attacked, nowMs);
    }
    this.#judge(source.trunk, trunk);
  }

  #lockIfDue(source: CodeSource, state: SourceState, attacked: boolean, nowMs: number): void {
    const { missesToLock, missesToLockUnderAttack, firstLockMs, longestLockMs } = this.#limits;
    const limit = attacked && state.hits === 0 ? missesToLockUnderAttack : missesToLock;
    if (state.misses.length < limit) return;
    const lockMs = Math.min(longestLockMs, firstLockMs * 2 ** Math.min(state.locks, 20));
    state.locks += 1;
    state.lockedUntilMs = nowMs + lockMs;
    this.#onAlarm({ kind: 'source-locked', source, lockMs, misses: state.misses.length });
  }

  #judge(name: string, trunk: TrunkState): void {
    const misses = trunk.misses + trunk.lastMisses;
    const tries = misses + trunk.hits + trunk.lastHits;
    const attacked =
      misses >= this.#limits.trunkMisses && misses >= tries * this.#limits.trunkMissRatio;
    if (attacked === trunk.attacked) return;
    trunk.attacked = attacked;
    this.#onAlarm(
      attacked
        ? { kind: 'trunk-attacked', trunk: name, misses, tries }
        : { kind: 'trunk-calm', trunk: name },
    );
  }

  #forget(state: SourceState, nowMs: number): void {
    const oldest = nowMs - this.#limits.memoryMs;
    while ((state.misses[0] ?? Number.POSITIVE_INFINITY) < oldest) state.misses.shift();
  }

  #source(source: CodeSource): SourceState {
    const key = keyOf(source);
    const state = this.#sources.get(key) ?? { misses: [], hits: 0, locks: 0, lockedUntilMs: 0 };
    this.#sources.delete(key);
    this.#sources.set(key, state);
    if (this.#sources.size > this.#limits.maxSources) this.#evict();
    return state;
  }

  /** The longest unused one goes that is neither locked nor known to be good; else just the longest unused. */
  #evict(): void {
    const nowMs = this.#clock.nowMs();
    let looked = 0;
    let victim: string | undefined;
    for (const [key, state] of this.#sources) {
      victim ??= key;
      if (state.lockedUntilMs <= nowMs && state.hits === 0) {
        victim = key;
        break;
      }
      if (++looked >= EVICTION_LOOK) break;
    }
    if (victim !== undefined) this.#sources.delete(victim);
  }

  #trunk(name: string, nowMs: number): TrunkState {
    const { trunkWindowMs } = this.#limits;
    let trunk = this.#trunks.get(name);
    if (trunk === undefined) {
      trunk = {
        windowStartMs: nowMs,
        hits: 0,
        misses: 0,
        lastHits: 0,
        lastMisses: 0,
        attacked: false,
      };
      if (this.#trunks.size >= MAX_TRUNKS)
        this.#trunks.delete(this.#trunks.keys().next().value ?? '');
      this.#trunks.set(name, trunk);
    }
    const age = nowMs - trunk.windowStartMs;
    if (age >= trunkWindowMs) {
      const recent = age < 2 * trunkWindowMs;
      trunk.lastHits = recent ? trunk.hits : 0;
      trunk.lastMisses = recent ? trunk.misses : 0;
      trunk.hits = 0;
      trunk.misses = 0;
      trunk.windowStartMs = nowMs;
    }
    return trunk;
  }
}

/** Trunks are configured peers, tens at the most; a bound all the same, as addresses can be forged over UDP. */
const MAX_TRUNKS = 1_000;
/** How many entries one eviction looks at: enough to skip a run of locked ones, still constant time. */
const EVICTION_LOOK = 64;

function keyOf(source: CodeSource): string {
  return `${source.trunk} ${source.caller}`;
}
