import { describe, expect, it } from 'vitest';
import { columns } from './terminal.ts';
import { runCommand as run } from './test-terminal.ts';

describe('the command line', () => {
  it('has a help text with examples for each command', async () => {
    expect((await run(['--help'])).out).toContain("call sip:1000@127.0.0.1:5060 --dtmf '910001#'");
    for (const command of [
      ['account', 'add'],
      ['dnis', 'add'],
      ['conference', 'mute'],
      ['mixer', 'drain'],
      ['events', 'follow'],
      ['token', 'create'],
    ]) {
      const { out, exitCode } = await run([...command, '--help']);
      expect(out).toContain('--json');
      expect(exitCode).toBe(0);
    }
    expect((await run(['--version'])).out).toBe('1.2.3\n');
  });

  it.each([
    [['acount'], 'Did you mean account?'],
    [['account', 'ad', 'x'], 'Did you mean add?'],
    [['account', 'list', '--jsn'], 'Did you mean --json?'],
    [['account', 'add', 'x', '--waiting', 'sleep'], 'Allowed choices are start, hold, mingle'],
    [['dnis', 'add', '1'], '--application'],
    [['conference', 'mute', 'c1', 'two'], 'expected an ordinal such as 1'],
    [['conference', 'mute', 'c1'], 'expected an ordinal or --all'],
    [['conference', 'mode', 'c1', 'loud'], 'Allowed choices are open, questions, lecture'],
    [['conference', 'sub', 'c1', '1', '10'], 'expected 0 to 9'],
    [['events', 'follow', '--after', '3'], '--after goes with one conference'],
    [['token', 'create', 'x', '--days', '0'], 'expected 1 to 3650 days'],
    [['conference', 'show'], "missing required argument 'id'"],
  ])('%j is wrong usage (2): %s', async (argv, message) => {
    const { err, exitCode } = await run(argv);
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
  });

  it('says what to do when no server is there (3)', async () => {
    const { err, exitCode } = await run(['account', 'list', '--url', 'http://127.0.0.1:9']);
    expect(err).toMatch(/no answer from http:\/\/127\.0\.0\.1:9 .*npm start/);
    expect(exitCode).toBe(3);
    const json = await run(['mixer', 'list', '--json'], { MINUSONE_URL: 'http://127.0.0.1:9' });
    expect(JSON.parse(json.err)).toMatchObject({ exitCode: 3 });
  });

  it('dial wants a number or --list, one of them', async () => {
    for (const more of [[], ['+4930', '--list']]) {
      const { err, exitCode } = await run(['conference', 'dial', 'c1', ...more]);
      expect([err.includes('expected a number or --list'), exitCode]).toEqual([true, 2]);
    }
  });
});

describe('columns', () => {
  it('are as wide as their widest cell', () => {
    expect(columns(['A', 'B'], [['long', 'x']], 'none')).toBe('A     B\nlong  x');
    expect(columns(['A'], [], 'none')).toBe('none');
  });
});
