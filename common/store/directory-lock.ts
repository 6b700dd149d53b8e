import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { MediaError } from '../errors.ts';
import { fail, ok, type Result } from '../result.ts';

/**
 * One process per data directory. The lock is a socket in Linux's abstract namespace: the kernel
 * frees it however the process ends, so that a kill -9 leaves nothing behind that must be judged.
 * Elsewhere there is no such socket and no lock.
 */
export function lockDirectory(path: string): Promise<Result<() => Promise<void>, MediaError>> {
  if (process.platform !== 'linux') return Promise.resolve(ok(() => Promise.resolve()));
  const name = createHash('sha256').update(realpathSync(path)).digest('hex').slice(0, 32);
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => {
      const text = `the data directory ${path} is in use by another process; stop that one first or name another directory`;
      resolve(fail(new MediaError('store-failed', text)));
    });
    server.listen(`\0minusone-${name}`, () => {
      server.unref();
      const release = (): Promise<void> =>
        new Promise((released) => {
          server.close(() => released());
        });
      resolve(ok(release));
    });
  });
}
