import { describe, expect, it } from 'vitest';
import { runProgram } from './program.ts';
import { columns } from './terminal.ts';

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

async function run(argv: readonly string[], environment = {}): Promise<Ran> {
  let out = '';
  let err = '';
  let exitCode = 0;
  await runProgram(
    {
      version: '1.2.3',
      addLocalCommands: () => {},
      terminal: {
        out: (text) => {
          out += `${text}\n`;
        },
        err: (text) => {
          err += `${text}\n`;
        },
        environment,
        setExitCode: (code) => {
          exitCode = code;
        },
      },
    },
    argv,
  );
  return { out, err, exitCode };
}

describe('the command line', () => {
  it('has a help text with examples for each command', async () => {
    expect((await run(['--help'])).out).toContain("call sip:1000@127.0.0.1:5060 --dtmf '910001#'");
    for (const command of [
      ['account', 'add'],
      ['dnis', 'add'],
      ['conference', 'mute'],
      ['mixer', 'drain'],
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
