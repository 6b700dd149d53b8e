/**
 * Detects people who guess conference codes, across calls. It knows sources (a calling number at an
 * address) and outcomes; of codes only a fingerprint. Start at `admit`: it is asked before anything of
 * an entry is looked at, and told by `record` how the whole code went.
 *
 * - A source may miss a few times, as people mistype; then every answer takes longer; then the source
 *   is locked out for a time that doubles. A right code makes it forget, but not more misses than
 *   `missesADay`: somebody with a code of his own could otherwise guess those of others for ever.
 * - Calling numbers can be forged, so sources that had no right code before share a budget of misses:
 *   one an address, and one for all addresses that had no right code before. With the budget used
 *   up, a stranger's code is not looked at; only one that he enters twice running is, from a budget
 *   of its own: who knows a code and hears that it is wrong enters it again, who guesses goes on.
 *   Right codes give back what they took, those of many accounts more than that.
 * - Nobody is bothered by what others did who was right before they began.
 * - What is not looked at is answered like a wrong code, after the same time: neither prompt nor
 *   timing tells an unknown code, a wrong one, a lock and an empty budget apart.
 *
 * What is looked at is counted before, not after: a right code ends its entry without `#`, so each
 * entry under way tells something. All tables are bounded.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';
import { type BudgetLimits, GuessBudget } from './guess-budget.ts';

export interface CodeSource {
  /** Calling number as the trunk gave it. */
  readonly caller: string;
  /** Where the call came from: the network of the gateway. */
  readonly trunk: string;
  /** Entries under way are told apart by it; a source may make several calls at a time. */
  readonly call?: string | undefined;
}

export interface FraudShieldLimits {
  /** Misses that cost nothing but the spoken "wrong code". */
  readonly freeMisses: number;
  /** Misses within `memoryMs` that lock a source out. */
  readonly missesToLock: number;
  /** A miss is forgotten after this time. */
  readonly memoryMs: number;
  /** Misses of one source in 24 hours, whatever it hits in between. */
  readonly missesADay: number;
  readonly firstLockMs: number;
  readonly longestLockMs: number;
  readonly longestDelayMs: number;
  /** Of a stranger's answer while the budget of his trunk is used up. */
  readonly attackDelayMs: number;
  /** Of strangers at one address. */
  readonly trunk: BudgetLimits;
  /** Of the same, for codes entered twice running. */
  readonly confirmed: BudgetLimits;
  /** Of strangers at all addresses that never had a hit. */
  readonly strangers: BudgetLimits;
  readonly strangersConfirmed: BudgetLimits;
  /** Misses that the hits of one account add to these budgets in an hour. */
  readonly bonusAnHour: number;
  readonly maxSources: number;
  readonly maxTrunks: number;
}

export const DEFAULT_FRAUD_LIMITS: FraudShieldLimits = {
  freeMisses: 2,
  missesToLock: 9,
  memoryMs: 3_600_000,
  missesADay: 100,
  firstLockMs: 900_000,
  longestLockMs: 86_400_000,
  longestDelayMs: 8_000,
  attackDelayMs: 2_000,
  trunk: { misses: 60, refillMs: 60_000 },
  confirmed: { misses: 30, refillMs: 30_000 },
  strangers: { misses: 200, refillMs: 30_000 },
  strangersConfirmed: { misses: 60, refillMs: 30_000 },
  bonusAnHour: 10,
  maxSources: 50_000,
  maxTrunks: 10_000,
};

export type FraudAlarm =
  | {
      readonly kind: 'source-locked';
      readonly source: CodeSource;
      readonly lockMs: number;
      readonly misses: number;
    }
  /** `trunk` '*': many addresses. */
  | { readonly kind: 'trunk-attacked' | 'trunk-calm'; readonly trunk: string };

/** `held`: do not heed the code; answer as a wrong one is answered. Wait `delayMs` before any answer. */
export interface Admission {
  readonly held: false | 'source-locked' | 'budget-empty';
  readonly delayMs: number;
}

