import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { presetTables, rosterTable } from './key-docs.ts';

/** `UPDATE_DOCS=1 npx vitest run vru/applications/conference/key-docs` writes them. */
it('docs/keypad.md has the tables of the presets as they are', () => {
  const page = readFileSync('docs/keypad.md', 'utf8');
  const current = [
    ['presets', presetTables()],
    ['roster', rosterTable()],
  ].reduce((text, [name, table]) => {
    const part = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(\n<!-- /${name} -->)`);
    expect(text).toMatch(part);
    return text.replace(part, (_all, begin: string, end: string) => `${begin}${table}${end}`);
  }, page);
  if (process.env['UPDATE_DOCS'] !== undefined) writeFileSync('docs/keypad.md', current);
  else expect(page).toBe(current);
});
