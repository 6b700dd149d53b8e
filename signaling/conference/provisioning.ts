/**
 * Role `provisioning`: answers the VRUs whether a code is valid (R2, R44) and what a dialled number
 * runs (R40). It answers from memory that follows the database through a watch, so that a change
 * counts at once, and asks the database itself before it calls a whole code invalid. It knows
 * nothing of conferences.
 */
import type { Bus, Subscription } from '../../common/bus/bus.ts';
import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { AccountId, NodeId } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Role as RunningRole } from '../../common/role.ts';
import type { Change, Store, Watch } from '../../common/store/store.ts';
import { lookUpCode } from './accounts.ts';
import { CodeTrie } from './code-trie.ts';
import { type CodeSource, type FraudAlarm, FraudShield } from './fraud-shield.ts';
import {
  type AccountRecord,
  accountRecord,
  type CodeCheck,
  type DnisRecord,
  dnisRecord,
  provisioningRequest,
  SUBJECTS,
} from './messages.ts';
import { type CodeRecord, codeRecord, PREFIXES } from './records.ts';

export interface ProvisioningOptions {
  readonly id: NodeId;
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

type Answer = Result<unknown, MediaError>;

export async function startProvisioning(options: ProvisioningOptions): Promise<RunningRole> {
  const { bus, store, log, metrics, id } = options;
  const cache = new ProvisioningCache();
  const watches: Watch[] = [];
  for (const prefix of [PREFIXES.account, PREFIXES.code, PREFIXES.dnis]) {
    watches.push(await store.watch(prefix, (change) => cache.take(change, log)));
  }
  const checks = metrics.counter(
    'minusone_provisioning_checks_total',
    'Codes checked, by outcome',
    ['outcome'],
  );

  const shield = createShield(options);

  /** Whole codes of a source count; one that guesses is told of nothing but wrong codes, and later. */
  const checkFrom = async (
    code: string,
    partial: boolean,
    source: CodeSource | undefined,
  ): Promise<Answer> => {
    if (source === undefined) return checkCode(code, partial);
    const { held, delayMs } = shield.admit(source, partial ? undefined : code);
    // Looked up also when that is not heeded, so that the time tells nothing.
    const answer = await checkCode(code, partial);
    if (held !== false) checks.add(1, { outcome: held });
    if (partial) return held === false ? answer : ok({ kind: 'invalid' });
    if (!answer.ok) return answer;
    const heeded: CodeCheck = held === false ? answer.value : { kind: 'invalid' };
    if (heeded.kind === 'valid') shield.record(source, 'hit', heeded.accountId);
    else shield.record(source, 'miss');
    return ok({ ...heeded, ...(delayMs > 0 ? { delayMs } : {}) });
  };

  const checkCode = async (
    code: string,
    partial: boolean,
  ): Promise<Result<CodeCheck, MediaError>> => {
    const cached = cache.check(code, partial);
    // What was added a moment ago may not be in memory yet.
    const answer =
      cached.kind === 'invalid' && !partial ? await fromStore(store, code) : ok(cached);
    checks.add(1, { outcome: answer.ok ? answer.value.kind : answer.error.code });
    return answer;
  };

  const handle = async (body: unknown): Promise<Answer> => {
    const request = provisioningRequest.safeParse(body);
    if (!request.success) return fail(new MediaError('bad-request', request.error.message));
    switch (request.data.kind) {
      case 'check-code':
        return checkFrom(request.data.code, request.data.partial ?? false, request.data.source);
      case 'find-application':
        return ok(cache.application(request.data.dnis) ?? null);
    }
  };

  const serving: Subscription = await bus.serve(SUBJECTS.provisioning, handle);
  log.info({ role: 'provisioning', id }, 'provisioning answers');
  let stopped = false;
  return {
    name: 'provisioning',
    health: () => ({ ready: !stopped }),
    // Answers are needed as long as calls come in.
    drain: () => {},
    stop: async () => {
      if (stopped) return;
      stopped = true;
      await serving.close();
      for (const watch of watches) await watch.close();
    },
  };
}

/** Numbers may be logged; codes never are. */
function createShield({ id, bus, clock, log, metrics }: ProvisioningOptions): FraudShield {
  const alarms = metrics.counter(
    'minusone_provisioning_fraud_alarms_total',
    'Sources locked and trunks under attack by people who guess codes',
    ['kind'],
  );
  const onAlarm = (alarm: FraudAlarm): void => {
    alarms.add(1, { kind: alarm.kind });
    bus.publish(SUBJECTS.alarms, { atMs: clock.wallMs(), node: id, alarm });
    if (alarm.kind === 'trunk-calm') log.info({ alarm }, 'no more guessing there');
    else log.warn({ alarm }, 'codes are being guessed');
  };
  return new FraudShield({ clock, onAlarm });
}

async function fromStore(store: Store, code: string): Promise<Result<CodeCheck, MediaError>> {
  const found = await lookUpCode(store, code);
  if (!found.ok) return found;
  if (found.value === undefined) return ok({ kind: 'invalid' });
  const { account, role } = found.value;
  const { id, language, recordNames } = account;
  return ok({ kind: 'valid', accountId: id, role, language, ...(recordNames && { recordNames }) });
}

/** The whole database in memory; a few hundred bytes an account. */
class ProvisioningCache {
  readonly #accounts = new Map<AccountId, AccountRecord>();
  readonly #codes = new Map<string, CodeRecord>();
  /** Only codes that count: their account exists and lists them. */
  readonly #trie = new CodeTrie<CodeRecord>();
  readonly #rows = new Map<string, DnisRecord>();
  /** Store key → number, as a deletion says only the key. */
  readonly #rowKeys = new Map<string, string>();

