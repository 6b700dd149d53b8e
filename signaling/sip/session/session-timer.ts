/**
 * Session timers (RFC 4028): pure decisions of both roles. SessionTimer in refresher.ts keeps the time.
 */
import { fail, ok, type Result } from '../../../common/result.ts';
import { formatSessionExpires, parseSessionExpires } from '../fields.ts';
import type { Headers } from '../headers.ts';
import type { SipRequest, SipResponse } from '../message.ts';

export interface TimerPolicy {
  /** What we ask for; 0: none, but a peer's wish is followed. */
  readonly intervalS: number;
  /** The least we take; RFC 4028 section 5 says at least 90. */
  readonly minimumS: number;
}

export const DEFAULT_TIMER_POLICY: TimerPolicy = { intervalS: 1_800, minimumS: 90 };

/** What a dialog agreed on. */
export interface Agreed {
  readonly intervalS: number;
  readonly refresher: 'local' | 'remote';
}

type Fields = readonly (readonly [name: string, value: string])[];

/** Headers of an INVITE or UPDATE of ours; `current` on a refresh, so that the roles stay (section 7.4). */
export function requestFields(
  policy: TimerPolicy,
  current: Agreed | undefined,
  minimumS: number,
): Fields {
  const intervalS = Math.max(current?.intervalS ?? policy.intervalS, minimumS);
  if (policy.intervalS === 0 && current === undefined) return [];
  const refresher =
    current === undefined ? undefined : current.refresher === 'local' ? 'uac' : 'uas';
  return [
    ['Session-Expires', formatSessionExpires({ seconds: intervalS, refresher })],
    // Section 7.1: only worth a header when it is more than everybody's least.
    ...(minimumS > 90 ? [['Min-SE', String(minimumS)] as const] : []),
  ];
}

/** Section 7.2: what the 2xx to our request settled; undefined: no timer. */
export function fromResponse(response: SipResponse): Agreed | undefined {
  const value = response.headers.get('Session-Expires');
  const parsed = value === undefined ? undefined : parseSessionExpires(value);
  if (parsed === undefined || !parsed.ok || parsed.value.seconds < 32) return undefined;
  return {
    intervalS: parsed.value.seconds,
    refresher: parsed.value.refresher === 'uas' ? 'remote' : 'local',
  };
}

export interface TimerAnswer {
  readonly agreed: Agreed | undefined;
  readonly fields: Fields;
}

/**
 * Section 9, table 2: the peer's INVITE or UPDATE. The error is a 422 with the returned Min-SE, given
 * only to peers that know the extension.
 */
export function answerRequest(
  policy: TimerPolicy,
  request: SipRequest,
): Result<TimerAnswer, { readonly minimumS: number }> {
  const value = request.headers.get('Session-Expires');
  const asked = value === undefined ? undefined : parseSessionExpires(value);
  const knows = supports(request.headers, 'timer');
  const none: TimerAnswer = { agreed: undefined, fields: [] };
  if (asked === undefined || !asked.ok) {
    if (policy.intervalS === 0 || !knows) return ok(none);
    // We may ask for one although the peer did not (section 9), and then the work is ours.
    const least = minimumOf(request.headers);
    return ok(answer(Math.max(policy.intervalS, least, policy.minimumS), 'uas'));
  }
  const { seconds, refresher } = asked.value;
  if (seconds < policy.minimumS && knows) return fail({ minimumS: policy.minimumS });
  // Never up (section 9), and never below what the peer can bear.
  const floor = Math.max(policy.minimumS, minimumOf(request.headers));
  const wanted = policy.intervalS === 0 ? seconds : Math.max(policy.intervalS, floor);
  const intervalS = Math.min(seconds, wanted);
  // A peer without the extension cannot refresh: a proxy put the header in.
  return ok(answer(intervalS, knows ? (refresher ?? 'uac') : 'uas'));
}

function answer(seconds: number, refresher: 'uac' | 'uas'): TimerAnswer {
  return {
    agreed: { intervalS: seconds, refresher: refresher === 'uac' ? 'remote' : 'local' },
    fields: [
      ['Session-Expires', formatSessionExpires({ seconds, refresher })],
      // Section 9: the peer must not overlook that it is the one who refreshes.
      ...(refresher === 'uac' ? [['Require', 'timer'] as const] : []),
    ],
  };
}

function minimumOf(headers: Headers): number {
  const value = headers.get('Min-SE');
  const parsed = value === undefined ? undefined : parseSessionExpires(value);
  return parsed?.ok === true ? parsed.value.seconds : 0;
}

/** Section 7.3: the least interval that a 422 asks for, if it is one that we can live with. */
export function minimumAfter422(response: SipResponse, before: number): number | undefined {
  const minimumS = minimumOf(response.headers);
  return minimumS > before && minimumS <= 86_400 ? minimumS : undefined;
}

export function supports(headers: Headers, option: string): boolean {
  const listed = (name: string): boolean =>
    headers.list(name).some((value) => value.toLowerCase() === option);
  return listed('Supported') || listed('Require');
}

/** Section 10: refresh at half the interval; give up a little before it ends. */
export function plan(agreed: Agreed): { readonly refreshMs: number; readonly expireMs: number } {
  const intervalMs = agreed.intervalS * 1_000;
  return {
    refreshMs: intervalMs / 2,
    expireMs: intervalMs - Math.min(32_000, intervalMs / 3),
  };
}
