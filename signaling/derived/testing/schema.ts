/** Documents against the schema of RFC 4575, by xmllint (Debian package libxml2-utils). */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCHEMA = fileURLToPath(new URL('conference-info.xsd', import.meta.url));

export const HAS_XMLLINT = spawnSync('xmllint', ['--version']).error === undefined;
if (!HAS_XMLLINT)
  console.warn(
    'SKIPPED: XML against its schema, as xmllint (Debian package libxml2-utils) is missing',
  );

/** What is wrong with it; empty: nothing, or nobody there to tell. */
export function schemaErrors(document: string): string {
  if (!HAS_XMLLINT) return '';
  const args = ['--noout', '--nonet', '--schema', SCHEMA, '-'];
  const { status, stderr } = spawnSync('xmllint', args, { input: document, encoding: 'utf8' });
  return status === 0 ? '' : stderr;
}
