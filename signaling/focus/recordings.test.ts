import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConferenceId } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { SimClock } from '../../common/sim-clock.ts';
import { FakeMediaEngine } from '../../mixer/fake-engine.ts';
import { Recordings } from './recordings.ts';

const ID = 'c1' as ConferenceId;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minusone-recordings-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(at = folder) {
  const clock = new SimClock();
  const engine = new FakeMediaEngine('127.0.0.1', clock);
  const media = engine.openConference();
  if (!media.ok) throw media.error;
  const recordings = new Recordings({ engine, clock, log: silentLogger, folder: at });
  const begin = () => recordings.start(ID, media.value);
  const end = () => recordings.stop(ID);
  return { engine, recordings, begin, end };
}

describe('recordings of conferences', () => {
  it('begin once, and those of one second have a file each that nobody else reads', async () => {
    const { begin, end } = start();
    const [first, again] = [await begin(), await begin()];
    expect(again).toEqual(first);
    await end();
    const second = await begin();
    const files = [first, second].flatMap((one) => (one.ok ? [one.value] : []));
    expect(new Set(files).size).toBe(2);
    for (const file of files) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  });

  it('R42: a request to begin that comes again after the end begins nothing', async () => {
    const { engine, recordings, begin, end } = start();
    const first = await recordings.once('request-1', begin);
    await recordings.once('request-2', end);
    expect(await recordings.once('request-1', begin)).toEqual(first);
    expect(engine.legs.size).toBe(0);
    await recordings.once('request-3', begin);
    await recordings.once('request-2', end);
    expect(recordings.isRunning(ID)).toBe(true);
    expect(engine.legs.size).toBe(1);
  });

  it('a request that failed may be tried again', async () => {
    writeFileSync(join(folder, 'file'), '');
    const { recordings, begin } = start(join(folder, 'file'));
    expect((await recordings.once('request-1', begin)).ok).toBe(false);
    rmSync(join(folder, 'file'));
    expect((await recordings.once('request-1', begin)).ok).toBe(true);
  });

  it('one that begins while another ends is not the one that ends', async () => {
    const { engine, begin, end } = start();
    const first = await begin();
    const ending = end();
    const second = await begin();
    await ending;
    expect(second).not.toEqual(first);
    expect(engine.legs.size).toBe(1);
    expect([...engine.legs][0]?.recordings[0]?.stopped).toBe(false);
  });

  it('a folder that cannot be written is an error, and leaves no leg', async () => {
    writeFileSync(join(folder, 'file'), '');
    const { engine, begin } = start(join(folder, 'file'));
    const started = await begin();
    expect(started.ok ? '' : started.error.code).toBe('store-failed');
    expect(engine.legs.size).toBe(0);
  });
});
