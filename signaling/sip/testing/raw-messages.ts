/** Messages that a test writes by hand, as text, for peers without a stack. */
import type { SipRequest } from '../message.ts';
import { address } from './session-bench.ts';

export const PEER_SDP = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.9',
  's=-',
  'c=IN IP4 192.0.2.9',
  't=0 0',
  'm=audio 5000 RTP/AVP 0',
  '',
].join('\n');

interface Extras {
  /** Lines, without the last line end. */
  readonly headers?: readonly string[];
  readonly sdp?: string;
}

/** A response of the peer at 10.0.0.`host`, with its tag `peer` unless told. */
export function reply(
  request: SipRequest,
  status: number,
  host: number,
  extras: Extras & { readonly tag?: string } = {},
): string {
  const { headers } = request;
  const to = headers.get('To') ?? '';
  return message(`SIP/2.0 ${status} Text`, extras, [
    ...headers.all('Via').map((value) => `Via: ${value}`),
    ...['From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${headers.get(name)}`),
    `To: ${to.includes('tag=') ? to : `${to};tag=${extras.tag ?? 'peer'}`}`,
    `Contact: <sip:peer@${address(host)}>`,
  ]);
}

/** A request of the peer at 10.0.0.1 to 10.0.0.2; `to` with a tag makes it one in a dialog. */
export function request(
  method: string,
  cseq: number,
  extras: Extras & {
    readonly to?: string;
    readonly uri?: string;
    readonly branch?: string;
    readonly contact?: string | undefined;
  } = {},
): string {
  const contact = 'contact' in extras ? extras.contact : '<sip:peer@10.0.0.1>';
  return message(`${method} ${extras.uri ?? 'sip:1000@10.0.0.2'} SIP/2.0`, extras, [
    `Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK${extras.branch ?? `${method}${cseq}`}`,
    'From: <sip:peer@10.0.0.1>;tag=p1',
    `To: ${extras.to ?? '<sip:1000@10.0.0.2>'}`,
    'Call-ID: abc',
    `CSeq: ${cseq} ${method}`,
    'Max-Forwards: 70',
    ...(contact === undefined ? [] : [`Contact: ${contact}`]),
  ]);
}

/** From a dialog that our side began: the peer's request with the tags the other way round. */
export function requestBack(
  invite: SipRequest,
  method: string,
  cseq: number,
  extras: Extras = {},
): string {
  const { headers } = invite;
  return message(`${method} sip:10.0.0.1 SIP/2.0`, extras, [
    `Via: SIP/2.0/UDP 10.0.0.3:5060;branch=z9hG4bKback${method}${cseq}`,
    `From: ${headers.get('To')};tag=peer`,
    `To: ${headers.get('From')}`,
    `Call-ID: ${headers.get('Call-ID')}`,
    `CSeq: ${cseq} ${method}`,
    'Max-Forwards: 70',
    'Contact: <sip:peer@10.0.0.3>',
  ]);
}

function message(startLine: string, extras: Extras, headers: readonly string[]): string {
  const { sdp } = extras;
  return [
    startLine,
    ...headers,
    ...(extras.headers ?? []),
    ...(sdp === undefined ? [] : ['Content-Type: application/sdp']),
    '',
    sdp ?? '',
  ].join('\n');
}
