/** Into the conference for somebody whom we called: no code, no lock; from there on a conferee like any other. */
import type { LeaveReason } from '../../../signaling/conference/client.ts';
import type { DialOrder } from '../../../signaling/conference/dial-messages.ts';
import type { Refusal } from '../../../signaling/conference/messages.ts';
import type { CallContext, FlowEnd } from '../../flow.ts';
import { within } from '../../scope.ts';
import { refuse } from '../../steps/refuse.ts';
import { occupy } from './conference.ts';
import { effectiveSettings } from './row-settings.ts';
import { Tenancy } from './tenancy.ts';

export async function conferenceOfDialled(
  context: CallContext,
  order: DialOrder,
): Promise<{ readonly end: FlowEnd; readonly refused?: Refusal }> {
  const { clock, client, settings, background } = context.parts;
  const tenancy = new Tenancy(context);
  let why: LeaveReason = 'hangup';
  try {
    const validMs = clock.nowMs();
    const entered = tenancy.take(client.enterDialled(order, context.caller));
    const reply = await within(context.signal, entered);
    if (reply.kind === 'refused') {
      return { end: await refuse(context, reply.reason), refused: reply.reason };
    }
    const row = effectiveSettings({}, settings.conference);
    const entry = { kind: 'entered', context, reply, endKeyDue: false, validMs } as const;
    const left = await occupy(context, row, tenancy, entry);
    why = left.why;
    return { end: left.end };
  } finally {
    background(tenancy.giveBack(why));
  }
}
