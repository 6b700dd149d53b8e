/** Words for one conferee, mixed over what it hears by its VRU. */
import type { Management } from './management.ts';
import type { VruCommand } from './messages.ts';
import type { Conferee } from './roster.ts';

type Announcement = Omit<
  Extract<VruCommand, { kind: 'announce' }>,
  'kind' | 'requestId' | 'callId'
>;

/** `name`: of this announcement to this conferee; whoever else asks for the same says it no second time. */
export async function announceTo(
  management: Management,
  { caller }: Pick<Conferee, 'caller'>,
  name: string,
  words: Announcement,
): Promise<void> {
  await management.vrus.command(caller, {
    kind: 'announce',
    requestId: name,
    callId: caller.callId,
    ...words,
  });
}
