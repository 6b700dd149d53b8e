/**
 * What may be called, and by which trunk: the first guard against toll fraud. Pure. Numbers are compared
 * in one form, `+` and the international number or plain digits of a private plan; nothing is allowed that no
 * prefix allows.
 */
import { fail, ok, type Result } from '../../common/result.ts';

export interface TrunkPlan {
  readonly name: string;
  readonly allowedPrefixes: readonly string[];
  readonly deniedPrefixes: readonly string[];
  readonly maxConcurrent: number;
  readonly maxCallsPerDay: number;
}

export interface DialPlan {
  readonly rewrite: readonly { readonly from: string; readonly to: string }[];
  /** In order of preference. */
  readonly trunks: readonly TrunkPlan[];
}

/** `off`: there is no trunk. `bad-number`: no number at all. `prefix`: nothing allows it. */
export type PlanRefusal = 'off' | 'bad-number' | 'prefix';

/** ITU-T E.164 has 15 digits; private plans and prefixes of access may be longer. */
const NUMBER = /^\+?[0-9]{2,20}$/;

/** The form in which a number is compared and called; undefined when it is none. */
export function normalise(plan: Pick<DialPlan, 'rewrite'>, text: string): string | undefined {
  // `+49 (0)30 …`: the zero is for callers at home. With it the number would be
  // another one, which prefixes that deny would not fit.
  const abroad = text.replace(/^(\s*(?:\+|00)[0-9\s.\-/]*)\(0\)/, '$1');
  const compact = abroad.replaceAll(/[\s().\-/]/g, '');
  if (!NUMBER.test(compact)) return undefined;
  const rule = longest(
    plan.rewrite,
    ({ from }) => compact.startsWith(from),
    ({ from }) => from,
  );
  const number = rule === undefined ? compact : rule.to + compact.slice(rule.from.length);
  return NUMBER.test(number) ? number : undefined;
}

/** The trunks that may call this number for an account, best first. */
export function trunksFor(
  plan: DialPlan,
  text: string,
  /** Of the account; absent: whatever the trunks allow. */
  accountPrefixes: readonly string[] | undefined,
): Result<{ readonly number: string; readonly trunks: readonly TrunkPlan[] }, PlanRefusal> {
  if (plan.trunks.length === 0) return fail('off');
  const number = normalise(plan, text);
  if (number === undefined) return fail('bad-number');
  const own = accountPrefixes === undefined || accountPrefixes.some((it) => number.startsWith(it));
  const trunks = own ? plan.trunks.filter((trunk) => allows(trunk, number)) : [];
  return trunks.length === 0 ? fail('prefix') : ok({ number, trunks });
}

/** The longer prefix wins, of equal ones the denial. */
export function allows(
  trunk: Pick<TrunkPlan, 'allowedPrefixes' | 'deniedPrefixes'>,
  number: string,
): boolean {
  const fitting = (prefixes: readonly string[]): number =>
    Math.max(0, ...prefixes.filter((it) => number.startsWith(it)).map(({ length }) => length));
  const allowed = fitting(trunk.allowedPrefixes);
  return allowed > 0 && allowed > fitting(trunk.deniedPrefixes);
}

/** For logs: who was called is not everybody's to read; country and last digits are enough to find a call. */
export function maskNumber(number: string): string {
  if (number.length <= 5) return '*'.repeat(number.length);
  const shown = Math.floor(number.length / 3);
  const hidden = number.length - shown - 2;
  return `${number.slice(0, shown)}${'*'.repeat(hidden)}${number.slice(-2)}`;
}

function longest<T>(
  items: readonly T[],
  fits: (item: T) => boolean,
  text: (item: T) => string,
): T | undefined {
  return items.filter(fits).toSorted((a, b) => text(b).length - text(a).length)[0];
}
