/** Why a session ends, from and to messages (RFC 3326). Pure. */
import { parseReason } from '../fields.ts';
import type { SipRequest, SipResponse } from '../message.ts';
import type { RejectOptions, SessionEnd } from '../user-agent.ts';
import { reasonField } from './responses.ts';

/** Why the peer ended it (RFC 3326); Q.850 before SIP, as it says more. */
export function endOf(
  message: Pick<SipRequest | SipResponse, 'headers'>,
  established: boolean,
): SessionEnd {
  const reasons = message.headers.list('Reason').flatMap((value) => {
    const parsed = parseReason(value);
    return parsed.ok ? [parsed.value] : [];
  });
  const q850 = reasons.find((reason) => reason.protocol.toUpperCase() === 'Q.850');
  const any = q850 ?? reasons[0];
  // A comment and parameters may follow the number (RFC 3261 section 20.33).
  const retryAfter = /^[0-9]{1,9}/.exec(message.headers.get('Retry-After') ?? '')?.[0];
  return {
    by: 'remote',
    established,
    ...(any?.text === undefined ? {} : { reason: any.text }),
    ...(q850?.cause === undefined ? {} : { q850: q850.cause }),
    ...(retryAfter === undefined ? {} : { retryAfterS: Number(retryAfter) }),
  };
}

/** We refused the INVITE. */
export function endByRefusal(status: number, options: RejectOptions): SessionEnd {
  return {
    by: 'local',
    status,
    established: false,
    ...(options.text === undefined ? {} : { reason: options.text }),
    ...(options.q850 === undefined ? {} : { q850: options.q850 }),
  };
}

/** RFC 3326: a BYE says why, if there is more to say than that it is over. */
export function byeFields(end: SessionEnd | undefined): readonly (readonly [string, string])[] {
  return end?.q850 === undefined ? [] : [reasonField(end.q850, end.reason)];
}

/** We hang up. */
export function endByHangUp(
  established: boolean,
  reason: { readonly q850: number; readonly text: string } | undefined,
): SessionEnd {
  if (reason === undefined) return { by: 'local', established };
  return { by: 'local', established, q850: reason.q850, reason: reason.text };
}
