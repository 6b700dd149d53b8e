/** The process: starts, answers, refuses to start by name, stops, comes back with its accounts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { claimPorts } from './ports.ts';
import { minusone } from './program.ts';
import { type Server, startServer } from './server.ts';

const items = (text: string) =>
  z.object({ items: z.array(z.record(z.string(), z.unknown())) }).parse(JSON.parse(text)).items;

describe('a running server', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  const cli = (...args: string[]) => minusone(args, { url: server.http });

  it('is healthy and ready, and counts', async () => {
    const ready = await fetch(`${server.http}/readyz`);
    expect(await ready.text()).toContain('"ready":true');
    expect(ready.status).toBe(200);
    expect((await fetch(`${server.http}/healthz`)).status).toBe(200);
    const metrics = await (await fetch(`${server.http}/metrics`)).text();
    expect(metrics).toMatch(/^minusone_http_request_seconds_count\{.*route="\/readyz".*\} \d+$/m);
  });

  it('has the demo numbers and accounts', async () => {
    const accounts = items((await cli('account', 'list', '--json')).out);
    const codes = accounts.map((account) => [account['hostCodes'], account['waitingMode']]);
    expect(codes).toEqual(
      expect.arrayContaining([
        [['910001'], 'start'],
        [['910002'], 'hold'],
        [['910003'], 'mingle'],
        [['910004'], 'start'],
      ]),
    );
    const numbers = await cli('dnis', 'list');
    expect(numbers.out).toMatch(/1000 +conference[\s\S]*2000 +echo[\s\S]*3000 +announcement/);
  });

  it('adds and removes accounts and numbers from the command line', async () => {
    const added = await cli('account', 'add', 'Sales', '--id', 'sales', '--waiting', 'mingle');
    expect(added.out).toMatch(/^account sales: host code [0-9]{8}#, participant code [0-9]{8}#/);
    const twice = await cli('account', 'add', 'Sales', '--id', 'sales');
    expect([twice.exitCode, twice.err]).toEqual([1, expect.stringContaining('sales')]);
    const taken = await cli('account', 'add', 'Thief', '--host-code', '910001');
    expect([taken.exitCode, taken.err]).toEqual([1, expect.stringContaining('910001')]);
    expect((await cli('account', 'remove', 'sales')).exitCode).toBe(0);
    expect((await cli('account', 'remove', 'sales')).exitCode).toBe(1);

    expect((await cli('dnis', 'add', '49*', '--application', 'echo')).exitCode).toBe(0);
    expect((await cli('dnis', 'list')).out).toContain('49*');
    expect((await cli('dnis', 'remove', '49*')).exitCode).toBe(0);
  });

  it('lists mixers with what they measured', async () => {
    const mixers = items((await cli('mixer', 'list', '--json')).out);
    expect(mixers.map((mixer) => mixer['mixerClass']).toSorted()).toEqual([
      'hd',
      'standard',
      'standard',
    ]);
  });

  it('refuses a wrong token (4) and an unknown conference (1)', async () => {
    const wrong = await cli('account', 'list', '--token', 'wrong');
    expect([wrong.exitCode, wrong.err]).toEqual([4, expect.stringContaining('token')]);
    const unknown = await cli('conference', 'lock', 'cnone');
    expect([unknown.exitCode, unknown.err]).toEqual([1, expect.stringContaining('cnone')]);
    expect((await cli('conference', 'list')).out).toContain('no conference now');
  });

  it('a second process on the same ports or data is refused by name', async () => {
    const args = ['start', '--sip', server.sip, '--http', '127.0.0.1:0', '--rtp', '40000-40999'];
    const sameData = await minusone([...args, '--data', server.dataDirectory]);
    expect(sameData.exitCode).toBe(1);
    expect(sameData.err).toContain(`${server.dataDirectory}/store is in use by another process`);
    const samePort = await minusone([...args, '--data', `${server.dataDirectory}/other`]);
    expect(samePort.exitCode).toBe(1);
    expect(samePort.err).toMatch(/127\.0\.0\.1:[0-9]+ is in use; stop the other program or choose/);
  });
});

describe('start', () => {
  it.each([
    [['--sip', '127.0.0.1'], '--sip: expected ADDRESS:PORT'],
    [['--mixers', '99'], '--mixers: mixer.groups.0.count: expected 32 or less, got 99'],
    [['--http', '127.0.0.1:5060'], 'HTTP API and VRU 1 both on 127.0.0.1:5060'],
    [['--nats', 'nats://127.0.0.1:4222'], 'later release'],
    [['--config', '/nonexistent.yaml'], '/nonexistent.yaml cannot be read'],
  ])('%j is refused with code 2: %s', async (args, message) => {
    const ran = await minusone(['start', ...args]);
    expect(ran.err).toContain(message);
    expect(ran.exitCode).toBe(2);
  });

  it('an HTTP port in use is refused by name', async () => {
    const ports = await claimPorts();
    const blocker = createServer();
    await new Promise<void>((resolve) => {
      blocker.listen(ports.own, '127.0.0.1', resolve);
    });
    const data = mkdtempSync(join(tmpdir(), 'minusone-e2e-'));
    const args = ['start', '--sip', `127.0.0.1:${ports.sip}`, '--data', data];
    const rtp = ['--rtp', `${ports.rtpMin}-${ports.rtpMax}`];
    const ran = await minusone([...args, ...rtp, '--http', `127.0.0.1:${ports.own}`]);
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toMatch(
      /cannot start: expected to listen for HTTP on 127\.0\.0\.1:\d+, but another program listens there; stop it .*--http ADDRESS:PORT/,
    );
    blocker.close();
    await ports.release();
    rmSync(data, { recursive: true, force: true });
  });
});

describe('the end of a process', () => {
  it('SIGTERM: stops in order with code 0', async () => {
    const server = await startServer();
    server.signal('SIGTERM');
    expect(await server.exited).toBe(0);
    expect(server.log.at(-1)).toContain('"clean":true');
    await server.close();
  });

  it('R41: kill -9 loses no acknowledged account, and what the demo put in is not doubled', async () => {
    const first = await startServer();
    const url = first.http;
    const added = await minusone(['account', 'add', 'Kept', '--id', 'kept'], { url });
    expect(added.exitCode).toBe(0);
    first.signal('SIGKILL');
    expect(await first.exited).toBeNull();

    const second = await startServer({ like: first });
    const listed = await minusone(['account', 'list', '--json'], { url: second.http });
    expect(listed.out.match(/"id": /g)).toHaveLength(5);
    expect(listed.out).toContain('"kept"');
    await second.close();
  });

  it('R7, R41: what a kill -9 left of a conference is no conference; the next caller gets a clean one', async () => {
    const ids = async (url: string): Promise<readonly unknown[]> => {
      const listed = await minusone(['conference', 'list', '--json'], { url });
      return items(listed.out).map((conference) => conference['id']);
    };
    const appear = async (url: string): Promise<readonly unknown[]> => {
      for (let tries = 0; tries < 20; tries++) {
        const found = await ids(url);
        if (found.length > 0) return found;
      }
      return [];
    };
    const call = (server: Server) =>
      minusone(['call', `sip:1000@${server.sip}`, '--dtmf', '910001#', '--duration-s', '14']);

    const first = await startServer();
    const lost = call(first);
    const [stale] = await appear(first.http);
    expect(stale).toBeDefined();
    first.signal('SIGKILL');
    expect(await first.exited).toBeNull();

    const second = await startServer({ like: first });
    const next = call(second);
    let found = await ids(second.http);
    for (let tries = 0; tries < 20 && (found.length !== 1 || found[0] === stale); tries++) {
      found = await ids(second.http);
    }
    expect(found).toHaveLength(1);
    expect(found[0]).not.toBe(stale);
    expect((await next).exitCode).toBe(0);
    await lost;
    await second.close();
  });
});
