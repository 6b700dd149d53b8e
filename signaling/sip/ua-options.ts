/** What a user agent is made of, and the transports that its options name. */
import type { Clock } from '../../common/clock.ts';
import type { Random } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { DigestAlgorithm } from './digest.ts';
import type { NotifierOptions } from './events/notifier.ts';
import type { Resolver } from './resolver.ts';
import type { TimerPolicy } from './session/session-timer.ts';
import type { TimerValues } from './transaction/timers.ts';
import type { Flow } from './transaction/transaction-user.ts';
import { createTcpTransport } from './transport/tcp.ts';
import { createTlsTransport, type TlsTransportOptions } from './transport/tls.ts';
import type { Transport } from './transport/transport.ts';
import { createUdpTransport } from './transport/udp.ts';
import type { UserAgentEvents } from './user-agent.ts';

export interface ListenAddress {
  /** `127.0.0.1`, `0.0.0.0`, `::1` … */
  readonly address: string;
  /** 0 picks a free one. */
  readonly port: number;
}

/** PEM texts. */
export type TlsIdentity = Pick<
  TlsTransportOptions,
  'key' | 'certificate' | 'authorities' | 'requireClientCertificate' | 'serverName'
>;

export interface ChallengeOptions {
  readonly realm: string;
  /** Undefined: no such user. */
  readonly passwordOf: (username: string) => string | undefined;
  /** Strongest first. Default SHA-256, MD5. */
  readonly algorithms?: readonly DigestAlgorithm[];
}

export interface UserAgentLimits {
  /** INVITE sessions at once; the next one gets 503. Default 5,000. */
  readonly sessions?: number;
  /** SIP transactions at once, each way. Default 20,000. */
  readonly transactions?: number;
  /** How long stop() waits for the peers' answers. Default 5 s. */
  readonly stopMs?: number;
}

export interface UserAgentOptions {
  /** At least one, unless `transports` are given. Port 0 picks a free one for each. */
  readonly listen?: {
    readonly udp?: ListenAddress;
    readonly tcp?: ListenAddress;
    readonly tls?: ListenAddress & TlsIdentity;
  };
  /** Instead of `listen`: the network of a test. */
  readonly transports?: readonly Transport[];
  /** User-Agent and Server header. Default `minusone`. */
  readonly name?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly events: UserAgentEvents;
  /** Default: the system's DNS. */
  readonly resolver?: Resolver;
  /** In Via and Contact instead of the bound address, behind a translating router. */
  readonly advertisedAddress?: string | undefined;
  /** Digest for INVITEs from outside of a dialog; absent: nobody is asked. */
  readonly challenge?: ChallengeOptions | undefined;
  /** What may be subscribed to (RFC 6665); absent: nothing, and SUBSCRIBE gets 489. */
  readonly notifier?: NotifierOptions | undefined;
  /** False: 403 for every request outside of a dialog. Default: everybody. */
  readonly trust?: ((flow: Flow) => boolean) | undefined;
  /** RFC 4028. Default 1800 s, at least 90 s. */
  readonly sessionTimer?: Partial<TimerPolicy>;
  readonly timers?: Partial<TimerValues>;
  readonly limits?: UserAgentLimits;
  /** In the 503 when there are too many sessions. Default 5. */
  readonly retryAfterS?: number;
}

export function transportsOf(options: UserAgentOptions): readonly Transport[] {
  if (options.transports !== undefined) return options.transports;
  const { listen = {}, advertisedAddress, clock, log, metrics } = options;
  const shared = {
    clock,
    log,
    metrics,
    ...(advertisedAddress === undefined ? {} : { advertised: { host: advertisedAddress } }),
  };
  return [
    ...(listen.udp === undefined ? [] : [createUdpTransport({ ...listen.udp, ...shared })]),
    ...(listen.tcp === undefined ? [] : [createTcpTransport({ ...listen.tcp, ...shared })]),
    ...(listen.tls === undefined ? [] : [createTlsTransport({ ...listen.tls, ...shared })]),
  ];
}
