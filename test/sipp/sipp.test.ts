/**
 * Another SIP stack calls the server: every scenario of this folder with the outcome that its name
 * tells, over UDP, the basic ones over TCP, and many calls at once. Skipped aloud without sipp.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minusone } from '../e2e/program.ts';
import { type Server, startServer } from '../e2e/server.ts';
import { HAS_SIPP, runSipp, SCENARIOS, type SippOptions, type SippResult } from './sipp.ts';

const LONG = process.env['MINUSONE_LONG_TESTS'] !== undefined;
if (!HAS_SIPP)
  console.warn('SKIPPED: SIP scenarios, as sipp (Debian package sip-tester) is missing');

/** Scenarios that need another number than the echo. */
const NUMBERS: Readonly<Record<string, string>> = {
  'uac-server-hangs-up-expect-bye': '3000',
  'uac-bye-crosses-bye-expect-200': '3000',
  'uac-unknown-number-expect-404': '5999',
  // Rings before it answers.
  'uac-100rel-prack-expect-200': '2100',
  'uac-100rel-early-cancel-expect-487': '2100',
  'uac-early-cancel-expect-487': '2100',
};

const isDigest = (name: string): boolean => name.startsWith('uac-digest');

const DIGEST = `
sip:
  authentication: digest
  # sipp 3.6 knows no other.
  digestAlgorithms: [MD5]
  users:
    - { username: alice, password: wonderland }
`;

function expectAllDone(result: SippResult, calls: number): void {
  if (result.exitCode !== 0)
    throw new Error(`sipp ended with ${result.exitCode}:\n${result.trace}`);
  expect([result.successful, result.failed]).toEqual([calls, 0]);
}

describe.skipIf(!HAS_SIPP)('R47: sipp', () => {
  let server: Server;
  let run: (scenario: string, options?: Partial<SippOptions>) => Promise<SippResult>;
  beforeAll(async () => {
    server = await startServer();
    const ringing = ['dnis', 'add', '2100', '--application', 'echo', '--ring-ms', '700'];
    expect((await minusone(ringing, { url: server.http })).exitCode).toBe(0);
    // A port of its own for each run: what the server still sends to the one before disturbs nobody.
    let runs = 0;
    run = (scenario, options) =>
      runSipp(scenario, {
        target: server.sip,
        number: NUMBERS[scenario] ?? '2000',
        localPort: server.ports.own + 4 * (runs++ % 10),
        ...options,
      });
  });
  afterAll(() => server?.close());

  it.each(SCENARIOS.filter((name) => !isDigest(name)))('%s', async (name) => {
    expectAllDone(await run(name), 1);
  });

  it('our 200 is sent again until the ACK comes', async () => {
    const { trace } = await run('uac-retransmissions-expect-200');
    const answers = trace.match(/received[\s\S]*?SIP\/2\.0 200 OK[\s\S]*?CSeq: 1 INVITE/g) ?? [];
    expect(answers.length).toBeGreaterThanOrEqual(3);
  });

  it.each([
    'uac-basic-call-expect-200',
    'uac-late-offer-expect-200',
    'uac-hold-resume-expect-200',
    'uac-unsupported-require-expect-420',
  ])('%s over TCP', async (name) => {
    expectAllDone(await run(name, { transport: 'tcp' }), 1);
  });

  it('the conference number answers too', async () => {
    expectAllDone(await run('uac-basic-call-expect-200', { number: '1000' }), 1);
  });

  it('every VRU answers', async () => {
    for (const offset of [1, 2]) {
      const target = `127.0.0.1:${server.ports.sip + offset}`;
      expectAllDone(await run('uac-basic-call-expect-200', { target }), 1);
    }
  });
});

describe.skipIf(!HAS_SIPP || !LONG)('R47: sipp in numbers', () => {
  let server: Server;
  beforeAll(async () => {
    // Fewer mixers leave more RTP ports to the VRUs.
    server = await startServer({ args: ['--mixers', '1'] });
  });
  afterAll(() => server?.close());

  it('1,000 calls at 50 a second, none fails', async () => {
    const result = await runSipp('uac-basic-call-expect-200', {
      target: server.sip,
      number: '2000',
      localPort: server.ports.own,
      calls: 1000,
      callsPerSecond: 50,
      talkMs: 2000,
      timeoutS: 90,
    });
    expectAllDone(result, 1000);
  }, 120_000);
});

describe.skipIf(!HAS_SIPP)('R47: sipp with digest', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({ config: DIGEST });
  });
  afterAll(() => server?.close());

  it.each(SCENARIOS.filter(isDigest))('%s', async (name) => {
    const options = { target: server.sip, number: '2000', localPort: server.ports.own };
    expectAllDone(await runSipp(name, options), 1);
  });
});