interface SourceState {
  /** Times of the misses that still count, oldest first. */
  misses: number[];
  dayStartMs: number;
  dayMisses: number;
  /** Entries under way. */
  pending: number;
  firstHitMs: number;
  locks: number;
  lockedUntilMs: number;
  /** Fingerprint of the last code that was not looked at. */
  unheeded: string | undefined;
}

interface TrunkState {
  readonly budget: GuessBudget;
  readonly confirmed: GuessBudget;
  firstHitMs: number;
  attacked: boolean;
}

/** An entry under way that is looked at, or one whose VRU is gone. */
interface Pending {
  readonly atMs: number;
  readonly paid: readonly GuessBudget[];
}

export interface FraudShieldOptions {
  readonly clock: Clock;
  readonly limits?: Partial<FraudShieldLimits>;
  readonly onAlarm: (alarm: FraudAlarm) => void;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Longer than anybody takes for a code. */
const PENDING_MS = 600_000;
const MAX_PENDING = 20_000;
const MAX_ACCOUNTS = 10_000;
/** How many entries one eviction looks at: enough to skip a run of locked ones, still constant time. */
const EVICTION_LOOK = 64;
const NEVER = Number.POSITIVE_INFINITY;

export class FraudShield {
  readonly #clock: Clock;
  readonly #limits: FraudShieldLimits;
  readonly #onAlarm: (alarm: FraudAlarm) => void;
  /** In order of last use, so that the oldest go first. */
  readonly #sources = new Map<string, SourceState>();
  readonly #trunks = new Map<string, TrunkState>();
  readonly #pending = new Map<string, Pending>();
  readonly #bonuses = new Map<string, { startMs: number; given: number }>();
  readonly #strangers: GuessBudget;
  readonly #strangersConfirmed: GuessBudget;
  #strangersAttacked = false;

  constructor(options: FraudShieldOptions) {
    this.#clock = options.clock;
    this.#limits = { ...DEFAULT_FRAUD_LIMITS, ...options.limits };
    this.#onAlarm = options.onAlarm;
    const nowMs = this.#clock.nowMs();
    this.#strangers = new GuessBudget(this.#limits.strangers, nowMs);
    this.#strangersConfirmed = new GuessBudget(this.#limits.strangersConfirmed, nowMs);
  }

  get sourceCount(): number {
    return this.#sources.size;
  }

