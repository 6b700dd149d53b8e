/** From an INVITE to who calls, what was dialled, and what to run (R40). */
import { MediaError } from '../common/errors.ts';
import { networkOf } from '../common/network.ts';
import { fail, ok } from '../common/result.ts';
import type { CallerOfVru, ConferenceClient } from '../signaling/conference/client.ts';
import type { CodeSource } from '../signaling/conference/fraud-shield.ts';
import type { SipRequest } from '../signaling/sip/message.ts';
import {
  type NameAddress,
  parseNameAddress,
  parseSipUri,
  type SipUri,
} from '../signaling/sip/uri.ts';
import type { Session } from '../signaling/sip/user-agent.ts';
import type { Lookup } from './flow.ts';

export interface CallIdentity {
  readonly caller: CallerOfVru;
  /** Whom the caller dialled first, where the call was diverted (RFC 5806); for the log. */
  readonly diversion: string | undefined;
}

/** Room that the messages of conference signaling leave for a number or a name. */
const TEXT_LIMIT = 128;
/** A DNIS row is matched against this much. */
const DNIS_LIMIT = 64;

export function identify(session: Pick<Session, 'id' | 'invite' | 'remote'>): CallIdentity {
  const { invite, remote } = session;
  const asserted = addressIn(invite, 'P-Asserted-Identity');
  // RFC 3325 section 9.1: asserted by the network, so worth more than what the caller says of himself.
  const from = asserted ?? remote;
  const name = from.displayName ?? remote.displayName;
  const hidden = isPrivate(invite);
  const diverted = addressIn(invite, 'Diversion');
  return {
    caller: {
      callId: session.id,
      dnis: dialledNumber(invite),
      callerNumber: hidden ? 'anonymous' : (numberOf(from.uri) ?? 'unknown').slice(0, TEXT_LIMIT),
      ...(hidden || name === undefined || name === ''
        ? {}
        : { callerName: name.slice(0, TEXT_LIMIT) }),
    },
    diversion: diverted === undefined ? undefined : numberOf(diverted.uri),
  };
}

/**
 * The host alone: behind one connection, or one translator, ports differ from call to call. Callers
 * without a number are not one source: each call is somebody else.
 */
export function codeSourceOf(caller: CallerOfVru, flow: string): CodeSource {
  const trunk = networkOf(flow.replace(/^[a-z]+:/, '').replace(/:\d+$/, ''));
  const call = caller.callId.slice(0, TEXT_LIMIT);
  const hidden = HIDDEN_NUMBERS.has(caller.callerNumber.toLowerCase());
  return {
    caller: hidden ? `call ${call}`.slice(0, TEXT_LIMIT) : caller.callerNumber,
    trunk,
    call,
  };
}

/** RFC 3323 section 4.1.1.3, and what gateways write for a number that they do not have. */
const HIDDEN_NUMBERS: ReadonlySet<string> = new Set([
  'anonymous',
  'unknown',
  'unavailable',
  'restricted',
  'private',
]);

/** A `dnis` parameter of the Request-URI, its user, else P-Called-Party-ID (RFC 7315 section 4.2), else To. */
function dialledNumber(invite: SipRequest): string {
  const target = parseSipUri(invite.uri);
  const parameter = target.ok ? target.value.parameters.get('dnis') : undefined;
  const number =
    (parameter === '' ? undefined : parameter) ??
    (target.ok ? numberOf(target.value) : undefined) ??
    numberOfHeader(invite, 'P-Called-Party-ID') ??
    numberOfHeader(invite, 'To') ??
    '';
  return number.slice(0, DNIS_LIMIT);
}

function numberOfHeader(invite: SipRequest, name: string): string | undefined {
  const address = addressIn(invite, name);
  return address === undefined ? undefined : numberOf(address.uri);
}

function addressIn(invite: SipRequest, name: string): NameAddress | undefined {
  const [first] = invite.headers.list(name);
  if (first === undefined) return undefined;
  const address = parseNameAddress(first);
  return address.ok ? address.value : undefined;
}

/** The user part without its parameters (RFC 3966 numbers carry some), or the number of a tel URI. */
function numberOf(uri: SipUri): string | undefined {
  const user = uri.user?.split(';')[0];
  if (user === undefined || user === '') return undefined;
  // RFC 3966 section 5.1.1: visual separators mean nothing.
  return uri.scheme === 'tel' || /^\+[0-9]/.test(user) ? user.replaceAll(/[-.()]/g, '') : user;
}

/** RFC 3323 section 4.2, RFC 3325 section 9.3: the number is not for other participants. */
function isPrivate(invite: SipRequest): boolean {
  const values = invite.headers.all('Privacy').flatMap((value) => value.split(/[;,]/));
  return values.some((value) => ['id', 'user', 'full'].includes(value.trim().toLowerCase()));
}

/** Number → application by the DNIS table. Error `conference-unknown`: no row matches. */
export function createLookup(client: ConferenceClient): Lookup {
  return async (dnis) => {
    const found = await client.findApplication(dnis);
    if (!found.ok) return found;
    const row = found.value;
    if (row === undefined) {
      return fail(new MediaError('conference-unknown', `no DNIS row for ${dnis}`));
    }
    const { application, settings, language, ringMs = 0 } = row;
    return ok({ application, settings, language, ringMs });
  };
}
