/**
 * Which mixer takes a conference (R12, R43, R45), pure: by class and measured headroom. Nothing here
 * counts ports or seats; a mixer that has other work to do measures less headroom and gets less.
 */
import type { NodeId, Random } from '../../common/ids.ts';
import type { MixerRecord, Refusal } from './messages.ts';

export interface MixerOffer {
  readonly record: MixerRecord;
  /** Conferences placed there since it measured last: it does not know of them yet. */
  readonly placedSince: number;
}

export interface Wanted {
  readonly mixerClass: string;
  readonly avoid: readonly NodeId[];
}

export type Placement =
  /** In the order in which to try them. */
  | { readonly kind: 'candidates'; readonly mixers: readonly MixerRecord[] }
  | { readonly kind: 'refused'; readonly reason: Refusal };

/** What a conference that has just been placed will take before it is measured. */
const CONFEREES_EXPECTED = 3;

export function choosePlacement(
  offers: readonly MixerOffer[],
  wanted: Wanted,
  random: Random,
): Placement {
  const ofClass = offers.filter(({ record }) => record.mixerClass === wanted.mixerClass);
  if (ofClass.length === 0) return { kind: 'refused', reason: 'no-mixer-of-class' };
  const free = ofClass
    .filter(({ record }) => !record.draining && !wanted.avoid.includes(record.id))
    .map((offer) => ({ record: offer.record, headroom: headroomOf(offer) }))
    .filter(({ headroom }) => headroom > 0)
    .toSorted((a, b) => b.headroom - a.headroom);
  if (free.length === 0) return { kind: 'refused', reason: 'mixers-busy' };
  // The better of two at random: several proxies with the same figures do not all run to the same
  // mixer. The rest follows by headroom.
  const first = Math.min(random.below(free.length), random.below(free.length));
  const order = [...free.slice(first, first + 1), ...free.toSpliced(first, 1)];
  return { kind: 'candidates', mixers: order.map(({ record }) => record) };
}

function headroomOf({ record, placedSince }: MixerOffer): number {
  return record.headroom - placedSince * CONFEREES_EXPECTED;
}
