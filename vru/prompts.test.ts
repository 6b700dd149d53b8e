import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../common/log.ts';
import { SimClock } from '../common/sim-clock.ts';
import { decodeG722 } from '../mixer/decode.ts';
import { FakeMediaEngine } from '../mixer/fake-engine.ts';
import { PROMPT_SOUNDS, PROMPT_WORDS } from './prompt-words.ts';
import { openPrompts, type PromptCatalogue, readWavFile } from './prompts.ts';
import { writeWav } from './wav.ts';

const BUNDLED = join(import.meta.dirname, '..', 'prompts');
const ASTERISK = '/usr/share/asterisk/sounds/en_US_f_Allison';

const folders: string[] = [];
function folder(...names: string[]): string {
  const path = mkdtempSync(join(tmpdir(), 'prompts-test-'));
  folders.push(path);
  for (const name of names) writeFileSync(join(path, `${name}.wav`), tone);
  return path;
}
const tone = writeWav({ rateHz: 8000, samples: new Int16Array(800) });

afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true });
});

function open(
  directory?: string,
  language = 'en',
): { catalogue: PromptCatalogue; engine: FakeMediaEngine } {
  const engine = new FakeMediaEngine();
  const opened = openPrompts({
    engine,
    log: silentLogger,
    bundledDirectory: BUNDLED,
    directory,
    language,
  });
  if (!opened.ok) throw opened.error;
  return { catalogue: opened.value, engine };
}

describe('prompt catalogue', () => {
  it('has every word and sound in the bundled pack, and each is playable', () => {
    const { catalogue } = open();
    for (const name of [...Object.keys(PROMPT_WORDS), ...Object.keys(PROMPT_SOUNDS)]) {
      const prompt = catalogue.find(name);
      expect(prompt.ok && prompt.value.durationMs, name).toBeGreaterThan(90);
    }
  });

  it.each(['music', 'hold-tone', 'ring-back-tone', 'busy-tone'])(
    'loops %s without a click',
    (name) => {
      const wav = readWavFile(join(BUNDLED, 'en', `${name}.wav`));
      if (!wav.ok) throw wav.error;
      const { samples } = wav.value;
      const at = (index: number): number => samples.at(index % samples.length) ?? 0;
      const bend = (index: number): number =>
        Math.abs(at(index) - 2 * at(index - 1) + at(index - 2));
      let sharpest = 0;
      for (let index = 2; index < samples.length; index++)
        sharpest = Math.max(sharpest, bend(index));
      expect(Math.max(bend(0), bend(1))).toBeLessThan(sharpest / 4);
    },
  );

  it('reads a prompt when it is first asked for, and once', () => {
    const { catalogue, engine } = open();
    expect(engine.prompts.size).toBe(0);
    const first = catalogue.find('welcome');
    expect(catalogue.find('welcome')).toBe(first);
    expect(engine.prompts.size).toBe(1);
    catalogue.close();
    expect(engine.prompts.size).toBe(0);
  });

  it('warms up bit by bit, and stops when closed', async () => {
    const { catalogue, engine } = open();
    const clock = new SimClock();
    catalogue.warmUp(clock);
    await clock.advance(400);
    expect(engine.prompts.size).toBe(10);
    catalogue.close();
    await clock.advance(400);
    expect(engine.prompts.size + clock.timerCount).toBe(0);
    const whole = open();
    whole.catalogue.warmUp(clock);
    await clock.advance(20_000);
    expect(whole.engine.prompts.size).toBeGreaterThan(180);
    expect(clock.timerCount).toBe(0);
  });

  it('takes what the own directory has and the rest from the bundled pack', () => {
    const { catalogue } = open(folder('welcome', 'our-news'));
    expect(catalogue.findAll(['welcome', 'our-news']).map(({ durationMs }) => durationMs)).toEqual([
      100, 100,
    ]);
    const goodbye = catalogue.find('goodbye');
    expect(goodbye.ok && goodbye.value.durationMs).toBeGreaterThan(300);
  });

  it('refuses missing prompts at start, by name and place', () => {
    const empty = folder();
    const opened = openPrompts({
      engine: new FakeMediaEngine(),
      log: silentLogger,
      bundledDirectory: empty,
      language: 'en',
    });
    expect(!opened.ok && opened.error.message).toMatch(
      /welcome, enter-code.* more; looked in .*prompts-test/,
    );
    const gone = openPrompts({
      engine: new FakeMediaEngine(),
      log: silentLogger,
      bundledDirectory: BUNDLED,
      directory: '/nowhere/prompts',
      language: 'en',
    });
    expect(!gone.ok && gone.error.message).toContain('/nowhere/prompts does not exist');
  });

  it('demands the extra words of the language', () => {
    const opened = openPrompts({
      engine: new FakeMediaEngine(),
      log: silentLogger,
      bundledDirectory: BUNDLED,
      language: 'de',
    });
    expect(!opened.ok && opened.error.message).toContain('language de');
  });

  it('plays the default language where another has no pack', () => {
    const { catalogue } = open();
    expect(catalogue.find('welcome', 'fr')).toBe(catalogue.find('welcome'));
    expect(catalogue.rules('fr').tag).toBe('en');
  });

  it('names a broken file, and leaves it out of a sequence', () => {
    const directory = folder('welcome');
    writeFileSync(join(directory, 'welcome.wav'), 'no audio');
    const { catalogue } = open(directory);
    const broken = catalogue.find('welcome');
    expect(!broken.ok && broken.error.message).toMatch(/welcome\.wav: not a WAV file/);
    expect(catalogue.findAll(['welcome', 'beep'])).toHaveLength(1);
  });

  it.each(['../secret', '/etc/passwd', 'a/../../b', '', 'a.b'])(
    'never leaves its folders for %j',
    (name) => {
      expect(open().catalogue.find(name).ok).toBe(false);
    },
  );

  it.runIf(existsSync(ASTERISK))(
    'speaks with an Asterisk sound package, gaps filled from ours',
    () => {
      const { catalogue, engine } = open(ASTERISK);
      expect(
        catalogue.findAll(['enter-code', 'number-7', 'one-minute', 'tt-monkeys']),
      ).toHaveLength(4);
      expect([...engine.prompts.keys()][0]).toBe(join(ASTERISK, 'conf-getconfno.wav'));
      expect(catalogue.find('host-not-here-yet').ok).toBe(true);
      // `hello` of our list would be ours, not theirs.
      for (const name of Object.keys(PROMPT_WORDS))
        expect(catalogue.find(name).ok, name).toBe(true);
    },
  );

  it.runIf(existsSync(ASTERISK))(
    'takes the wide-band files of a package when it can decode them',
    () => {
      const engine = new FakeMediaEngine();
      const opened = openPrompts({
        engine,
        log: silentLogger,
        bundledDirectory: BUNDLED,
        directory: ASTERISK,
        language: 'en',
        decodeG722,
      });
      if (!opened.ok) throw opened.error;
      expect(opened.value.findAll(['enter-code', 'one-minute', 'welcome'])).toHaveLength(3);
      const [code, minute, welcome] = [...engine.prompts.values()];
      expect(code?.rateHz).toBe(16_000);
      expect(minute?.rateHz).toBe(16_000);
      expect(welcome?.rateHz).toBe(16_000);
      expect([...engine.prompts.keys()][0]).toMatch(/conf-getconfno\.g722$/);
    },
  );
});
