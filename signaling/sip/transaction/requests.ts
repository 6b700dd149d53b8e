/** The requests that the transaction layer makes out of others: with a Via, CANCEL, ACK. */
import { createHeaders } from '../headers.ts';
import { EMPTY_BODY, type SipRequest, type SipResponse } from '../message.ts';
import type { Transport } from '../transport/transport.ts';
import { formatVia } from '../via.ts';

/** With a top Via of ours (section 8.1.1.7); asks for rport where it means something (RFC 3581). */
export function withVia(
  request: SipRequest,
  transport: Transport,
  remoteAddress: string,
  branch: string,
): SipRequest {
  const { host, port } = transport.sentBy(remoteAddress);
  const parameters = new Map([['branch', branch]]);
  if (transport.kind === 'udp') parameters.set('rport', '');
  const via = formatVia({
    transport: transport.kind.toUpperCase(),
    host,
    port,
    branch,
    parameters,
  });
  return { ...request, headers: request.headers.prepend('Via', via) };
}

/** Section 9.1: Via, From, To, Call-ID, Route and the CSeq number of the INVITE as it was sent. */
export function cancelOf(
  invite: SipRequest,
  extraHeaders: readonly (readonly [string, string])[],
): SipRequest {
  return derived('CANCEL', invite, invite.headers.get('To') ?? '', extraHeaders);
}

/** Section 17.1.1.3: the ACK of a 3xx–6xx, within the transaction; To with the tag of the response. */
export function ackOf(invite: SipRequest, response: SipResponse): SipRequest {
  const to = response.headers.get('To') ?? invite.headers.get('To') ?? '';
  return derived('ACK', invite, to, []);
}

function derived(
  method: string,
  invite: SipRequest,
  to: string,
  extraHeaders: readonly (readonly [string, string])[],
): SipRequest {
  const { headers } = invite;
  const number = (headers.get('CSeq') ?? '').split(' ', 1)[0] ?? '';
  const fields: (readonly [string, string])[] = [
    ['Via', headers.list('Via')[0] ?? ''],
    ['Max-Forwards', '70'],
  ];
  for (const route of headers.all('Route')) fields.push(['Route', route]);
  fields.push(
    ['From', headers.get('From') ?? ''],
    ['To', to],
    ['Call-ID', headers.get('Call-ID') ?? ''],
    ['CSeq', `${number} ${method}`],
    ...extraHeaders,
  );
  return {
    kind: 'request',
    method,
    uri: invite.uri,
    headers: createHeaders(fields),
    body: EMPTY_BODY,
  };
}
