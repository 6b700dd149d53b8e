/**
 * What RFC 3261 section 8.2 asks of a request outside of a dialog before it is looked at, in its order:
 * method, URI, extensions, body. Pure; the answer to what does not pass is data.
 */
import { parseContacts, parseMaxForwards } from '../fields.ts';
import type { SipRequest } from '../message.ts';
import { parseSipUri } from '../uri.ts';
import { descriptionOf } from './body.ts';
import { ACCEPT, type Capabilities } from './capabilities.ts';

export interface Refused {
  readonly status: number;
  readonly reasonPhrase?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

export function checkRequest(request: SipRequest, capabilities: Capabilities): Refused | undefined {
  return (
    checkMethod(request, capabilities) ??
    checkUri(request) ??
    checkRequire(request, capabilities) ??
    checkInvite(request)
  );
}

/** Section 8.2.1. */
function checkMethod({ method }: SipRequest, capabilities: Capabilities): Refused | undefined {
  if (capabilities.methods.includes(method)) return undefined;
  // RFC 6665 section 8.2.1: we know the methods, and no event package for them.
  if (method === 'SUBSCRIBE' || method === 'NOTIFY') return { status: 489 };
  return { status: 405, headers: [['Allow', capabilities.allow]] };
}

/** Section 8.2.2.1. */
function checkUri(request: SipRequest): Refused | undefined {
  const uri = parseSipUri(request.uri);
  if (!uri.ok) return { status: uri.error.status, reasonPhrase: 'Bad Request-URI' };
  // Section 8.2.2.1 leaves tel: open; gateways use it for numbers, and so do we.
  const forwards = request.headers.get('Max-Forwards');
  // RFC 4475 section 3.3.11: an end takes a request with 0; only a number that is none is wrong.
  if (forwards !== undefined && !parseMaxForwards(forwards).ok) {
    return { status: 400, reasonPhrase: 'Bad Max-Forwards' };
  }
  return undefined;
}

/** Section 8.2.2.3. Proxy-Require is for proxies. */
function checkRequire(request: SipRequest, capabilities: Capabilities): Refused | undefined {
  const lacking = unsupportedOptions(request, capabilities);
  if (lacking.length === 0) return undefined;
  return { status: 420, headers: [['Unsupported', lacking.join(', ')]] };
}

export function unsupportedOptions(
  request: SipRequest,
  { options }: Capabilities,
): readonly string[] {
  return request.headers
    .list('Require')
    .filter((option) => !options.includes(option.toLowerCase()));
}

/** Section 8.2.3 and, for what would make a dialog, section 12.1.1. */
function checkInvite(request: SipRequest): Refused | undefined {
  if (request.method !== 'INVITE') return undefined;
  const contacts = parseContacts(request.headers);
  if (!contacts.ok || contacts.value === '*' || contacts.value.length !== 1) {
    return { status: 400, reasonPhrase: 'Bad Contact' };
  }
  const description = descriptionOf(request);
  if (description.ok) return undefined;
  if (description.error === 'unsupported-encoding') {
    return { status: 415, headers: [['Accept-Encoding', 'identity']] };
  }
  return { status: 415, headers: [['Accept', ACCEPT]] };
}
