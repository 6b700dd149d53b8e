/** Blocks of ports for servers under test, so that test files that run at the same time do not meet. */

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';

const FIRST = 11_000;
const BLOCK = 2000;
const BLOCKS = 10;
/** The last port of a block is its lock: who listens there owns the block. */
const LOCK = BLOCK - 1;

export interface PortBlock {
  /** VRUs here and on the next ports, mixers from + 10. */
  readonly sip: number;
  /** For the test's own sockets, + 0 … + 49. */
  readonly own: number;
  readonly rtpMin: number;
  readonly rtpMax: number;
  release(): Promise<void>;
}

export async function claimPorts(): Promise<PortBlock> {
  const start = randomInt(BLOCKS);
  for (let step = 0; step < BLOCKS; step++) {
    const base = FIRST + ((start + step) % BLOCKS) * BLOCK;
    const lock = await listen(base + LOCK);
    if (lock === undefined) continue;
    if (!(await unused(base))) {
      lock.close();
      continue;
    }
    return {
      sip: base,
      own: base + 50,
      rtpMin: base + 100,
      rtpMax: base + 1899,
      release: () =>
        new Promise((resolve) => {
          lock.close(() => resolve());
        }),
    };
  }
  throw new Error(`no block of ${BLOCK} ports from ${FIRST} on is free`);
}

/** Other programs of the machine know nothing of our locks. */
async function unused(base: number): Promise<boolean> {
  for (const offset of [0, 1, 2, 10, 11, 12]) {
    const socket = createSocket('udp4');
    const free = await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false));
      socket.bind(base + offset, '127.0.0.1', () => resolve(true));
    });
    socket.close();
    if (!free) return false;
  }
  return true;
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
