/** Keys by which messages find their transaction (RFC 3261 sections 17.1.3 and 17.2.3). */
import type { Essentials } from '../essentials.ts';
import type { SipRequest } from '../message.ts';
import { formatVia, MAGIC_COOKIE } from '../via.ts';

/** A response belongs to the client transaction with its branch and CSeq method. */
export function clientKey(branch: string, method: string): string {
  return `${branch}|${method}`;
}

/** The server transaction a request belongs to; `method` in place of its own finds the INVITE of an ACK or CANCEL. */
export function serverKey(
  request: SipRequest,
  essentials: Essentials,
  method: string = request.method,
): string {
  const { topVia, from, callId, cseq } = essentials;
  const { branch } = topVia;
  if (branch?.startsWith(MAGIC_COOKIE) === true && branch.length > MAGIC_COOKIE.length) {
    return `${branch}|${topVia.host.toLowerCase()}|${topVia.port ?? ''}|${method}`;
  }
  // RFC 2543 peers, and those that send the bare cookie. To is left out: the ACK has our tag, the INVITE none.
  const via = formatVia({ ...topVia, parameters: withoutStamps(topVia.parameters) });
  const fromTag = from.parameters.get('tag') ?? '';
  return `2543|${request.uri}|${fromTag}|${callId}|${cseq.number}|${via}|${method}`;
}

/** What stampReceived() adds must not tell a request from its retransmission. */
function withoutStamps(parameters: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const kept = new Map(parameters);
  kept.delete('received');
  kept.delete('rport');
  return kept;
}

/**
 * The same request that came on another path has this in common with it and another branch (section 8.2.2.2).
 * Undefined inside a dialog.
 */
export function mergeKey(request: SipRequest, essentials: Essentials): string | undefined {
  const { from, to, callId, cseq } = essentials;
  const fromTag = from.parameters.get('tag');
  if (fromTag === undefined || to.parameters.has('tag')) return undefined;
  return `${callId}|${fromTag}|${cseq.number}|${request.method}`;
}
