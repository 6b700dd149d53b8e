import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Logger, silentLogger } from '../../../common/log.ts';
import { ADMIN_TOKEN, startTestApi, type TestApi } from '../test-api.ts';
import { openTestSocket } from '../test-socket.ts';
import { type Ran, runCommand } from './test-terminal.ts';

/** Every command that changes something in a conference, and what the API was asked to do. */
const COMMANDS: readonly (readonly [command: string, asked: string])[] = [
  ['lock', '{"kind":"lock","locked":true}'],
  ['unlock', '{"kind":"lock","locked":false}'],
  ['mute --all', '{"kind":"mute-all","muted":true}'],
  ['unmute --all', '{"kind":"mute-all","muted":false}'],
  ['mode lecture', '{"kind":"mode","mode":"lecture"}'],
  ['record', '{"kind":"record","on":true}'],
  ['record --stop', '{"kind":"record","on":false}'],
  ['roll-call', '{"kind":"roll-call"}'],
  ['mute 2', '{"kind":"mute","ordinal":2,"muted":true}'],
  ['unmute 2', '{"kind":"mute","ordinal":2,"muted":false}'],
  ['hold 2', '{"kind":"hold","ordinal":2,"held":true}'],
  ['unhold 2', '{"kind":"hold","ordinal":2,"held":false}'],
  ['sub 2 3', '{"kind":"send","ordinal":2,"sub":3}'],
  ['lower-hand 2', '{"kind":"lower-hand","ordinal":2}'],
  ['make-host 2', '{"kind":"make-host","ordinal":2}'],
  ['dial +4930123', 'dial +4930123 confirm'],
  ['dial --list', 'dial-list'],
  ['cancel-dial d1', 'cancel d1'],
  ['delete 2', '{"kind":"delete","ordinal":2}'],
  ['end', '{"kind":"end"}'],
];

const document = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

let system: TestApi;
const asked: string[] = [];
const log: Logger = {
  ...silentLogger,
  info(fields, message) {
    if (message === 'api request')
      asked.push(`${String(fields['method'])} ${String(fields['path'])}`);
  },
};

beforeEach(async () => {
  asked.length = 0;
  system = await startTestApi({ log });
  await system.create('c1', 'demo-start');
  await system.join('c1', 'host');
  await system.join('c1');
});
afterEach(() => system.stop());

const run = (line: string, more: readonly string[] = []): Promise<Ran> =>
  runCommand(['conference', ...line.split(' '), ...more], {
    MINUSONE_URL: system.base,
    MINUSONE_TOKEN: ADMIN_TOKEN,
  });

/** `dial` → `dial c1`, `mute 2` → `mute c1 2`. */
const inC1 = (command: string): string => command.replace(/^[a-z-]+/, '$& c1');

describe('minusone conference (R22–R27)', () => {
  it('has a command for every route that changes a conference', async () => {
    for (const [command, wanted] of COMMANDS) {
      const { out, err, exitCode } = await run(inC1(command));
      expect([command, err, exitCode]).toEqual([command, '', 0]);
      expect(out).not.toBe('');
      expect(system.controls.at(-1)).toBe(`c1 ${wanted}`);
    }
    const { paths } = document.parse(
      await (await fetch(`${system.base}/api/v1/openapi.json`)).json(),
    );
    const changing = Object.entries(paths).flatMap(([path, methods]) =>
      path.startsWith('/api/v1/conferences/{id}')
        ? Object.keys(methods)
            .filter((method) => ['post', 'put', 'patch', 'delete'].includes(method))
            .map((method) => `${method.toUpperCase()} ${path}`)
        : [],
    );
    const covered = new Set(
      asked.map((one) =>
        one
          .replace('/conferences/c1', '/conferences/{id}')
          .replace('/conferees/2', '/conferees/{ordinal}')
          .replace('/dials/d1', '/dials/{dialId}'),
      ),
    );
    expect(changing.length).toBeGreaterThan(15);
    expect(changing.filter((one) => !covered.has(one))).toEqual([]);
  });

  it('shows who is on hold, in a sub-conference, muted and by what, and the mode', async () => {
    for (const command of ['hold 2', 'sub 2 3', 'mute 2', 'mode questions', 'record']) {
      await run(inC1(command));
    }
    const { out } = await run('show c1');
    expect(out).toContain('mode questions, recorded');
    expect(out).toMatch(/2 +participant .*host,mode +on hold, sub 3/);
    const json: unknown = JSON.parse((await run('show c1', ['--json'])).out);
    expect(json).toMatchObject({ mode: 'questions', conferees: [{}, { held: true, sub: 3 }] });
  });
});

describe('minusone token', () => {
  const token = (line: string, by = ADMIN_TOKEN): Promise<Ran> =>
    runCommand(['token', ...line.split(' ')], {
      MINUSONE_URL: system.base,
      MINUSONE_TOKEN: by,
    });

  it('makes a token that is shown once and stored as a hash, lists it and revokes it', async () => {
    const made = await token('create ci --days 30');
    const secret = made.out.trim();
    expect(secret).toMatch(/^mo_[\w-]{43}$/);
    expect(JSON.stringify(await system.store.list('token/'))).not.toContain(secret);
    const listed = await token('list', secret);
    expect(listed.out).toMatch(/ci +admin,?.* -/);
    expect(listed.out).not.toContain(secret);
    expect((await token('revoke ci', secret)).err).toContain('cannot revoke itself');
    const following = runCommand(['events', 'follow', 'c1'], {
      MINUSONE_URL: system.base,
      MINUSONE_TOKEN: secret,
    });
    const stream = await openTestSocket(system.api.port, '/api/v1/events', {
      authorization: `Bearer ${secret}`,
    });
    stream.send({ type: 'subscribe' });
    await stream.until((all) => all.length > 0);
    expect((await token('revoke ci')).exitCode).toBe(0);
    expect(await stream.closed).toEqual({ code: 1008, reason: 'the token was revoked' });
    expect((await following).exitCode).toBe(4);
    expect((await token('list', secret)).exitCode).toBe(4);
    expect((await token('revoke ci')).exitCode).toBe(1);
  });

  it('gives a token of one account what a host of it may do, and nothing else', async () => {
    expect((await token('create crm --account nobody')).err).toContain('there is no account');
    const secret = (await token('create crm --account demo-hold')).out.trim();
    const asCrm = { MINUSONE_URL: system.base, MINUSONE_TOKEN: secret };
    await system.create('c2', 'demo-hold');
    expect((await runCommand(['conference', 'lock', 'c2'], asCrm)).exitCode).toBe(0);
    expect((await runCommand(['conference', 'lock', 'c1'], asCrm)).exitCode).toBe(1);
    expect((await runCommand(['conference', 'dial', 'c2', '+4930'], asCrm)).exitCode).toBe(4);
    expect((await token('list', secret)).exitCode).toBe(4);
    expect((await token('create crm --account demo-hold')).err).toContain('already');
  });
});
