import type { MediaError } from '../../common/errors.ts';
import type { Refusal, VruCommand } from '../../signaling/conference/messages.ts';
import type { CallContext, FlowEnd } from '../flow.ts';
import type { Phrase } from '../speech.ts';
import { say } from './say.ts';

/** What a caller hears for each refusal; a missing one does not compile. */
const REFUSAL_WORDS: Readonly<Record<Refusal, readonly Phrase[]>> = {
  'invalid-code': ['invalid-code'],
  locked: ['conference-locked'],
  'conference-full': ['conference-full'],
  'no-mixer-of-class': ['no-mixer-of-class'],
  'mixers-busy': ['mixers-busy'],
  'busy-retry': ['busy-retry'],
  'too-many-tries': ['too-many-tries'],
  silence: ['no-input-goodbye'],
  ended: ['conference-ended'],
  draining: ['service-draining'],
  'service-unavailable': ['service-unavailable'],
};

type ReleaseReason = Extract<VruCommand, { kind: 'release' }>['why'];

const RELEASE_WORDS: Readonly<Record<ReleaseReason, readonly Phrase[]>> = {
  deleted: ['you-have-been-removed'],
  ended: ['conference-ended'],
  'host-left': ['host-has-left', 'conference-ended'],
  draining: ['service-draining'],
  'time-limit': ['time-limit-reached'],
};

/** The refusal that a failed request amounts to. */
export function refusalOf(error: MediaError): Refusal {
  if (error.code === 'overloaded' || error.code === 'busy') return 'busy-retry';
  if (error.code === 'draining') return 'draining';
  return 'service-unavailable';
}

/** Tells the caller why not, then ends the call. */
export async function refuse(context: CallContext, reason: Refusal): Promise<FlowEnd> {
  context.parts.metrics.refusals.add(1, { reason });
  context.log.info({ reason }, 'caller refused');
  context.decided({ kind: 'refused', reason });
  await say(context, [...REFUSAL_WORDS[reason], 'goodbye']);
  return { kind: 'hang-up', reason: `refused-${reason}` };
}

/** Tells a conferee why it is over, then ends the call. */
export async function release(context: CallContext, why: ReleaseReason): Promise<FlowEnd> {
  context.log.info({ why }, 'caller released');
  await say(context, [...RELEASE_WORDS[why], 'goodbye']);
  return { kind: 'hang-up', reason: `released-${why}` };
}
