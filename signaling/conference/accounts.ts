/**
 * The provisioning database: accounts with their codes, and what each dialled number runs. Written
 * by operators (CLI, HTTP API), read by the provisioning role and the interface servers.
 *
 * A write of an account touches several keys. Its codes come first and `account/ID` last: a code
 * counts only together with its account, so what a crash leaves in between is not valid and is
 * taken over by the next account that wants it.
 */
import type { z } from 'zod';
import { type ErrorCode, MediaError } from '../../common/errors.ts';
import type { AccountId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Entry, Store } from '../../common/store/store.ts';
import {
  type AccountRecord,
  accountRecord,
  type DnisRecord,
  dnisRecord,
  type Role,
} from './messages.ts';
import { type CodeRecord, codeRecord, KEYS, PREFIXES } from './records.ts';

type Outcome<T> = Result<T, MediaError>;

const refuse = (code: ErrorCode, message: string): { ok: false; error: MediaError } => ({
  ok: false,
  error: new MediaError(code, message),
});

/** The account and role behind a code; undefined when it is not valid. Always the newest state. */
export async function lookUpCode(
  store: Store,
  digits: string,
): Promise<Outcome<{ readonly account: AccountRecord; readonly role: Role } | undefined>> {
  const entry = await store.get(KEYS.code(digits));
  if (!entry.ok) return entry;
  const code = codeRecord.safeParse(entry.value?.value);
  if (!code.success) return ok(undefined);
  const account = await getAccount(store, code.data.accountId);
  if (!account.ok) return account;
  if (account.value === undefined || !codesOf(account.value).has(digits)) return ok(undefined);
  return ok({ account: account.value, role: code.data.role });
}

export async function getAccount(
  store: Store,
  id: AccountId,
): Promise<Outcome<AccountRecord | undefined>> {
  const entry = await store.get(KEYS.account(id));
  if (!entry.ok) return entry;
  const parsed = accountRecord.safeParse(entry.value?.value);
  return ok(parsed.success ? parsed.data : undefined);
}

export async function listAccounts(store: Store): Promise<Outcome<readonly AccountRecord[]>> {
  return listAs(store, PREFIXES.account, accountRecord);
}

/** Errors: `bad-request` says what was expected; `conflict`: `account-exists`, `code-taken`, `code-is-prefix`. */
export async function addAccount(store: Store, given: unknown): Promise<Outcome<AccountRecord>> {
  const account = checkAccount(given);
  if (!account.ok) return account;
  const present = await store.get(KEYS.account(account.value.id));
  if (!present.ok) return present;
  if (present.value !== undefined) {
    return refuse('conflict', `account-exists: there is already an account ${account.value.id}`);
  }
  return writeAccount(store, account.value, new Map(), 0);
}

/** A whole account in place of the one that is there; codes it no longer has become invalid. */
export async function replaceAccount(
  store: Store,
  given: unknown,
): Promise<Outcome<AccountRecord>> {
  const account = checkAccount(given);
  if (!account.ok) return account;
  const entry = await store.get(KEYS.account(account.value.id));
  if (!entry.ok) return entry;
  const before = accountRecord.safeParse(entry.value?.value);
  if (entry.value === undefined || !before.success) {
    return refuse('bad-request', `there is no account ${account.value.id} to replace`);
  }
  const had = codesOf(before.data);
  const written = await writeAccount(store, account.value, had, entry.value.revision);
  if (!written.ok) return written;
  const has = codesOf(account.value);
  await deleteCodes(
    store,
    account.value.id,
    [...had.keys()].filter((code) => !has.has(code)),
  );
  return written;
}

/** Conferences in progress go on. Removing what is not there is fine. */
export async function removeAccount(store: Store, id: AccountId): Promise<Outcome<void>> {
  const account = await getAccount(store, id);
  if (!account.ok) return account;
  const gone = await store.delete(KEYS.account(id));
  if (!gone.ok) return gone;
  if (account.value === undefined) return ok(undefined);
  return deleteCodes(store, id, [...codesOf(account.value).keys()]);
}

function checkAccount(given: unknown): Outcome<AccountRecord> {
  const parsed = accountRecord.safeParse(given);
  if (!parsed.success) return refuse('bad-request', `bad account: ${issues(parsed.error)}`);
  const account = parsed.data;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(account.id)) {
    const text = `id: expected 1 to 64 of A-Z, a-z, 0-9, _ and -, got ${JSON.stringify(account.id)}`;
    return refuse('bad-request', `bad account: ${text}`);
  }
  const codes = [...account.hostCodes, ...account.participantCodes];
  for (const [index, code] of codes.entries()) {
    const clash = codes.find((other, at) => at !== index && other.startsWith(code));
    if (clash === undefined) continue;
    return clash === code
      ? refuse('conflict', `code-taken: ${code} is given twice in this account`)
      : refuse('conflict', prefixText(code, clash));
  }
  return ok(account);
}

const prefixText = (short: string, long: string): string =>
  `code-is-prefix: ${short} is the beginning of ${long}, so that a caller could not be told from another while typing; take codes of equal length`;

function codesOf(account: AccountRecord): ReadonlyMap<string, Role> {
  return new Map<string, Role>([
    ...account.hostCodes.map((code): [string, Role] => [code, 'host']),
    ...account.participantCodes.map((code): [string, Role] => [code, 'participant']),
  ]);
}

