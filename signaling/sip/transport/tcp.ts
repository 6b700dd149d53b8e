/** SIP over TCP. */
import { connect, createServer } from 'node:net';
import { StreamTransport, type StreamTransportOptions } from './stream.ts';
import type { Transport } from './transport.ts';

export type TcpTransportOptions = StreamTransportOptions;

export function createTcpTransport(options: TcpTransportOptions): Transport {
  return new StreamTransport(options, {
    kind: 'tcp',
    readyEvent: 'connect',
    createServer: (onConnection) => createServer(onConnection),
    connect: (to, localAddress) =>
      connect({
        host: to.remoteAddress,
        port: to.remotePort,
        ...(localAddress === '' ? {} : { localAddress }),
      }),
  });
}
