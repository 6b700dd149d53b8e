import type { Command } from 'commander';
import { LOAD_CODECS, type LoadCodec } from './rtp-driver.ts';
import {
  bytesALeg,
  engineMemory,
  type Growth,
  measureGrowth,
  type ProcessMemory,
  processMemory,
} from './scale.ts';

/** `memory`, `growth` and `idle`. */
export function addScaleCommands(program: Command): void {
  program
    .command('memory')
    .description('bytes a leg: of the engine by part, of a mixer process at 0, 500 and 1,500 calls')
    .option('--codec <name>', 'PCMU, G722, opus', 'PCMU')
    .option('--no-process', 'only the engine')
    .option('--sip-port <n>', 'SIP port of the mixer; the callers take the next', Number, 5970)
    .option('--base-port <n>', 'first RTP port of the callers', Number, 16000)
    .action(async (given: MemoryArguments) => {
      const parts = bytesALeg(await engineMemory(given.codec.toLowerCase()));
      for (const { name, bytes } of parts) {
        if (bytes >= 1)
          console.log(`${name.padEnd(50)} ${bytes.toFixed(0).padStart(8)} bytes a leg`);
      }
      const all = parts.reduce((sum, part) => sum + part.bytes, 0);
      console.log(`${'engine'.padEnd(50)} ${(all / 1024).toFixed(1).padStart(8)} KiB a leg`);
      if (given.process) console.log(processText(await measureProcess(given)));
    });
  for (const what of ['growth', 'idle'] as const) {
    program
      .command(what)
      .description(
        what === 'growth'
          ? 'cost of a conferee in the engine from 100 to 4,000'
          : 'cost of conferences in which nothing happens',
      )
      .option('--codec <name>', 'PCMU, G722, opus', 'PCMU')
      .option('--no-instructions', 'leave out the run under valgrind')
      .action(async (given: { codec: string; instructions: boolean }) => {
        const rows = await measureGrowth(what, given.codec.toLowerCase(), given.instructions);
        for (const row of rows) console.log(growthText(row));
      });
  }
}

interface MemoryArguments {
  readonly codec: string;
  readonly process: boolean;
  readonly sipPort: number;
  readonly basePort: number;
}

function measureProcess(given: MemoryArguments): Promise<readonly ProcessMemory[]> {
  const codec: LoadCodec | undefined = LOAD_CODECS.find((name) => name === given.codec);
  if (codec === undefined) throw new Error(`--codec: expected ${LOAD_CODECS.join(', ')}`);
  return processMemory({
    target: `sip:conf={conference}@127.0.0.1:${given.sipPort}`,
    conferences: 150,
    size: 10,
    contributors: 3,
    turnMs: 0,
    levels: false,
    impairment: { loss: 0, duplicate: 0, reorder: 0, jitterMs: 0 },
    codec,
    seconds: 2,
    ramp: 100,
    localAddress: '127.0.0.1',
    sipPort: given.sipPort + 1,
    basePort: given.basePort,
    pids: [],
    delay: false,
    progress: (line) => console.error(line),
  });
}

export function processText(read: readonly ProcessMemory[]): string {
  const lines = read.map(
    ({ legs, residentKib, heapKib, externalKib }) =>
      `${String(legs).padStart(5)} legs: ${(residentKib / 1024).toFixed(1)} MiB resident, ` +
      `JavaScript ${(heapKib / 1024).toFixed(1)} MiB and ${(externalKib / 1024).toFixed(1)} MiB outside its heap`,
  );
  const last = read.at(-1);
  for (const from of read.slice(0, -1)) {
    if (last === undefined) break;
    const legs = last.legs - from.legs;
    const all = (last.residentKib - from.residentKib) / legs;
    const heap = (last.heapKib - from.heapKib) / legs;
    lines.push(
      `from ${from.legs} to ${last.legs}: ${all.toFixed(1)} KiB a leg, of it JavaScript ${heap.toFixed(1)} KiB`,
    );
  }
  return lines.join('\n');
}

export function growthText({ shape, count, ns, instructions }: Growth): string {
  const each = Math.max(1, count);
  const time = `${(ns / each).toFixed(0).padStart(7)} ns`;
  const counted =
    instructions === undefined
      ? ''
      : ` ${(instructions / each).toFixed(0).padStart(7)} instructions`;
  return `${shape.padEnd(38)} ${String(count).padStart(5)}: ${time}${counted} each, in 20 ms`;
}
