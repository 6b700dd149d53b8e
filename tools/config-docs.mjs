#!/usr/bin/env node
// Writes docs/configuration.md from the schema; run after `npm run build`.
import { writeFileSync } from 'node:fs';
import { configurationPage } from '../dist/common/config-docs.js';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationPage());
