import { type Command, InvalidArgumentError } from 'commander';
import { type ApiBenchOptions, apiText, benchApi, serveApiBench } from './api.ts';

function count(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new InvalidArgumentError('expected a number.');
  return Number(text);
}

/** `api`, and the process that it measures. */
export function addApiCommands(program: Command): void {
  program
    .command('api')
    .description(
      'HTTP API: roster reads a second on one core (by wrk), listeners of one conference',
    )
    .option('--size <n>', 'conferees of the roster', count, 10)
    .option('--seconds <n>', 'length of the reading', count, 10)
    .option('--connections <n>', 'that read at the same time', count, 32)
    .option('--listeners <n>', 'WebSockets', count, 1_000)
    .option('--events <n>', 'that each of them must see', count, 100)
    .option('--json', 'print JSON', false)
    .action(async (options: ApiBenchOptions) => {
      const result = await benchApi(options);
      console.log(options.json ? JSON.stringify(result, undefined, 1) : apiText(result));
      const { received, expected } = result.listening;
      if (received !== expected || result.reads.failed > 0) process.exitCode = 1;
    });
  program
    .command('api-server', { hidden: true })
    .option('--size <n>', 'conferees', count, 10)
    .action(({ size }: { size: number }) => serveApiBench(size));
}
