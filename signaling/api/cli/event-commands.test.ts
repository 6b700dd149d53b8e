import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../../common/clock.ts';
import { MemoryStore } from '../../../common/store/memory-store.ts';
import { ADMIN_TOKEN, startTestApi, type TestApi } from '../test-api.ts';
import { type Ran, runCommand } from './test-terminal.ts';

const line = z.object({
  type: z.string(),
  conferenceId: z.string().optional(),
  number: z.number().optional(),
});

let store: MemoryStore;
let system: TestApi;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'minusone-follow-'));
  store = new MemoryStore(systemClock);
  system = await startTestApi({ store });
});
afterEach(async () => {
  await system.stop();
  await store.close();
  rmSync(folder, { recursive: true });
});

interface Following {
  readonly lines: z.infer<typeof line>[];
  readonly errors: string[];
  until(enough: () => boolean): Promise<void>;
  stop(): Promise<Ran>;
  readonly ended: Promise<Ran>;
}

function followEvents(...argv: string[]): Following {
  return followAt(system.base, ...argv);
}

function followAt(base: string, ...argv: string[]): Following {
  const controller = new AbortController();
  const lines: z.infer<typeof line>[] = [];
  const errors: string[] = [];
  let look = (): void => {};
  const environment = { MINUSONE_URL: base, MINUSONE_TOKEN: ADMIN_TOKEN };
  const ended = runCommand(['events', 'follow', ...argv, '--json'], environment, {
    signal: controller.signal,
    onOut(text) {
      lines.push(line.parse(JSON.parse(text)));
      look();
    },
    onErr(text) {
      errors.push(text);
      look();
    },
  });
  return {
    lines,
    errors,
    ended,
    until: (enough) =>
      new Promise((resolve) => {
        look = () => {
          if (enough()) resolve();
        };
        look();
      }),
    stop() {
      controller.abort();
      return ended;
    },
  };
}

const numbersOf = ({ lines }: Following, id = 'c1'): (number | undefined)[] =>
  lines.filter((one) => one.type === 'event' && one.conferenceId === id).map((one) => one.number);

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** A port that stays the same while the server behind it is another: connections are handed on. */
async function openRelay(): Promise<{ readonly base: string; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(system.api.port, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return {
    base: `http://127.0.0.1:${port}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe('minusone events follow (R27)', () => {
  it('gives each event once and in order over a restart of the server, of conferences that begin meanwhile too', async () => {
    const relay = await openRelay();
    await system.create('c1', 'demo-start');
    const following = followAt(relay.base);
    await following.until(() => following.lines.length === 1);
    expect(following.lines[0]).toMatchObject({ type: 'snapshot' });
    await system.create('c2', 'demo-hold');
    for (let count = 0; count < 20; count++) await system.join('c1');
    await following.until(() => numbersOf(following).length === 20);
    const { append, create, join: enter } = system;
    await system.stop();
    system = await startTestApi({ store });
    // Written by another process while nobody served the stream, as far as the follower sees.
    for (let count = 0; count < 20; count++) await enter('c1');
    await create('c3', 'demo-mingle');
    await append('c3', { kind: 'mode', mode: 'lecture' });
    await following.until(
      () => numbersOf(following).length >= 40 && numbersOf(following, 'c3').length >= 2,
    );
    expect(numbersOf(following)).toEqual(range(2, 41));
    expect(numbersOf(following, 'c2')).toEqual([1]);
    expect(numbersOf(following, 'c3')).toEqual([1, 2]);
    expect(following.errors.length).toBeGreaterThan(0);
    expect(following.errors[0]).toMatch(/connection lost .*; again in/);
    expect(await following.stop()).toMatchObject({ exitCode: 0 });
    relay.close();
  });

  it('follows one conference from a number, and ends with it', async () => {
    await system.create('c1', 'demo-start');
    await system.join('c1', 'host');
    const following = followEvents('c1', '--after', '0');
    await following.until(() => numbersOf(following).length === 2);
    await system.append('c1', { kind: 'ended', why: 'empty', others: 'nothing' });
    expect(await following.ended).toMatchObject({ exitCode: 0 });
    expect(numbersOf(following)).toEqual([1, 2, 3]);
  });

  it('goes on where its cursor file says, and tells what lies beyond what the stream has at hand', async () => {
    const file = join(folder, 'seen.json');
    await system.create('c1', 'demo-start');
    const first = followEvents('--cursor', file);
    await first.until(() => first.lines.length === 1);
    await system.join('c1');
    await first.until(() => numbersOf(first).length === 1);
    await first.stop();
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ c1: 2 });
    expect(existsSync(`${file}.new`)).toBe(false);
    for (let count = 0; count < 9_000; count += 100) {
      const flips = range(1, 100).map(
        (flip) => ({ kind: 'locked', locked: flip % 2 === 0 }) as const,
      );
      await system.append('c1', ...flips);
    }
    const second = followEvents('--cursor', file);
    await second.until(() => numbersOf(second).at(-1) === 9_002);
    expect(numbersOf(second)).toEqual(range(3, 9_002));
    await second.stop();
  });

  it('prints a line for people, and ends with the right code when it cannot begin', async () => {
    await system.create('c1', 'demo-start');
    await system.join('c1', 'host');
    await system.append('c1', { kind: 'muted', ordinal: 1, bit: 'host', muted: true });
    const controller = new AbortController();
    const environment = { MINUSONE_URL: system.base, MINUSONE_TOKEN: ADMIN_TOKEN };
    const ran = await runCommand(['events', 'follow', 'c1', '--after', '2'], environment, {
      signal: controller.signal,
      onOut: () => controller.abort(),
    });
    expect(ran.out).toMatch(/^20[\d-]+T\S+ c1 #3 muted ordinal=1 bit=host muted=true\n$/);
    const wrong = { ...environment, MINUSONE_TOKEN: 'wrong' };
    expect((await runCommand(['events', 'follow'], wrong)).exitCode).toBe(4);
    expect((await runCommand(['events', 'follow', 'c1'], wrong)).exitCode).toBe(4);
    const nowhere = { ...environment, MINUSONE_URL: 'http://127.0.0.1:9' };
    expect((await runCommand(['events', 'follow', 'c1'], nowhere)).exitCode).toBe(3);
  });
});
