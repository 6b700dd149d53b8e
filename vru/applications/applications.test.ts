import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dnisRecord } from '../../signaling/conference/messages.ts';
import { createVruBench, type TestCall, type VruBench } from '../testing/vru-bench.ts';
import { checkDnisRow } from './applications.ts';

describe('R40: echo', () => {
  it('lets the caller hear himself until #', async () => {
    const bench = await createVruBench();
    const call = await bench.call({ dnis: '2000' });
    expect(call.playing()).toBe('echo-intro beep');
    await bench.clock.advance(2_000);
    expect(call.leg.routed.kind).toBe('echo');
    await call.press('5#');
    expect(call.leg.routed.kind).toBe('idle');
    await bench.clock.advance(1_000);
    expect(call.session.endReason).toMatchObject({ text: 'finished' });
    expect(bench.idle()).toBe(true);
  });

  it('ends a forgotten call', async () => {
    const bench = await createVruBench();
    const call = await bench.call({ dnis: '2000' });
    await bench.clock.advance(605_000);
    expect(call.session.endReason).toBeDefined();
  });
});

describe('R40: announcement', () => {
  it('speaks and hangs up', async () => {
    const bench = await createVruBench();
    const call = await bench.call({ dnis: '3000' });
    expect(call.heard()).toBe('announcement-default');
    await bench.clock.advance(1_000);
    expect(call.session.endReason).toMatchObject({ q850: 16, text: 'finished' });
    expect(bench.idle()).toBe(true);
  });

  it('begins when the telephone had time to listen, and not at all for one that hangs up meanwhile', async () => {
    const bench = await createVruBench({ settleMs: 200 });
    const call = await bench.call({ dnis: '3000' });
    await bench.clock.advance(199);
    expect(call.heard()).toBe('');
    await bench.clock.advance(1);
    expect(call.heard()).toBe('announcement-default');
    const short = await bench.call({ dnis: '3000' });
    await bench.clock.advance(100);
    short.session.hangUp();
    await bench.clock.advance(1_500);
    expect(short.heard()).toBe('');
    expect(bench.idle()).toBe(true);
  });

  it('plays an operator’s files', async () => {
    const bench = await createVruBench();
    bench.conference.row({
      dnis: '3001',
      application: 'announcement',
      settings: { prompts: ['custom', 'missing'], times: 2 },
    });
    const call = await bench.call({ dnis: '3001' });
    await bench.clock.advance(5_000);
    expect(call.heard()).toBe('custom silence custom');
  });
});

describe('R40: menu', () => {
  const withMenu = async (): Promise<{ bench: VruBench; call: TestCall }> => {
    const bench = await createVruBench();
    bench.conference.row({
      dnis: '4000',
      application: 'menu',
      settings: {
        choices: {
          1: { dnis: '1000' },
          2: { application: 'echo' },
          9: { dnis: '4711' },
          0: { dnis: '4000' },
        },
      },
    });
    return { bench, call: await bench.call({ dnis: '4000' }) };
  };

  it('leads to another number, or to an application', async () => {
    const first = await withMenu();
    expect(first.call.heard()).toBe('menu-default');
    await first.call.press('1');
    expect(first.call.heard()).toBe('welcome enter-code');
    const second = await withMenu();
    await second.call.press('2');
    expect(second.call.heard()).toContain('echo-intro');
  });

  it('explains a wrong key and silence, and ends after three tries', async () => {
    const { bench, call } = await withMenu();
    call.heard();
    await call.press('7');
    expect(call.heard()).toBe('menu-invalid menu-default');
    await bench.clock.advance(8_000);
    expect(call.heard()).toBe('no-input menu-default');
    await bench.clock.advance(9_000);
    expect(call.heard()).toBe('no-input goodbye');
    await bench.clock.advance(2_000);
    expect(call.session.endReason).toMatchObject({ text: 'no-choice' });
    expect(bench.idle()).toBe(true);
  });

  it('apologises for an entry that leads nowhere, and for a circle', async () => {
    const first = await withMenu();
    await first.call.press('9');
    expect(first.call.heard()).toContain('technical-problem goodbye');
    const second = await withMenu();
    await second.call.press('0'.repeat(16));
    expect(second.call.heard()).toContain('technical-problem goodbye');
    await second.bench.clock.advance(2_000);
    expect(second.call.session.endReason).toMatchObject({ text: 'technical-problem' });
  });
});

