/** The configuration of a process: file, environment and options, later ones win. */
import { readFileSync } from 'node:fs';
import type { Config } from './config.ts';
import { type ConfigErrors, loadConfig, type Override } from './config-load.ts';
import { readOptions } from './config-options.ts';
import { fail, type Result } from './result.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** `given`: the options as commander collected them. */
export function readConfig(
  given: Readonly<Record<string, unknown>>,
  environment: Environment,
): Result<Config, ConfigErrors> {
  const options = readOptions(given);
  if (!options.ok) return options;
  const overrides = [...fromEnvironment(environment), ...options.value];
  const name = given['config'];
  if (typeof name !== 'string') return loadConfig({ overrides });
  let text: string;
  try {
    text = readFileSync(name, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail([`--config: ${name} cannot be read (${why}); expected a YAML file`]);
  }
  return loadConfig({ file: { name, text }, overrides });
}

/** Secrets may come by environment, where a list of processes does not show them. */
function fromEnvironment(environment: Environment): readonly Override[] {
  const value = environment['MINUSONE_ADMIN_TOKEN'];
  return value === undefined
    ? []
    : [{ path: ['http', 'adminToken'], value, source: 'MINUSONE_ADMIN_TOKEN' }];
}
