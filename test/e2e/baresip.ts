/** baresip as a second SIP and RTP stack: plays a WAV file into a call and records what it hears. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readWav, writeWav } from '../../vru/wav.ts';
import { type Audio, tone } from '../audio/signals.ts';

export interface BaresipCall {
  readonly target: string;
  /** 8 kHz. */
  readonly play: Audio;
  readonly durationMs: number;
  readonly codec: 'PCMU' | 'PCMA';
  readonly transport?: 'udp' | 'tcp';
}

export interface BaresipResult {
  readonly heard: Audio;
  readonly established: boolean;
  /** What it printed, for the message of a failed test. */
  readonly output: string;
}

/** Where Debian and others put the modules; undefined when baresip is not usable here. */
export function findBaresip(): string | undefined {
  if (spawnSync('baresip', ['-h'], { stdio: 'ignore' }).error !== undefined) return undefined;
  const folders = ['/usr/lib/baresip/modules', '/usr/local/lib/baresip/modules'];
  return folders.find((folder) => {
    try {
      const modules = readdirSync(folder);
      return ['aufile.so', 'aubridge.so', 'sndfile.so', 'g711.so'].every((name) =>
        modules.includes(name),
      );
    } catch {
      return false;
    }
  });
}

export type BaresipAnswer = Omit<BaresipCall, 'target' | 'transport'> & {
  readonly port: number;
  readonly user: string;
};

export function callWithBaresip(modules: string, call: BaresipCall): Promise<BaresipResult> {
  const target = call.transport === 'tcp' ? `${call.target};transport=tcp` : call.target;
  return withBaresip(modules, call, { port: 0, user: 'baresip' }, ['-e', `/dial ${target}`]);
}

/** Waits for a call on a port, and answers it at once. */
export function answerWithBaresip(modules: string, answer: BaresipAnswer): Promise<BaresipResult> {
  return withBaresip(modules, answer, answer, []);
}

type Place = Pick<BaresipAnswer, 'port' | 'user'>;
type Task = Pick<BaresipCall, 'play' | 'codec' | 'durationMs'>;

async function withBaresip(
  modules: string,
  call: Task,
  at: Place,
  args: readonly string[],
): Promise<BaresipResult> {
  const folder = mkdtempSync(join(tmpdir(), 'baresip-'));
  try {
    writeConfig(folder, modules, call, at);
    const output = await run(folder, call, args);
    const dump = readdirSync(folder).find((name) => name.endsWith('-dec.wav'));
    const wav = dump === undefined ? undefined : readWav(readFileSync(join(folder, dump)));
    return {
      heard: wav?.ok === true ? wav.value : tone(440, -150, 0, 8000),
      established: output.includes('Call established'),
      output: output.replaceAll(/^.*\r.*$/gm, '').slice(-2_000),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function writeConfig(
  folder: string,
  modules: string,
  { play, codec }: Task,
  { port, user }: Place,
): void {
  writeFileSync(join(folder, 'tone.wav'), writeWav(play));
  writeFileSync(join(folder, 'contacts'), '');
  writeFileSync(
    join(folder, 'accounts'),
    `<sip:${user}@127.0.0.1>;regint=0;answermode=auto;audio_codecs=${codec}/8000/1\n`,
  );
  const lines = [
    `sip_listen 127.0.0.1:${port}`,
    // The dump of sndfile is the recording; the player only has to exist.
    'audio_player aubridge,player',
    'audio_alert aubridge,alert',
    `audio_source aufile,${join(folder, 'tone.wav')}`,
    'ausrc_srate 8000',
    'auplay_srate 8000',
    'ausrc_channels 1',
    'auplay_channels 1',
    `snd_path ${folder}`,
    `module_path ${modules}`,
    ...['g711', 'aufile', 'aubridge', 'sndfile'].map((name) => `module ${name}.so`),
    'module_tmp account.so',
    'module_app menu.so',
  ];
  writeFileSync(join(folder, 'config'), `${lines.join('\n')}\n`);
}

function run(folder: string, call: Task, args: readonly string[]): Promise<string> {
  const seconds = Math.ceil(call.durationMs / 1000);
  const child = spawn('baresip', ['-f', folder, '-t', String(seconds), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const take = (bytes: Buffer): void => {
    output += bytes.toString('utf8');
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  // Its own limit counts from the start and it says goodbye then; this one only ends a hang.
  const limit = setTimeout(() => child.kill('SIGKILL'), call.durationMs + 10_000);
  return new Promise((resolve) => {
    child.once('close', () => {
      clearTimeout(limit);
      resolve(output);
    });
    child.once('error', () => resolve(output));
  });
}
