/** SIP over TLS (RFC 3261 section 26, RFC 5922). */
import { connect, createServer } from 'node:tls';
import { StreamTransport, type StreamTransportOptions } from './stream.ts';
import type { Transport } from './transport.ts';

export interface TlsTransportOptions extends StreamTransportOptions {
  /** PEM. */
  readonly key: string;
  readonly certificate: string;
  /** PEM of the authorities that peers are checked against; default those of Node. */
  readonly authorities?: string;
  /** Peers that connect must show a certificate. Default false. */
  readonly requireClientCertificate?: boolean;
  /** Name that a server's certificate must carry; default its address. */
  readonly serverName?: string;
}

export function createTlsTransport(options: TlsTransportOptions): Transport {
  const { key, certificate: cert, authorities, serverName } = options;
  const ca = authorities === undefined ? {} : { ca: authorities };
  const requestCert = options.requireClientCertificate === true;
  return new StreamTransport(options, {
    kind: 'tls',
    readyEvent: 'secureConnect',
    createServer: (onConnection) =>
      createServer(
        {
          key,
          cert,
          ...ca,
          requestCert,
          rejectUnauthorized: requestCert,
          minVersion: 'TLSv1.2',
          handshakeTimeout: options.bounds?.connectMs ?? 5000,
        },
        onConnection,
      ),
    connect: (to, localAddress) =>
      connect({
        host: to.remoteAddress,
        port: to.remotePort,
        key,
        cert,
        ...ca,
        minVersion: 'TLSv1.2',
        ...(serverName === undefined ? {} : { servername: serverName }),
        ...(localAddress === '' ? {} : { localAddress }),
      }),
  });
}
