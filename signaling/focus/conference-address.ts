import type { ConfereeId, ConferenceId } from '../../common/ids.ts';
import { parseSipUri } from '../sip/uri.ts';

/** Which conference an INVITE asks for, and as whom. */
export interface ConferenceAddress {
  readonly conferenceId: ConferenceId;
  readonly confereeId: ConfereeId | undefined;
}

const NAME = /^[A-Za-z0-9_.~-]{1,64}$/;

/**
 * RFC 4240 section 5: `sip:conf=NAME@mixer`. Gateways that cannot dial a `=` may write
 * `sip:conf-NAME@mixer`, and proxies that rewrite the user part `sip:…@mixer;conf=NAME`. The conferee
 * parameter is ours (E10).
 */
export function parseConferenceAddress(requestUri: string): ConferenceAddress | undefined {
  const parsed = parseSipUri(requestUri);
  if (!parsed.ok || parsed.value.scheme === 'tel') return undefined;
  const { user, parameters } = parsed.value;
  const name = parameters.get('conf') ?? /^conf[=-](.*)$/i.exec(user ?? '')?.[1];
  const conferee = parameters.get('conferee');
  if (name === undefined || !NAME.test(name)) return undefined;
  if (conferee !== undefined && !NAME.test(conferee)) return undefined;
  return {
    // Checked above; a brand has no other way in.
    conferenceId: name as ConferenceId,
    confereeId: conferee as ConfereeId | undefined,
  };
}
