/** Brings the mute bits and places of the log to the mixer, until it has acknowledged them. */
import type { ConferenceLog } from './conference-log.ts';
import type { Management } from './management.ts';
import { mixerStateOf } from './roster.ts';

/**
 * Tells the mixer every bit that it has not acknowledged to this server yet. Versions make it
 * harmless to tell twice. What a mixer does not acknowledge is told again at the next look
 * (reconcile.ts), by whichever server is alive then.
 */
export async function tellMutes(management: Management, log: ConferenceLog): Promise<void> {
  const { roster } = log;
  const { created, ended, number } = roster;
  if (created === undefined || ended !== undefined) return;
  const told = management.mutesTold.get(log) ?? 0;
  const owed = [...roster.conferees.values()].filter((one) => one.muteVersion > told);
  const answers = await Promise.all(
    owed.map((one) => {
      return management.mixers.mute(created.mixerId, log.id, one.confereeId, mixerStateOf(one));
    }),
  );
  // Another mixer was admitted with the bits of then (joining.ts), so only this one's answers count.
  const known = answers.every(Boolean) && roster.created?.mixerId === created.mixerId;
  const now = management.mutesTold.get(log) ?? 0;
  if (known && number > now) management.mutesTold.set(log, number);
}
