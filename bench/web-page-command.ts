import { writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { benchWebPage, type WebPageOptions, webPageText } from './web-page.ts';

function count(text: string): number {
  if (!/^[0-9]{1,4}$/.test(text)) throw new InvalidArgumentError('expected a number.');
  return Number(text);
}

export function addWebPageCommand(program: Command): void {
  program
    .command('web-page')
    .description('the web page of a conference in Chromium: processor time, event to screen')
    .option('--size <n>', 'conferees', count, 200)
    .option('--talkers <n>', 'whose bars move', count, 3)
    .option('--events <n>', 'events a second', count, 1)
    .option('--seconds <n>', 'length of each measurement', count, 20)
    .option('--profile <file>', 'writes a .cpuprofile of the busy measurement')
    .option('--json', 'print JSON', false)
    .action(async (options: WebPageOptions) => {
      const { profile, ...bench } = await benchWebPage(options);
      if (options.profile !== undefined) writeFileSync(options.profile, JSON.stringify(profile));
      console.log(options.json ? JSON.stringify(bench, undefined, 1) : webPageText(bench));
    });
}
