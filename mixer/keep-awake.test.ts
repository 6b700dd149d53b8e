import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../common/log.ts';
import { KeepAwake } from './keep-awake.ts';

describe('keep awake', () => {
  it('asks for a latency of 0 µs, as a 32-bit number, until released', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'awake-')), 'latency');
    writeFileSync(path, '');
    const awake = new KeepAwake(silentLogger, path);
    awake.hold();
    awake.hold();
    expect(awake.holding).toBe(true);
    expect([...readFileSync(path)]).toEqual([0, 0, 0, 0]);
    awake.release();
    expect(awake.holding).toBe(false);
    awake.release();
    awake.hold();
    expect(awake.holding).toBe(true);
    awake.release();
  });

  it('goes on without where it is not allowed', () => {
    const awake = new KeepAwake(silentLogger, '/nowhere/latency');
    awake.hold();
    expect(awake.holding).toBe(false);
    awake.release();
  });
});
