/** The INVITE of a caller (RFC 3261 section 8.1.1 and 13.2.1). Pure. */
import type { CallId } from '../../../common/ids.ts';
import { createHeaders } from '../headers.ts';
import { bodyOf, type SipRequest } from '../message.ts';
import type { AttemptPlan } from './attempts.ts';
import { ACCEPT, type Capabilities } from './capabilities.ts';
import { requestFields, type TimerPolicy } from './session-timer.ts';

type Field = readonly [name: string, value: string];

/** What stays the same however often the INVITE is sent. */
export interface InviteIdentity {
  readonly id: CallId;
  readonly callId: string;
  readonly localTag: string;
  /** Request-URI of the first attempt. */
  readonly uri: string;
  /** From value with our tag. */
  readonly from: string;
  readonly to: string;
}

export interface InviteParts {
  readonly identity: InviteIdentity;
  readonly contact: string;
  readonly cseq: number;
  readonly plan: AttemptPlan;
  readonly policy: TimerPolicy;
  readonly product: string;
  readonly capabilities: Capabilities;
  readonly headers: readonly Field[];
  readonly offer: string | undefined;
}

export function buildInvite(parts: InviteParts): SipRequest {
  const { identity, plan, offer } = parts;
  const fields: readonly Field[] = [
    ['Max-Forwards', '70'],
    ['From', identity.from],
    ['To', identity.to],
    ['Call-ID', identity.callId],
    ['CSeq', `${parts.cseq} INVITE`],
    ['Contact', parts.contact],
    ...parts.capabilities.fields,
    ['Accept', ACCEPT],
    ...requestFields(parts.policy, undefined, plan.minimumS),
    ['User-Agent', parts.product],
    ...plan.authorization,
    ...parts.headers,
    ...(offer === undefined ? [] : [['Content-Type', 'application/sdp'] as const]),
  ];
  return {
    kind: 'request',
    method: 'INVITE',
    uri: plan.uri,
    headers: createHeaders(fields),
    body: bodyOf(offer),
  };
}
