import { describe, expect, it } from 'vitest';
import { csv } from './export.ts';

const COLUMNS = [
  { name: 'name', value: (row: { name: string }) => row.name },
  { name: 'nothing', value: () => null },
];
const line = (name: string): string => csv([{ name }], COLUMNS).split('\r\n')[1] ?? '';

describe('CSV (RFC 4180)', () => {
  it('ends lines in CRLF, names its columns and quotes what needs it', () => {
    expect(csv([{ name: 'a' }], COLUMNS)).toBe('name,nothing\r\na,\r\n');
    expect(csv([], COLUMNS)).toBe('name,nothing\r\n');
    expect(line('a,b')).toBe('"a,b",');
    expect(line('say "x"')).toBe('"say ""x""",');
    expect(csv([{ name: 'a\r\nb' }], COLUMNS)).toBe('name,nothing\r\n"a\r\nb",\r\n');
  });

  it('keeps numbers, and lets no caller write a formula into a spreadsheet', () => {
    expect(line('+4930123')).toBe('+4930123,');
    for (const name of ['=1+1', '@sum', '+1+1', '-x', '\tx'])
      expect(line(name)).toContain(`'${name}`);
  });
});
