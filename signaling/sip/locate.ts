/** Places to send to: what an operator or a URI names, without a look-up where none is needed. */
import { isIP } from 'node:net';
import { MediaError } from '../../common/errors.ts';
import type { Resolver } from './resolver.ts';
import type { Target } from './transaction/transaction-user.ts';
import { DEFAULT_PORTS, parseTarget, type TransportKind } from './transport/transport.ts';
import { parseSipUri, type SipUri, sipUri, withoutBrackets } from './uri.ts';

type Use = (targets: readonly Target[], error?: MediaError) => void;

/** Calls `use` at once for IP literals, so that requests keep their order; else when the names are known. */
export function createLocator(
  resolver: Resolver,
  transports: readonly TransportKind[],
): (uri: string, use: Use) => void {
  return (text, use) => {
    const uri = parseSipUri(text);
    if (!uri.ok) {
      use([], new MediaError('transport-failed', `no SIP URI: ${uri.error.detail}`));
      return;
    }
    const literal = literalTarget(uri.value, transports);
    if (literal !== undefined) {
      use([literal]);
      return;
    }
    resolver.resolve(uri.value).then(
      (found) => (found.ok ? use(found.value) : use([], found.error)),
      (error: unknown) => use([], new MediaError('transport-failed', String(error))),
    );
  };
}

/** RFC 3263 section 4.1 for a numeric host. */
function literalTarget(uri: SipUri, transports: readonly TransportKind[]): Target | undefined {
  const host = withoutBrackets(uri.parameters.get('maddr') ?? uri.host);
  if (isIP(host) === 0) return undefined;
  const asked = uri.scheme === 'sips' ? 'tls' : uri.parameters.get('transport')?.toLowerCase();
  const transport = transports.find((kind) => kind === asked);
  if (asked !== undefined && transport === undefined) return undefined;
  const chosen = transport ?? (transports.includes('udp') ? 'udp' : transports[0]);
  if (chosen === undefined) return undefined;
  return {
    transport: chosen,
    remoteAddress: host,
    remotePort: uri.port ?? DEFAULT_PORTS[chosen],
  };
}

/** `udp:127.0.0.1:5060`, `tcp:proxy.example.com:5060`, or a SIP URI: a place, or a URI to be looked up. */
export function outboundProxy(text: string): Target | SipUri | undefined {
  const target = parseTarget(text);
  if (target !== undefined && isIP(target.remoteAddress) !== 0) return target;
  if (target !== undefined) {
    const { remoteAddress, remotePort: port, transport } = target;
    return sipUri(remoteAddress, { port, parameters: [['transport', transport]] });
  }
  const uri = parseSipUri(text);
  return uri.ok ? uri.value : undefined;
}
