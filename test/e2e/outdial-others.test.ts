/**
 * R26: the program calls other SIP stacks through a trunk: sipp and baresip answer. Asked for by command line
 * and API. Each is skipped aloud where it is missing.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../common/clock.ts';
import { toneLevelDbfs } from '../audio/level.ts';
import { slice, tone } from '../audio/signals.ts';
import { HAS_SIPP, runSipp } from '../sipp/sipp.ts';
import { answerWithBaresip, findBaresip } from './baresip.ts';
import { claimPorts, type PortBlock } from './ports.ts';
import { minusone } from './program.ts';
import { type Server, startServer, TOKEN } from './server.ts';

const MODULES = findBaresip();
if (MODULES === undefined) console.warn('SKIPPED: calls to baresip, as it is missing');
const conferences = z.object({ items: z.array(z.object({ id: z.string() })) });
const conference = z.object({
  dials: z.array(z.object({ state: z.string(), number: z.string() })),
});
const trunks = z.object({
  items: z.array(z.object({ vruId: z.string(), name: z.string(), registration: z.string() })),
});

let server: Server;
let far: PortBlock;
let host: Promise<unknown>;
let id: string;

const configuration = (base: number): string => `
outdial: { confirmTries: 1, confirmMs: 1000, ringTimeoutMs: 20000 }
trunks:
  - { name: sipp, servers: ["127.0.0.1:${base}"], allowedPrefixes: ["+491"] }
  - { name: ringing, servers: ["127.0.0.1:${base + 4}"], allowedPrefixes: ["+492"], transport: tcp }
  - { name: baresip, servers: ["127.0.0.1:${base + 8}"], allowedPrefixes: ["+493"] }
  - name: registrar
    servers: ["127.0.0.1:${base + 12}"]
    username: acme
    password: open-sesame
    register: true
    registerExpiresS: 60
    allowedPrefixes: ["+494"]
`;

async function get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const response = await fetch(`${server.http}/api/v1${path}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  return schema.parse(await response.json());
}

/** The state of the call to a number, once it is one of these. */
async function stateOf(number: string, ...wanted: string[]): Promise<string> {
  let last = 'none';
  for (let tries = 0; tries < 400; tries++) {
    const { dials } = await get(`/conferences/${id}`, conference);
    last = dials.findLast((dial) => dial.number === number)?.state ?? last;
    if (wanted.includes(last)) return last;
    await systemClock.sleep(50);
  }
  return last;
}

const cli = (...args: string[]) => minusone(args, { url: server.http, timeoutMs: 60_000 });
const sipp = (scenario: string, offset: number, transport: 'udp' | 'tcp' = 'udp') =>
  runSipp(`uas/${scenario}`, {
    ...{ target: '127.0.0.1', number: 's', localPort: far.own + offset, transport, timeoutS: 150 },
  });

let registrar: ReturnType<typeof runSipp> | undefined;

beforeAll(async () => {
  far = await claimPorts();
  if (HAS_SIPP) registrar = sipp('registrar', 12);
  server = await startServer({ config: configuration(far.own) });
  const account = ['account', 'add', 'Calls out', '--id', 'out', '--host-code', '779001'];
  const may = ['--dial-prefix', '+49', '--dial-list', '+49155=List', '--waiting', 'start'];
  expect((await cli(...account, '--participant-code', '779002', ...may)).exitCode).toBe(0);
  host = minusone(
    ['call', `sip:1000@${server.sip}`, '--dtmf', '779001#', '--duration-s', '70', '--json'],
    { timeoutMs: 90_000 },
  );
  for (let tries = 0; id === undefined && tries < 200; tries++) {
    const { items } = await get('/conferences', conferences);
    if (items[0] !== undefined) id = items[0].id;
    else await systemClock.sleep(100);
  }
});
afterAll(async () => {
  await server?.close();
  await host;
  await far?.release();
});

