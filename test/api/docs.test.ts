/** The examples of docs/api.md, run as they stand: each answer must be what the line below says. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, startTestApi } from '../../signaling/api/test-api.ts';

const run = promisify(execFile);
const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
const HAS_CURL = spawnSync('curl', ['--version']).status === 0;

/** Each curl leaves its status and its answer in a file of its own. */
const PROLOGUE = `
set -eu
curl() {
  n=$(cat "$OUT/count" 2>/dev/null || echo 0)
  echo $((n + 1)) > "$OUT/count"
  command curl -sS -o "$OUT/$n.body" -w '%{http_code}' "$@" > "$OUT/$n.status"
  cat "$OUT/$n.body"
}
`;

describe.skipIf(!HAS_CURL)('docs/api.md', () => {
  it('says what the server does', async () => {
    const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
    const [settings = '', ...examples] = blocks;
    expect(settings).toContain('URL=');
    const script = examples.join('\n');
    const expected = [...script.matchAll(/^# → (\d{3}) ?(.*)$/gm)];
    expect(expected.length).toBeGreaterThan(20);
    expect(script.match(/\bcurl "?[-$]/g)).toHaveLength(expected.length);

    const system = await startTestApi();
    await system.create('c0123456789ab', 'demo-start');
    await system.join('c0123456789ab', 'host');
    await system.join('c0123456789ab');
    const folder = mkdtempSync(join(tmpdir(), 'minusone-docs-'));
    const env = { ...process.env, URL: system.base, TOKEN: ADMIN_TOKEN, OUT: folder };
    await run('bash', ['-c', PROLOGUE + script], { env });
    for (const [index, [, status, part = '']] of expected.entries()) {
      const body = readFileSync(join(folder, `${index}.body`), 'utf8');
      const came = readFileSync(join(folder, `${index}.status`), 'utf8');
      expect([index, came, body]).toEqual([index, status, expect.stringContaining(part)]);
    }
    rmSync(folder, { recursive: true, force: true });
    await system.stop();
  });
});