  /** Before any digit of an entry is looked at. `code`: the whole one, once it is there. */
  admit(source: CodeSource, code?: string): Admission {
    const nowMs = this.#clock.nowMs();
    const state = this.#source(source, nowMs);
    const trunk = this.#trunk(source.trunk, nowMs);
    this.#dropOldEntries(nowMs);
    const underWay = this.#pending.has(entryOf(source));
    const held = underWay ? false : this.#holds(state, trunk, nowMs);
    const delayMs = this.#delayOf(state, trunk, held);
    if (held === false && !underWay) this.#begin(source, state, this.#budgetsOf(trunk), nowMs);
    if (held !== 'budget-empty' || code === undefined) return { held, delayMs };
    const fingerprint = createHash('sha256').update(code).digest('base64');
    const budgets = this.#isKnown(trunk)
      ? [trunk.confirmed]
      : [trunk.confirmed, this.#strangersConfirmed];
    const again = state.unheeded === fingerprint && budgets.every((budget) => budget.has(nowMs));
    state.unheeded = again ? undefined : fingerprint;
    if (!again) return { held, delayMs };
    this.#begin(source, state, budgets, nowMs);
    return { held: false, delayMs };
  }

  /** How the whole code went, of whatever was admitted or held. `account`: whose it was. */
  record(source: CodeSource, outcome: 'hit' | 'miss', account = ''): void {
    const nowMs = this.#clock.nowMs();
    const state = this.#source(source, nowMs);
    const trunk = this.#trunk(source.trunk, nowMs);
    const entry = this.#pending.get(entryOf(source));
    this.#settle(entryOf(source), state);
    if (outcome === 'hit') {
      for (const budget of entry?.paid ?? []) budget.giveBack();
      if (this.#earnsBonus(account, nowMs)) {
        for (const budget of this.#budgetsOf(trunk)) budget.giveBack();
      }
      state.firstHitMs = Math.min(state.firstHitMs, nowMs);
      trunk.firstHitMs = Math.min(trunk.firstHitMs, nowMs);
      state.misses = [];
    } else if (nowMs >= state.lockedUntilMs) {
      state.misses.push(nowMs);
      state.dayMisses += 1;
      this.#lockIfDue(source, state, nowMs);
    }
    this.#tellOf(source.trunk, trunk);
  }

  #begin(
    source: CodeSource,
    state: SourceState,
    budgets: readonly GuessBudget[],
    nowMs: number,
  ): void {
    const paid = budgets.filter((budget) => budget.take(nowMs));
    this.#pending.set(entryOf(source), { atMs: nowMs, paid });
    state.pending += 1;
  }

  #holds(state: SourceState, trunk: TrunkState, nowMs: number): Admission['held'] {
    if (nowMs < state.lockedUntilMs) return 'source-locked';
    const known = state.firstHitMs < trunk.budget.attackedSinceMs && state.firstHitMs < NEVER;
    // As many at a time as one after another; many people may have one number.
    const { missesToLock, missesADay } = this.#limits;
    const most = known ? missesADay - state.dayMisses : missesToLock - state.misses.length;
    if (state.pending >= Math.max(1, most)) return 'budget-empty';
    if (known) return false;
    return this.#budgetsOf(trunk).every((budget) => budget.has(nowMs)) ? false : 'budget-empty';
  }

  #budgetsOf(trunk: TrunkState): readonly GuessBudget[] {
    return this.#isKnown(trunk) ? [trunk.budget] : [trunk.budget, this.#strangers];
  }