describe('R26: other stacks are called', () => {
  it.skipIf(!HAS_SIPP)('sipp registers us: challenge, 423, refreshed interval', async () => {
    let found: string | undefined;
    for (let tries = 0; found !== 'registered' && tries < 200; tries++) {
      const { items } = await get('/trunks', trunks);
      found = items.find(
        ({ name, vruId }) => name === 'registrar' && vruId === 'vru-1',
      )?.registration;
      await systemClock.sleep(50);
    }
    expect(found).toBe('registered');
    const metrics = await (await fetch(`${server.http}/metrics`)).text();
    expect(metrics).toContain('minusone_trunk_registered{trunk="registrar"} 1');
  });

  it.skipIf(!HAS_SIPP)('sipp answers as a machine does: nobody presses 1, BYE', async () => {
    const far = sipp('answers', 0);
    await systemClock.sleep(500);
    const dialled = await cli('conference', 'dial', id, '+491 11', '--name', 'Machine');
    expect(dialled.out).toContain('+49111 is called');
    expect(await stateOf('+49111', 'not-confirmed')).toBe('not-confirmed');
    const { exitCode, trace } = await far;
    expect(exitCode, trace).toBe(0);
  });

  it.skipIf(!HAS_SIPP)('the list, with a result for each', async () => {
    const far = sipp('answers', 0);
    await systemClock.sleep(500);
    expect((await cli('conference', 'dial', id, '--list')).out).toContain('1 calls under way');
    expect(await stateOf('+49155', 'not-confirmed')).toBe('not-confirmed');
    expect((await far).exitCode).toBe(0);
  });

  it.skipIf(!HAS_SIPP)('sipp rings, over TCP, and is taken back with CANCEL', async () => {
    const far = sipp('cancelled', 4, 'tcp');
    await systemClock.sleep(500);
    const dialled = await cli('conference', 'dial', id, '+49222', '--json');
    const { dialId } = z.object({ dialId: z.string() }).parse(JSON.parse(dialled.out));
    expect(await stateOf('+49222', 'ringing')).toBe('ringing');
    expect((await cli('conference', 'cancel-dial', id, dialId)).exitCode).toBe(0);
    expect(await stateOf('+49222', 'cancelled')).toBe('cancelled');
    const { exitCode, trace } = await far;
    expect(exitCode, trace).toBe(0);
  });

  it('nothing is sent for a number that is not allowed', async () => {
    const refused = await fetch(`${server.http}/api/v1/conferences/${id}/dial`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ number: '+1900555' }),
    });
    expect([refused.status, (await refused.text()).includes('not-allowed')]).toEqual([403, true]);
  });

  it.skipIf(MODULES === undefined)('baresip answers and is heard, and hears', async () => {
    if (MODULES === undefined) return;
    const answering = answerWithBaresip(MODULES, {
      ...{
        port: far.own + 8,
        user: '+49333',
        play: tone(700, -20, 25_000, 8_000),
        durationMs: 25_000,
      },
      codec: 'PCMU',
    });
    await systemClock.sleep(1_500);
    const guest = minusone(
      [
        ...['call', `sip:1000@${server.sip}`, '--dtmf', '779002#', '--duration-s', '16', '--json'],
        ...['--play', 'tone:440@-20'],
      ],
      { timeoutMs: 60_000 },
    );
    expect((await cli('conference', 'dial', id, '+49333', '--no-confirm')).exitCode).toBe(0);
    expect(await stateOf('+49333', 'joined')).toBe('joined');
    await guest;
    const { heard, established, output } = await answering;
    expect(established, output).toBe(true);
    const loudest = Array.from({ length: 20 }, (_, second) =>
      toneLevelDbfs(slice(heard, second * 1_000, 1_000), 440),
    ).toSorted((a, b) => b - a);
    expect(loudest[4] ?? -100).toBeGreaterThan(-26);
    expect(await stateOf('+49333', 'hung-up')).toBe('hung-up');
  });

  it.skipIf(!HAS_SIPP)('the registration is taken away at the end', async () => {
    server.signal('SIGTERM');
    await server.exited;
    const done = await registrar;
    expect(done?.exitCode, done?.trace).toBe(0);
    expect(server.log.join('\n')).not.toContain('open-sesame');
    // Numbers in the middle are nobody's business.
    expect(server.log.join('\n')).not.toContain('+49333');
  });
});