async function writeAccount(
  store: Store,
  account: AccountRecord,
  had: ReadonlyMap<string, Role>,
  revision: number,
): Promise<Outcome<AccountRecord>> {
  const codes = codesOf(account);
  const clash = await findClash(store, account.id, codes);
  if (!clash.ok) return clash;
  const written: string[] = [];
  const undo = () =>
    deleteCodes(
      store,
      account.id,
      written.filter((code) => !had.has(code)),
    );
  for (const [code, role] of codes) {
    const claimed = await claimCode(store, code, { version: 1, accountId: account.id, role });
    if (claimed.ok) {
      written.push(code);
      continue;
    }
    await undo();
    return claimed;
  }
  // Two operators may have added related codes at the same moment: both see it now.
  const again = await findClash(store, account.id, codes);
  const done = again.ok
    ? await store.compareAndSet(KEYS.account(account.id), account, revision)
    : again;
  if (done.ok) return ok(account);
  await undo();
  return done;
}

/** Prefix-free allocation: no code may begin another one, whosever it is. */
async function findClash(
  store: Store,
  id: AccountId,
  codes: ReadonlyMap<string, Role>,
): Promise<Outcome<void>> {
  const entries = await store.list(PREFIXES.code);
  if (!entries.ok) return entries;
  for (const entry of entries.value) {
    const other = entry.key.slice(PREFIXES.code.length);
    const owner = codeRecord.safeParse(entry.value);
    if (!owner.success || owner.data.accountId === id) continue;
    for (const code of codes.keys()) {
      if (!other.startsWith(code) && !code.startsWith(other)) continue;
      const living = await lookUpCode(store, other);
      if (!living.ok) return living;
      if (living.value === undefined) continue;
      if (other === code) {
        return refuse('conflict', `code-taken: ${code} belongs to account ${owner.data.accountId}`);
      }
      const [short, long] = other.length < code.length ? [other, code] : [code, other];
      return refuse('conflict', prefixText(short, long));
    }
  }
  return ok(undefined);
}

async function claimCode(store: Store, code: string, record: CodeRecord): Promise<Outcome<number>> {
  const entry = await store.get(KEYS.code(code));
  if (!entry.ok) return entry;
  // What is there belongs to this account or to none that exists, or findClash would have said so.
  const claimed = await store.compareAndSet(KEYS.code(code), record, entry.value?.revision ?? 0);
  if (claimed.ok || claimed.error.code !== 'conflict') return claimed;
  return refuse('conflict', `code-taken: ${code} was given to another account just now`);
}

async function deleteCodes(
  store: Store,
  id: AccountId,
  codes: readonly string[],
): Promise<Outcome<void>> {
  for (const code of codes) {
    const entry: Outcome<Entry | undefined> = await store.get(KEYS.code(code));
    if (!entry.ok) return entry;
    const record = codeRecord.safeParse(entry.value?.value);
    if (entry.value === undefined || (record.success && record.data.accountId !== id)) continue;
    const gone = await store.delete(KEYS.code(code), entry.value.revision);
    if (!gone.ok && gone.error.code !== 'conflict') return gone;
  }
  return ok(undefined);
}

// ── dialled numbers ──────────────────────────────────────────────────────────────────────────

export async function listDnis(store: Store): Promise<Outcome<readonly DnisRecord[]>> {
  return listAs(store, PREFIXES.dnis, dnisRecord);
}

/** What is wrong with the settings of a row, each as a sentence; only the VRU knows its applications. */
export type RowCheck = (row: DnisRecord) => readonly string[];

/** Adds a row, or replaces the one of the same number. */
export async function putDnis(
  store: Store,
  given: unknown,
  check: RowCheck = () => [],
): Promise<Outcome<DnisRecord>> {
  const parsed = dnisRecord.safeParse(given);
  if (!parsed.success) return refuse('bad-request', `bad DNIS row: ${issues(parsed.error)}`);
  const problems = check(parsed.data);
  if (problems.length > 0) return refuse('bad-request', `bad DNIS row: ${problems.join('; ')}`);
  const written = await store.put(KEYS.dnis(parsed.data.dnis), parsed.data);
  return written.ok ? ok(parsed.data) : written;
}

/** As putDnis, but refuses a number that has a row already. */
export async function addDnis(store: Store, given: unknown): Promise<Outcome<DnisRecord>> {
  const parsed = dnisRecord.safeParse(given);
  if (!parsed.success) return refuse('bad-request', `bad DNIS row: ${issues(parsed.error)}`);
  const written = await store.compareAndSet(KEYS.dnis(parsed.data.dnis), parsed.data, 0);
  if (written.ok) return ok(parsed.data);
  return written.error.code === 'conflict'
    ? refuse('conflict', `dnis-exists: ${parsed.data.dnis} has a row already`)
    : written;
}

export function removeDnis(store: Store, dnis: string): Promise<Outcome<void>> {
  return store.delete(KEYS.dnis(dnis));
}

async function listAs<T>(
  store: Store,
  prefix: string,
  schema: z.ZodType<T>,
): Promise<Outcome<readonly T[]>> {
  const entries = await store.list(prefix);
  if (!entries.ok) return fail(entries.error);
  return ok(
    entries.value.flatMap((entry) => {
      const parsed = schema.safeParse(entry.value);
      return parsed.success ? [parsed.data] : [];
    }),
  );
}

/** Every problem with its place and what was expected there. */
function issues(error: z.ZodError): string {
  return error.issues
    .map((issue) => `${issue.path.join('.') || 'the whole'}: ${issue.message}`)
    .join('; ');
}
