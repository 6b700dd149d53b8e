/** UDP, TCP and TLS on loopback: the same layer on each, and raw sockets as hostile peers. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { systemRandom } from '../../../common/ids.ts';
import { silentLogger } from '../../../common/log.ts';
import { createMetrics } from '../../../common/metrics.ts';
import { SimClock } from '../../../common/sim-clock.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message.ts';
import { parseMessage } from '../parser.ts';
import { serializeMessage } from '../serializer.ts';
import { createTransactionLayer } from '../transaction/layer.ts';
import { makeRequest } from '../transaction/sim-stack.ts';
import type { ServerTransaction, Target } from '../transaction/transaction-user.ts';
import type { StreamBounds } from './stream.ts';
import { createTcpTransport } from './tcp.ts';
import { createTlsTransport } from './tls.ts';
import { formatTarget, parseTarget, type Transport, type TransportKind } from './transport.ts';
import { createUdpTransport } from './udp.ts';

const HAS_IPV6 = Object.values(networkInterfaces())
  .flat()
  .some((entry) => entry?.address === '::1');

const pem = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'fixtures', `${name}.pem`), 'utf8');

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const metrics = createMetrics();

function makeTransport(
  kind: TransportKind,
  options: {
    readonly address?: string;
    readonly clock?: SimClock;
    readonly bounds?: Partial<StreamBounds>;
  } = {},
): Transport {
  const common = { address: options.address ?? '127.0.0.1', port: 0, log: silentLogger, metrics };
  if (kind === 'udp') return createUdpTransport(common);
  const stream = {
    ...common,
    clock: options.clock ?? systemClock,
    ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
  };
  if (kind === 'tcp') return createTcpTransport(stream);
  const certificate = pem('certificate');
  return createTlsTransport({ ...stream, key: pem('key'), certificate, authorities: certificate });
}

const answer200 = (transaction: ServerTransaction): void => {
  transaction.respond(responseTo(transaction.request, 200, { toTag: 'b' }));
};

async function startLayer(
  transports: readonly Transport[],
  onRequest: (transaction: ServerTransaction) => void = answer200,
) {
  const layer = createTransactionLayer({
    transports,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    metrics,
    user: { onRequest, onAck: () => undefined, onStrayResponse: () => undefined },
  });
  const started = await layer.start();
  if (!started.ok) throw started.error;
  closers.push(() => layer.close());
  return layer;
}

const portOf = (transport: Transport): number => transport.sentBy('127.0.0.1').port;

function finalOf(
  layer: Awaited<ReturnType<typeof startLayer>>,
  request: SipRequest,
  targets: readonly Target[],
): Promise<SipResponse> {
  return new Promise((resolve, reject) => {
    layer.send(request, targets, {
      onProvisional: () => undefined,
      onFinal: resolve,
      onTimeout: () => reject(new Error('timeout')),
      onTransportError: reject,
    });
  });
}

const requestText = (method: string, branch: string, extra = ''): string => {
  const request = makeRequest(method, { callId: branch });
  const via = `SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK${branch}${extra}`;
  return Buffer.from(
    serializeMessage({ ...request, headers: request.headers.prepend('Via', via) }),
  ).toString();
};

describe.each(['udp', 'tcp', 'tls'] as const)('%s (R47)', (kind) => {
  it('carries requests and answers both ways, and 200 at once', async () => {
    const [left, right] = [makeTransport(kind), makeTransport(kind)];
    const alice = await startLayer([left]);
    const bob = await startLayer([right]);
    const to = (transport: Transport): Target => ({
      transport: kind,
      remoteAddress: '127.0.0.1',
      remotePort: portOf(transport),
    });
    const body = 'x'.repeat(900);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        index % 2 === 0
          ? finalOf(alice, makeRequest('MESSAGE', { callId: `a${index}`, body }), [to(right)])
          : finalOf(bob, makeRequest('OPTIONS', { callId: `b${index}` }), [to(left)]),
      ),
    );
    expect(answers.map((answer) => answer.status)).toEqual(Array(200).fill(200));
  });

  it('says which address is in use', async () => {
    const first = makeTransport(kind);
    await startLayer([first]);
    const common = { address: '127.0.0.1', port: portOf(first), log: silentLogger, metrics };
    const second =
      kind === 'udp'
        ? createUdpTransport(common)
        : createTcpTransport({ ...common, clock: systemClock });
    const started = await second.start({ onMessage: () => undefined, onProblem: () => undefined });
    expect(started.ok ? '' : started.error.message).toContain(`${portOf(first)} is in use`);
  });

  it('close() is idempotent, and a send after it is an error', async () => {
    const transport = makeTransport(kind);
    await startLayer([transport]);
    await transport.close();
    await transport.close();
    const outcome = await new Promise<boolean>((resolve) => {
      const to = { remoteAddress: '127.0.0.1', remotePort: 9 };
      transport.send(Buffer.from('x'), to, (result) => resolve(result.ok));
    });
    expect(outcome).toBe(false);
  });
});

describe('UDP', () => {
  it('absorbs retransmissions, honours rport, drops keep-alives and garbage', async () => {
    const transport = makeTransport('udp');
    const seen: string[] = [];
    await startLayer([transport], (transaction) => {
      seen.push(transaction.request.headers.get('Call-ID') ?? '');
      answer200(transaction);
    });
    const peer = createSocket('udp4');
    closers.push(() => {
      peer.close();
    });
    peer.bind(0, '127.0.0.1');
    await once(peer, 'listening');
    const answers: SipResponse[] = [];
    const got = new Promise<void>((resolve) => {
      peer.on('message', (bytes) => {
        const parsed = parseMessage(bytes);
        if (parsed.ok && parsed.value.kind === 'response') answers.push(parsed.value);
        if (answers.length === 4) resolve();
      });
    });
    const send = (text: string | Uint8Array): void => {
      peer.send(text, portOf(transport), '127.0.0.1');
    };
    send('\r\n\r\n');
    send('\0\0\0\0');
    send('this is not SIP at all');
    for (let copy = 0; copy < 3; copy++) send(requestText('OPTIONS', 'one', ';rport'));
    send(requestText('OPTIONS', 'two', ';rport'));
    await got;
    expect(seen).toEqual(['one', 'two']);
    expect(answers[0]?.headers.get('Via')).toContain(`rport=${peer.address().port}`);
  });

  it.skipIf(!HAS_IPV6)('reaches IPv6', async () => {
    const [left, right] = [
      makeTransport('udp', { address: '::1' }),
      makeTransport('udp', { address: '::1' }),
    ];
    const alice = await startLayer([left]);
    await startLayer([right]);
    const { host, port } = right.sentBy('::1');
    expect(host).toBe('[::1]');
    const target: Target = { transport: 'udp', remoteAddress: '::1', remotePort: port };
    const response = await finalOf(alice, makeRequest('OPTIONS'), [target]);
    expect(response.headers.get('Via')).toContain('SIP/2.0/UDP [::1]:');
    expect(left.reaches('127.0.0.1')).toBe(false);
  });

  it('names the right address when bound to all', async () => {
    const transport = makeTransport('udp', { address: '0.0.0.0' });
    await startLayer([transport]);
    expect(transport.sentBy('127.0.0.9').host).toBe('127.0.0.1');
    expect(transport.isOurs('127.0.0.1', portOf(transport))).toBe(true);
    expect(transport.isOurs('198.51.100.1', portOf(transport))).toBe(false);
  });
});

async function rawPeer(
  port: number,
): Promise<{ socket: Socket; text: () => string; closed: Promise<unknown> }> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.on('close', resolve));
  closers.push(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return { socket, text: () => received, closed };
}

/** Waits for what a real socket must bring, by looking at each turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  const startMs = performance.now();
  while (!condition()) {
    if (performance.now() - startMs > 10_000) throw new Error('nothing came in 10 s');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('TCP', () => {
  it('reuses a connection in both directions, and answers on the one of the request', async () => {
    const transport = makeTransport('tcp');
    const layer = await startLayer([transport]);
    const peer = await rawPeer(portOf(transport));
    peer.socket.write(requestText('OPTIONS', 'a') + requestText('OPTIONS', 'b'));
    await until(() => peer.text().split('200 OK').length === 3);
    // To the port that the peer connected from: no second connection.
    const local = peer.socket.address();
    const remotePort = 'port' in local ? local.port : 0;
    layer.sendDirectly(makeRequest('ACK'), {
      transport: 'tcp',
      remoteAddress: '127.0.0.1',
      remotePort: remotePort ?? 0,
    });
    await until(() => peer.text().includes('ACK sip:bob'));
  });

  it('answers pings (RFC 5626 section 4.4.1)', async () => {
    const transport = makeTransport('tcp');
    await startLayer([transport]);
    const peer = await rawPeer(portOf(transport));
    peer.socket.write('\r\n\r\n');
    await until(() => peer.text() === '\r\n');
  });

  it('answers 400 and closes where the framing is lost', async () => {
    const transport = makeTransport('tcp');
    await startLayer([transport]);
    for (const length of ['Content-Length: -1', 'Content-Length: 0\r\nl: 0', 'X: no length']) {
      const peer = await rawPeer(portOf(transport));
      peer.socket.write(requestText('OPTIONS', 'bad').replace('Content-Length: 0', length));
      await peer.closed;
      expect(peer.text()).toMatch(/^SIP\/2.0 400 Bad Request \(/);
    }
    const huge = await rawPeer(portOf(transport));
    huge.socket.write(requestText('OPTIONS', 'huge').replace('Content-Length: 0', 'l: 99999'));
    await huge.closed;
    expect(huge.text()).toMatch(/^SIP\/2.0 513 /);
    const binary = await rawPeer(portOf(transport));
    binary.socket.write(Buffer.alloc(40_000, 1));
    await binary.closed;
    expect(binary.text()).toBe('');
  });

  it('answers 400 and goes on where only the message is bad', async () => {
    const transport = makeTransport('tcp');
    await startLayer([transport]);
    const peer = await rawPeer(portOf(transport));
    peer.socket.write(requestText('OPTIONS', 'bad').replace('Call-ID', 'X'));
    peer.socket.write(requestText('OPTIONS', 'good'));
    await until(() => peer.text().includes('200 OK'));
    expect(peer.text()).toMatch(/^SIP\/2.0 400 /);
  });

  it('closes slow senders, silent connections and idle ones, each by its bound', async () => {
    const clock = new SimClock();
    const bounds = { messageMs: 5000, firstMessageMs: 20_000, idleMs: 60_000 };
    const transport = makeTransport('tcp', { clock, bounds });
    await startLayer([transport]);
    const [slow, silent, idle] = [
      await rawPeer(portOf(transport)),
      await rawPeer(portOf(transport)),
      await rawPeer(portOf(transport)),
    ];
    idle.socket.write(requestText('OPTIONS', 'idle'));
    await until(() => idle.text().includes('200 OK'));
    slow.socket.write('OPTIONS sip:a SIP/2.0\r\n');
    await until(() => slow.socket.bytesWritten > 0 && slow.socket.writableLength === 0);
    // One more byte now and then does not help.
    const drip = (async () => {
      for (let second = 0; second < 5 && !slow.socket.destroyed; second++) {
        await new Promise((resolve) => setImmediate(resolve));
        slow.socket.write('X');
        await clock.advance(2000);
      }
    })();
    await slow.closed;
    await drip;
    expect(silent.socket.destroyed).toBe(false);
    await clock.advance(15_000);
    await silent.closed;
    expect(idle.socket.destroyed).toBe(false);
    await clock.advance(60_000);
    await idle.closed;
    expect(await metrics.text()).toMatch(
      /dropped_total\{transport="tcp",reason="slow-message"\} 1/,
    );
  });

  it('bounds connections in all and of one address', async () => {
    const transport = makeTransport('tcp', { bounds: { connections: 3 } });
    await startLayer([transport]);
    const peers = [];
    for (let index = 0; index < 3; index++) peers.push(await rawPeer(portOf(transport)));
    for (const [index, peer] of peers.entries()) {
      peer.socket.write(requestText('OPTIONS', `p${index}`));
      await until(() => peer.text().includes('200 OK'));
    }
    const fourth = await rawPeer(portOf(transport));
    await fourth.closed;
    peers[0]?.socket.destroy();
    await peers[0]?.closed;
    // A place is free again as soon as our side has seen the close.
    for (let round = 0; ; round++) {
      const fifth = await rawPeer(portOf(transport));
      fifth.socket.write(requestText('OPTIONS', `fifth${round}`));
      await until(() => fifth.text() !== '' || fifth.socket.destroyed);
      if (fifth.text().includes('200 OK')) break;
    }
    const few = makeTransport('tcp', { bounds: { connectionsPerAddress: 1 } });
    await startLayer([few]);
    const only = await rawPeer(portOf(few));
    only.socket.write(requestText('OPTIONS', 'only'));
    await until(() => only.text().includes('200 OK'));
    await (await rawPeer(portOf(few))).closed;
  });

  it('closes a connection whose peer does not read', async () => {
    const transport = makeTransport('tcp', { bounds: { unsentBytes: 200_000 } });
    await startLayer([transport]);
    const server = createServer((socket) => {
      socket.pause();
      socket.on('error', () => undefined);
      closers.push(() => {
        socket.destroy();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => {
      server.close();
    });
    const address = server.address();
    const to = {
      remoteAddress: '127.0.0.1',
      remotePort: address !== null && typeof address === 'object' ? address.port : 0,
    };
    let failed = '';
    const bytes = Buffer.alloc(60_000);
    for (let round = 0; failed === '' && round < 500; round++) {
      await new Promise<void>((resolve) => {
        transport.send(bytes, to, (outcome) => {
          if (!outcome.ok) failed = outcome.error.message;
          resolve();
        });
      });
    }
    expect(failed).toContain('too slowly');
  });

  it('a refused connection is an error, and a large request falls back to UDP', async () => {
    const udp = makeTransport('udp');
    const bobUdp = makeTransport('udp');
    const alice = await startLayer([udp, makeTransport('tcp')]);
    await startLayer([bobUdp]);
    const remotePort = portOf(bobUdp);
    const target = { remoteAddress: '127.0.0.1', remotePort };
    await expect(
      finalOf(alice, makeRequest('OPTIONS'), [{ transport: 'tcp', ...target }]),
    ).rejects.toMatchObject({ code: 'transport-failed' });
    const large = makeRequest('MESSAGE', { body: 'x'.repeat(2000), callId: 'large' });
    const response = await finalOf(alice, large, [{ transport: 'udp', ...target }]);
    expect(response.headers.get('Via')).toContain('SIP/2.0/UDP');
  });
});

describe('TLS', () => {
  it('refuses a server whose certificate is not trusted', async () => {
    const bob = makeTransport('tls');
    await startLayer([bob]);
    const alice = createTlsTransport({
      address: '127.0.0.1',
      port: 0,
      clock: systemClock,
      log: silentLogger,
      metrics,
      key: pem('key'),
      certificate: pem('certificate'),
    });
    const layer = await startLayer([alice]);
    const target: Target = {
      transport: 'tls',
      remoteAddress: '127.0.0.1',
      remotePort: portOf(bob),
    };
    await expect(finalOf(layer, makeRequest('OPTIONS'), [target])).rejects.toMatchObject({
      code: 'transport-failed',
    });
  });
});

describe('targets as text', () => {
  it.each(['udp:127.0.0.1:5060', 'tcp:[2001:db8::1]:5070', 'tls:h.example:5061'])('%s', (text) => {
    const target = parseTarget(text);
    expect(target === undefined ? '' : formatTarget(target)).toBe(text);
  });

  it.each(['', 'udp', 'udp:h', 'sctp:h:1', 'udp:h:0', 'udp:h:65536', 'udp::5060'])(
    'refuses %s',
    (text) => {
      expect(parseTarget(text)).toBeUndefined();
    },
  );
});