describe('R40: voicemail', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'minusone-voicemail-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const atTheTone = async (settings: Record<string, unknown> = {}) => {
    const bench = await createVruBench({ voicemail: { folder, ...settings } });
    bench.conference.row({
      dnis: '5000',
      application: 'voicemail',
      settings: { mailbox: 'sales' },
    });
    const call = await bench.call({ dnis: '5000' });
    await bench.clock.advance(2_000);
    // The folder is made and read on the real disk, which virtual time does not wait for.
    await until(() => call.playing() === 'beep', bench);
    await bench.clock.advance(1_000);
    return { bench, call };
  };
  const records = (): unknown[] =>
    readdirSync(join(folder, 'sales'))
      .filter((name) => name.endsWith('.json'))
      .map((name): unknown => JSON.parse(readFileSync(join(folder, 'sales', name), 'utf8')));

  it('records until #, and keeps who called', async () => {
    const { bench, call } = await atTheTone();
    call.leg.levelDbov = -20;
    await bench.clock.advance(5_000);
    await call.press('#');
    await until(() => call.playing() === 'message-saved goodbye', bench);
    expect(records()).toMatchObject([
      {
        version: 1,
        mailbox: 'sales',
        callerNumber: '+15550001',
        dnis: '5000',
        durationMs: 5_000,
        endedBy: 'key',
      },
    ]);
    expect(call.leg.recordings[0]?.options).toMatchObject({
      side: 'received',
      maxDurationMs: 180_000,
    });
    await bench.clock.advance(2_000);
    expect(bench.idle()).toBe(true);
  });

  it('keeps the message of a caller who just hangs up', async () => {
    const { bench, call } = await atTheTone();
    await bench.clock.advance(3_000);
    call.session.hangUp();
    await until(() => bench.idle(), bench);
    expect(call.leg.recordings[0]?.stopped).toBe(true);
    expect(records()).toMatchObject([{ durationMs: 3_000, endedBy: 'hangup' }]);
  });

  it('ends at silence and at the greatest length', async () => {
    const quiet = await atTheTone();
    quiet.call.leg.levelDbov = -20;
    await quiet.bench.clock.advance(5_000);
    quiet.call.leg.levelDbov = -70;
    await quiet.bench.clock.advance(8_500);
    await until(() => quiet.call.playing() === 'message-saved goodbye', quiet.bench);
    const long = await atTheTone({ maxMessageMs: 10_000 });
    long.call.leg.levelDbov = -20;
    await long.bench.clock.advance(10_000);
    await until(() => long.call.playing() === 'message-saved goodbye', long.bench);
  });

  it('throws away what is too short to be a message', async () => {
    const { bench, call } = await atTheTone();
    await bench.clock.advance(500);
    await call.press('#');
    await until(() => call.playing() === 'message-empty goodbye', bench);
    expect(records()).toEqual([]);
  });

  it('refuses a message when the mailbox is full', async () => {
    const { call, bench } = await atTheTone({ maxMessages: 1 });
    await bench.clock.advance(2_000);
    await call.press('#');
    await until(() => call.playing().startsWith('message-saved'), bench);
    const [record] = records() as { id: string }[];
    writeFileSync(join(folder, 'sales', `${record?.id}.wav`), 'RIFF');
    const second = await bench.call({ dnis: '5000' });
    await bench.clock.advance(2_000);
    await until(() => second.playing() === 'mailbox-full goodbye', bench);
  });

  it('says that the service is not available without a folder', async () => {
    const bench = await createVruBench();
    bench.conference.row({ dnis: '5000', application: 'voicemail' });
    const call = await bench.call({ dnis: '5000' });
    expect(call.heard()).toBe('service-unavailable goodbye');
  });
});

describe('the check of DNIS rows at start', () => {
  const check = (row: unknown): readonly string[] =>
    checkDnisRow(dnisRecord.parse(row), (name) => name === 'custom');

  it('names the row, the setting and the missing prompt', () => {
    expect(check({ dnis: '1', application: 'echo' })).toEqual([]);
    expect(check({ dnis: '2', application: 'menu' })[0]).toMatch(/^dnis 2: settings\.choices: /);
    expect(
      check({ dnis: '3', application: 'announcement', settings: { prompts: ['custom', 'gone'] } }),
    ).toEqual(['dnis 3: there is no prompt "gone"']);
    expect(
      check({ dnis: '4', application: 'conference', settings: { keys: { '*6': 'fly' } } })[0],
    ).toContain('settings.keys');
    expect(
      check({ dnis: '5', application: 'voicemail', settings: { mailbox: '../x' } })[0],
    ).toContain('settings.mailbox');
  });
});

/** Real disk work under a virtual clock: a bounded number of turns of the event loop. */
async function until(condition: () => boolean, bench: VruBench): Promise<void> {
  for (let turn = 0; turn < 200 && !condition(); turn++) {
    await bench.clock.advance(0);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(condition()).toBe(true);
}
