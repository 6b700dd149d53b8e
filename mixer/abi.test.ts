import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

describe('abi', () => {
  it('both generated files are what native/abi.json says', () => {
    const tool = fileURLToPath(new URL('../tools/abi.mjs', import.meta.url));
    const check = spawnSync(process.execPath, [tool, '--check'], { encoding: 'utf8' });
    expect(check.stderr).toBe('');
    expect(check.status).toBe(0);
  });
});
