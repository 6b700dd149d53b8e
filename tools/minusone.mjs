#!/usr/bin/env node
// `npx minusone …`: builds when needed, then runs the program.
process.argv.splice(2, 0, 'cli');
await import('./run.mjs');