  take(change: Change, log: Logger): void {
    const value = change.kind === 'put' ? change.value : undefined;
    if (change.key.startsWith(PREFIXES.account)) this.#takeAccount(change.key, value, log);
    else if (change.key.startsWith(PREFIXES.code)) this.#takeCode(change.key, value, log);
    else this.#takeRow(change.key, value, log);
  }

  #takeAccount(key: string, value: unknown, log: Logger): void {
    const id = key.slice(PREFIXES.account.length) as AccountId;
    const before = this.#accounts.get(id);
    const parsed = accountRecord.safeParse(value);
    if (parsed.success) this.#accounts.set(id, parsed.data);
    else this.#accounts.delete(id);
    if (value !== undefined && !parsed.success) log.error({ key }, 'unreadable account');
    for (const account of [before, this.#accounts.get(id)]) {
      for (const code of [...(account?.hostCodes ?? []), ...(account?.participantCodes ?? [])]) {
        this.#settle(code);
      }
    }
  }

  #takeCode(key: string, value: unknown, log: Logger): void {
    const code = key.slice(PREFIXES.code.length);
    const parsed = codeRecord.safeParse(value);
    if (parsed.success) this.#codes.set(code, parsed.data);
    else this.#codes.delete(code);
    if (value !== undefined && !parsed.success)
      log.error({ role: 'provisioning' }, 'unreadable code');
    this.#settle(code);
  }

  #settle(code: string): void {
    const record = this.#codes.get(code);
    const account = record === undefined ? undefined : this.#accounts.get(record.accountId);
    const listed =
      account?.hostCodes.includes(code) === true ||
      account?.participantCodes.includes(code) === true;
    if (record !== undefined && listed) this.#trie.set(code, record);
    else this.#trie.delete(code);
  }

  #takeRow(key: string, value: unknown, log: Logger): void {
    const before = this.#rowKeys.get(key);
    if (before !== undefined) this.#rows.delete(before);
    this.#rowKeys.delete(key);
    if (value === undefined) return;
    const parsed = dnisRecord.safeParse(value);
    if (!parsed.success) {
      log.error({ key }, 'unreadable DNIS row');
      return;
    }
    this.#rowKeys.set(key, parsed.data.dnis);
    this.#rows.set(parsed.data.dnis, parsed.data);
  }

  check(code: string, partial: boolean): CodeCheck {
    const match = this.#trie.match(code);
    if (match.kind === 'invalid') return match;
    // The caller typed `#`: what is not a code now will not become one.
    if (match.kind === 'prefix') return partial ? match : { kind: 'invalid' };
    const { accountId, role } = match.value;
    const { language = 'en', recordNames = false } = this.#accounts.get(accountId) ?? {};
    const kind = partial ? match.kind : 'valid';
    return { kind, accountId, role, language, ...(recordNames && { recordNames }) };
  }

  /** The row of this number, else the longest prefix row that fits; with and without a leading `+`. */
  application(dnis: string): DnisRecord | undefined {
    for (const number of dnis.startsWith('+') ? [dnis, dnis.slice(1)] : [dnis, `+${dnis}`]) {
      const exact = this.#rows.get(number);
      if (exact !== undefined) return exact;
    }
    let best: DnisRecord | undefined;
    for (const row of this.#rows.values()) {
      if (!row.dnis.endsWith('*')) continue;
      const prefix = row.dnis.slice(0, -1);
      const fits = dnis.startsWith(prefix) || `+${dnis}`.startsWith(prefix);
      if (fits && (best === undefined || row.dnis.length > best.dnis.length)) best = row;
    }
    return best;
  }
}
