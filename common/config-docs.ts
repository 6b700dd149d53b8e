/** Prints docs/configuration.md from the schema; a test holds the file to it. */
import { z } from 'zod';
import { MIXER_PORT_OFFSET } from './addresses.ts';
import { configSchema } from './config.ts';
import { OPTIONS } from './config-options.ts';

/** The part of JSON Schema that our schema uses. */
interface Described {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
}

const PREFACE = `# Configuration

<!-- Made by \`node tools/config-docs.mjs\` from common/config.ts; edit the texts there. -->

\`minusone start --config FILE\` reads YAML; every key has a default, so the smallest file is an empty
one. Command-line options win over the file. \`minusone check-config\` prints the configuration in
force with secrets hidden, and refuses what \`start\` would refuse: unknown keys (by name, with the
nearest right one), values out of range, ports that clash.

| option | key |
| --- | --- |
${OPTIONS.map(({ flags, sets }) => `| \`${flags}\` | ${sets} |`).join('\n')}

Addresses follow one rule: VRU 1 is on \`sip.port\`, VRU 2 on the next port; mixer 1 on
\`sip.port\` + ${MIXER_PORT_OFFSET}, mixer 2 on the next port, through the groups in their order.

\`\`\`yaml
# An example: two addresses, no demo accounts, one group of five mixers.
demo: false
dataDirectory: /var/lib/minusone
sip:
  address: 192.0.2.10
http:
  port: 8080
mixer:
  groups:
    - class: standard
      count: 5
\`\`\``;

/** The whole of docs/configuration.md. */
export function configurationPage(): string {
  return `${PREFACE}\n\n## Keys at the top\n\n${configurationKeys()}\n`;
}

function configurationKeys(): string {
  const root = z.toJSONSchema(configSchema, { io: 'input' }) as Described;
  const groups = Object.entries(root.properties ?? {});
  const plain = groups.filter(([, schema]) => schema.properties === undefined);
  const sections = groups.filter(([, schema]) => schema.properties !== undefined);
  return [
    table(plain.flatMap(([key, schema]) => rows([key], schema))),
    ...sections.flatMap(([key, schema]) => [
      `## ${key}`,
      schema.description ?? '',
      table(rows([key], schema)),
    ]),
  ].join('\n\n');
}

function table(lines: readonly string[]): string {
  return ['| key | values | default | meaning |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

function rows(path: readonly string[], schema: Described): readonly string[] {
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([key, inner]) => rows([...path, key], inner));
  }
  const name = path.join('.');
  const own = `| \`${name}\` | ${values(schema)} | ${standard(schema)} | ${escapeCell(schema.description ?? '')} |`;
  const item = schema.items;
  if (item?.properties === undefined) return [own];
  return [own, ...rows([...path.slice(0, -1), `${path.at(-1)}[]`], item)];
}

function values(schema: Described): string {
  if (schema.items !== undefined) {
    return schema.items.properties === undefined ? `list of ${values(schema.items)}` : 'list';
  }
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.minimum !== undefined) return `${schema.minimum} to ${schema.maximum}`;
  if (schema.type === 'boolean') return '`true`, `false`';
  return 'text';
}

function standard(schema: Described): string {
  return schema.default === undefined ? '–' : `\`${JSON.stringify(schema.default)}\``;
}

const escapeCell = (text: string): string => text.replaceAll('|', '\\|');
