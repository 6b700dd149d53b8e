/** The host has left and participants wait again (R28): the way back from a conference. */

import { getAccount } from './accounts.ts';
import type { ConferenceLog } from './conference-log.ts';
import { enterMingle } from './creating.ts';
import { withinPatience } from './ending.ts';
import { seat, sendPlace } from './joining.ts';
import type { Management } from './management.ts';
import type { AccountRecord } from './messages.ts';
import type { Conferee } from './roster.ts';
import { placeOrder } from './serials.ts';
import { removeWaiting, type WaitingEntry, waitAgain } from './waiting-list.ts';

/** In the order of the roll. First the records, so that a host who comes now finds everybody. */
export async function returnToWaiting(
  management: Management,
  log: ConferenceLog,
  conferees: readonly Conferee[],
): Promise<void> {
  const { created } = log.roster;
  if (created === undefined) return;
  const found = await getAccount(management.options.store, created.accountId);
  const account = found.ok ? found.value : undefined;
  const commands: Promise<void>[] = [];
  for (const conferee of conferees) {
    const mingled =
      account?.waitingMode === 'mingle' && (await mingle(management, account, conferee, log));
    if (mingled === true) continue;
    const waitingId = `w-${conferee.confereeId}`;
    const added = await waitAgain(management.options.store, created.accountId, {
      waitingId,
      requestId: waitingId,
      code: created.code,
      role: conferee.role,
      caller: conferee.caller,
      atMs: management.options.clock.wallMs(),
    });
    if (!added.ok) throw added.error;
    commands.push(tellWait(management, log, conferee, added.value));
  }
  await withinPatience(management, Promise.all(commands));
}

async function tellWait(
  management: Management,
  { roster }: ConferenceLog,
  conferee: Conferee,
  { key, revision, record }: WaitingEntry,
): Promise<void> {
  const { caller, confereeId } = conferee;
  const { accountId } = roster;
  if (accountId === undefined) return;
  const { callId } = caller;
  const told = await management.vrus.command(caller, {
    kind: 'wait',
    requestId: `wait-${confereeId}`,
    callId,
    accountId,
    waitingId: record.waitingId,
    leaves: confereeId,
    order: placeOrder(roster, conferee),
  });
  // Somebody else had done it, and the call has gone on since.
  if (told.ok && told.value.overtaken === true) {
    await management.options.store.delete(key, revision);
    return;
  }
  if (told.ok || told.error.code !== 'closed') return;
  await removeWaiting(management.options.store, accountId, { callId });
}

/** Into the room where participants talk until the host comes. False: music instead. */
async function mingle(
  management: Management,
  account: AccountRecord,
  conferee: Conferee,
  from: ConferenceLog,
): Promise<boolean> {
  const { caller, role, confereeId } = conferee;
  const entrant = { account, role, caller, requestId: `w-${confereeId}`, from: 'call' } as const;
  const entered = await enterMingle(management, entrant, from.roster.created?.code ?? '');
  if (!entered.ok || entered.value.kind !== 'joined') return false;
  const { log, conferee: there } = entered.value;
  await management.project(log);
  if ((await seat(management, log, there)) !== undefined) return false;
  void management.background(`place ${there.confereeId}`, () => sendPlace(management, log, there));
  return true;
}
