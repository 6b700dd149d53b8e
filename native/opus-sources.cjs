// Prints libopus' own source lists for opus.gyp: `node opus-sources.cjs VARIABLE …`, a path a line,
// relative to native/. The lists are those of the library's makefiles, so an update needs no change here.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const FROM_NATIVE = '../node_modules/@discordjs/opus/deps/opus';
const library = join(__dirname, FROM_NATIVE);
const wanted = new Set(process.argv.slice(2));
for (const list of ['celt_sources.mk', 'silk_sources.mk', 'opus_sources.mk']) {
  const text = readFileSync(join(library, list), 'utf8').replaceAll(/\\\s*\n/g, ' ');
  for (const [, variable, files] of text.matchAll(/^(\w+)\s*=\s*(.*)$/gm)) {
    if (!wanted.has(variable)) continue;
    for (const file of files.split(/\s+/).filter((name) => name.endsWith('.c'))) {
      console.log(`${FROM_NATIVE}/${file}`);
    }
  }
}