  /** An address where somebody was right before the attack does not depend on what happens elsewhere. */
  #isKnown(trunk: TrunkState): boolean {
    return trunk.firstHitMs < this.#strangers.attackedSinceMs && trunk.firstHitMs < NEVER;
  }

  #delayOf(state: SourceState, trunk: TrunkState, held: Admission['held']): number {
    const { freeMisses, longestDelayMs, attackDelayMs } = this.#limits;
    // A locked source waits as long as one that is about to be locked.
    if (held === 'source-locked') return longestDelayMs;
    const above = state.misses.length - freeMisses;
    const delayMs = above <= 0 ? 0 : Math.min(longestDelayMs, 500 * 2 ** (above - 1));
    const stranger = state.firstHitMs === NEVER;
    const attacked = this.#budgetsOf(trunk).some((budget) => budget.attackedSinceMs < NEVER);
    return stranger && attacked ? Math.max(delayMs, attackDelayMs) : delayMs;
  }

  #lockIfDue(source: CodeSource, state: SourceState, nowMs: number): void {
    const { missesToLock, missesADay, firstLockMs, longestLockMs } = this.#limits;
    const restOfDayMs = state.dayMisses >= missesADay ? state.dayStartMs + DAY_MS - nowMs : 0;
    if (state.misses.length < missesToLock && restOfDayMs <= 0) return;
    const doubledMs = Math.min(longestLockMs, firstLockMs * 2 ** Math.min(state.locks, 20));
    const lockMs = Math.max(doubledMs, restOfDayMs);
    state.locks += 1;
    state.lockedUntilMs = nowMs + lockMs;
    const { caller, trunk } = source;
    const misses = Math.max(state.misses.length, restOfDayMs > 0 ? state.dayMisses : 0);
    this.#onAlarm({ kind: 'source-locked', source: { caller, trunk }, lockMs, misses });
  }

  #tellOf(name: string, trunk: TrunkState): void {
    const attacked = trunk.budget.attackedSinceMs < NEVER;
    if (attacked !== trunk.attacked) {
      trunk.attacked = attacked;
      this.#onAlarm({ kind: attacked ? 'trunk-attacked' : 'trunk-calm', trunk: name });
    }
    const everywhere = this.#strangers.attackedSinceMs < NEVER;
    if (everywhere === this.#strangersAttacked) return;
    this.#strangersAttacked = everywhere;
    this.#onAlarm({ kind: everywhere ? 'trunk-attacked' : 'trunk-calm', trunk: '*' });
  }

  #earnsBonus(account: string, nowMs: number): boolean {
    let bonus = this.#bonuses.get(account);
    if (bonus === undefined || nowMs - bonus.startMs >= HOUR_MS) {
      bonus = { startMs: nowMs, given: 0 };
      this.#bonuses.delete(account);
      this.#bonuses.set(account, bonus);
      if (this.#bonuses.size > MAX_ACCOUNTS) evict(this.#bonuses, () => true);
    }
    bonus.given += 1;
    return bonus.given <= this.#limits.bonusAnHour;
  }

  #settle(key: string, state: SourceState | undefined): void {
    if (this.#pending.delete(key) && state !== undefined) {
      state.pending = Math.max(0, state.pending - 1);
    }
  }

  /** What they took from a budget stays taken. */
  #dropOldEntries(nowMs: number): void {
    for (const [key, entry] of this.#pending) {
      if (this.#pending.size <= MAX_PENDING && nowMs - entry.atMs < PENDING_MS) return;
      this.#settle(key, this.#sources.get(key.slice(0, key.lastIndexOf(SEPARATOR))));
    }
  }

  #source(source: CodeSource, nowMs: number): SourceState {
    const key = keyOf(source);
    const state = this.#sources.get(key) ?? newSource(nowMs);
    this.#sources.delete(key);
    this.#sources.set(key, state);
    if (this.#sources.size > this.#limits.maxSources) {
      // Neither locked nor known to be good: forged numbers fill the table with such.
      evict(
        this.#sources,
        ({ lockedUntilMs, firstHitMs, pending }) =>
          lockedUntilMs <= nowMs && firstHitMs === NEVER && pending === 0,
      );
    }
    const oldest = nowMs - this.#limits.memoryMs;
    while ((state.misses[0] ?? NEVER) < oldest) state.misses.shift();
    if (nowMs - state.dayStartMs >= DAY_MS) {
      state.dayStartMs = nowMs;
      state.dayMisses = 0;
    }
    return state;
  }

  #trunk(name: string, nowMs: number): TrunkState {
    const { trunk, confirmed, maxTrunks } = this.#limits;
    const state = this.#trunks.get(name) ?? {
      budget: new GuessBudget(trunk, nowMs),
      confirmed: new GuessBudget(confirmed, nowMs),
      firstHitMs: NEVER,
      attacked: false,
    };
    this.#trunks.delete(name);
    this.#trunks.set(name, state);
    if (this.#trunks.size > maxTrunks) evict(this.#trunks, (each) => each.firstHitMs === NEVER);
    return state;
  }
}

function newSource(nowMs: number): SourceState {
  return {
    misses: [],
    dayStartMs: nowMs,
    dayMisses: 0,
    pending: 0,
    firstHitMs: NEVER,
    locks: 0,
    lockedUntilMs: 0,
    unheeded: undefined,
  };
}

/** The longest unused one that may go is removed; when none is near, just the longest unused. */
function evict<Value>(map: Map<string, Value>, mayGo: (value: Value) => boolean): void {
  let looked = 0;
  let victim: string | undefined;
  for (const [key, value] of map) {
    victim ??= key;
    if (mayGo(value)) {
      victim = key;
      break;
    }
    if (++looked >= EVICTION_LOOK) break;
  }
  if (victim !== undefined) map.delete(victim);
}

/** In no number, address or id. */
const SEPARATOR = '\n';

function keyOf(source: CodeSource): string {
  return `${source.trunk}${SEPARATOR}${source.caller}`;
}

function entryOf(source: CodeSource): string {
  return `${keyOf(source)}${SEPARATOR}${source.call ?? ''}`;
}
