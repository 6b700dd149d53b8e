#!/usr/bin/env node
// Makes the bundled prompt pack: `node tools/prompts.mjs [FOLDER]` (default prompts/en) after a build.
// Speech comes from flite (Debian package `flite`, voice slt), one WAV a phrase of vru/prompt-words.ts;
// music and tones are computed here. Speech is trimmed, set to one level and stored as 16 kHz IMA ADPCM,
// a quarter of plain PCM; the result is committed, so only who changes a phrase needs this.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = process.argv[2] ?? join(ROOT, 'prompts', 'en');
const { PROMPT_WORDS, PROMPT_SOUNDS } = await import(join(ROOT, 'dist/vru/prompt-words.js'));

const SPEECH_RATE = 16000;
const TONE_RATE = 8000;
const RMS_DBFS = -20;
const PEAK_DBFS = -3;
const fromDb = (db) => 10 ** (db / 20);

// ── speech ───────────────────────────────────────────────────────────────────────────────────────

/** What flite says better when written otherwise. */
const RESPELLED = { 'a-m': 'A. M.', 'p-m': 'P. M.', pound: 'pound', oh: 'oh' };

function speak(name, phrase, scratch) {
  const path = join(scratch, 'speech.wav');
  execFileSync('flite', ['-voice', 'slt', '-t', RESPELLED[name] ?? phrase, '-o', path]);
  const file = readFileSync(path);
  const data = file.indexOf('data') + 8;
  const samples = new Float64Array((file.length - data) >> 1);
  for (let index = 0; index < samples.length; index++) {
    samples[index] = file.readInt16LE(data + 2 * index) / 32768;
  }
  const sentence = /[.?!]$/.test(phrase);
  return finish(highPass(samples), sentence ? 0.25 : 0.04);
}

/** Takes the rumble below 80 Hz away, which telephones do not carry but level meters count. */
function highPass(samples) {
  const keep = Math.exp((-2 * Math.PI * 80) / SPEECH_RATE);
  let previous = 0;
  let value = 0;
  return samples.map((sample) => {
    value = keep * (value + sample - previous);
    previous = sample;
    return value;
  });
}

/** Trims silence, sets the level of what is speech, fades the ends, adds the pause that follows. */
function finish(samples, tailS) {
  const frame = SPEECH_RATE / 100;
  const power = [];
  for (let start = 0; start + frame <= samples.length; start += frame) {
    power.push(samples.slice(start, start + frame).reduce((sum, x) => sum + x * x, 0) / frame);
  }
  const loudest = Math.max(...power);
  const active = power.map((value) => value > loudest * fromDb(-40) ** 2);
  const first = Math.max(0, active.indexOf(true) - 2) * frame;
  const last = Math.min(samples.length, (active.lastIndexOf(true) + 4) * frame);
  const heard = power.filter((_, index) => active[index]);
  const rms = Math.sqrt(heard.reduce((sum, value) => sum + value, 0) / heard.length);
  const speech = samples.slice(first, last);
  const peak = speech.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const gain = Math.min(fromDb(RMS_DBFS) / rms, fromDb(PEAK_DBFS) / peak);
  const fade = SPEECH_RATE / 200;
  const result = new Float64Array(speech.length + Math.round(tailS * SPEECH_RATE));
  speech.forEach((x, index) => {
    result[index] = x * gain * Math.min(1, (index + 1) / fade, (speech.length - index) / fade);
  });
  return result;
}

// ── music ────────────────────────────────────────────────────────────────────────────────────────

/** Eight bars of soft broken chords at 84 beats a minute; tails wrap around, so the loop has no seam. */
function music() {
  const beatS = 60 / 84;
  const count = Math.round(beatS * 4 * 8 * SPEECH_RATE);
  const sum = new Float64Array(count);
  const chords = [
    [48, 55, 64, 67, 71], // C major seventh
    [45, 55, 60, 64, 69], // A minor seventh
    [50, 57, 60, 65, 69], // D minor seventh
    [43, 53, 59, 62, 69], // G ninth
    [41, 52, 57, 60, 67], // F major ninth
    [40, 50, 55, 59, 67], // E minor seventh
    [50, 57, 60, 65, 72], // D minor seventh
    [43, 53, 59, 65, 71], // G seventh
  ];
  const melody = [76, 74, 72, 69, 65, 69, 67, 71, 72, 69, 71, 67, 69, 65, 67, 62];
  const note = (key, atBeat, loudness, decayS) => {
    const frequency = 440 * 2 ** ((key - 69) / 12);
    const start = Math.round(atBeat * beatS * SPEECH_RATE);
    const length = Math.round(decayS * 5 * SPEECH_RATE);
    for (let index = 0; index < length; index++) {
      const t = index / SPEECH_RATE;
      const attack = Math.min(1, t / 0.012);
      const end = Math.min(1, (length - index) / (0.05 * SPEECH_RATE));
      const angle = 2 * Math.PI * frequency * t;
      const body = Math.sin(angle + 0.6 * Math.exp(-t / 0.25) * Math.sin(2 * angle));
      const place = (start + index) % count;
      sum[place] += loudness * attack * end * Math.exp(-t / decayS) * body;
    }
  };
  chords.forEach((chord, bar) => {
    note(chord[0], bar * 4, 0.9, 1.1);
    [1, 2, 3, 4, 3, 2, 4].forEach((voice, step) => {
      note(chord[voice], bar * 4 + (step + 1) * 0.5, 0.45, 0.7);
    });
    note(melody[bar * 2], bar * 4, 0.55, 0.9);
    note(melody[bar * 2 + 1], bar * 4 + 2.5, 0.45, 0.9);
  });
  const rms = Math.sqrt(sum.reduce((total, x) => total + x * x, 0) / count);
  return sum.map((x) => (x * fromDb(-24)) / rms);
}

// ── tones ────────────────────────────────────────────────────────────────────────────────────────

/** Parts: [frequency, from s, length s, dBFS]; `softS` is the length of the edges. */
function tones(lengthS, parts, softS = 0.01) {
  const sum = new Float64Array(Math.round(lengthS * TONE_RATE));
  for (const [frequency, atS, partS, level] of parts) {
    const start = Math.round(atS * TONE_RATE);
    const count = Math.round(partS * TONE_RATE);
    for (let index = 0; index < count; index++) {
      const t = index / TONE_RATE;
      const edge = Math.min(1, t / softS, (partS - t) / softS);
      const shape = 0.5 - 0.5 * Math.cos(Math.PI * Math.max(0, edge));
      sum[start + index] += fromDb(level) * shape * Math.sin(2 * Math.PI * frequency * t);
    }
  }
  return sum;
}

const SOUNDS = {
  music: () => [music(), SPEECH_RATE],
  beep: () => [tones(0.45, [[1000, 0, 0.4, -14]]), TONE_RATE],
  'entry-tone': () => [
    tones(
      0.4,
      [
        [523, 0, 0.16, -22],
        [784, 0.14, 0.24, -22],
      ],
      0.03,
    ),
    TONE_RATE,
  ],
  'exit-tone': () => [
    tones(
      0.4,
      [
        [784, 0, 0.16, -22],
        [523, 0.14, 0.24, -22],
      ],
      0.03,
    ),
    TONE_RATE,
  ],
  'hold-tone': () => [
    tones(
      4,
      [0, 2].flatMap((s) => [
        [440, s, 0.2, -26],
        [554, s + 0.25, 0.2, -26],
      ]),
      0.04,
    ),
    TONE_RATE,
  ],
  'error-tone': () => [tones(0.15, [[220, 0, 0.1, -14]]), TONE_RATE],
  'ring-back-tone': () => [tones(5, [[425, 0, 1, -18]]), TONE_RATE],
  'busy-tone': () => [tones(1, [[425, 0, 0.5, -18]]), TONE_RATE],
  silence: () => [new Float64Array(TONE_RATE / 2), TONE_RATE],
};

// ── files ────────────────────────────────────────────────────────────────────────────────────────

const toPcm = (samples) =>
  Int16Array.from(samples, (x) => Math.max(-32768, Math.min(32767, Math.round(x * 32767))));

function riff(format, data, fact) {
  const chunk = (id, body) => {
    const head = Buffer.alloc(8);
    head.write(id, 0, 'latin1');
    head.writeUInt32LE(body.length, 4);
    return Buffer.concat([head, body, Buffer.alloc(body.length & 1)]);
  };
  const body = Buffer.concat([
    Buffer.from('WAVE'),
    chunk('fmt ', format),
    ...(fact ? [chunk('fact', fact)] : []),
    chunk('data', data),
  ]);
  return chunk('RIFF', body);
}

function pcmFile(samples, rateHz) {
  const format = Buffer.alloc(16);
  format.writeUInt16LE(1, 0);
  format.writeUInt16LE(1, 2);
  format.writeUInt32LE(rateHz, 4);
  format.writeUInt32LE(rateHz * 2, 8);
  format.writeUInt16LE(2, 12);
  format.writeUInt16LE(16, 14);
  const pcm = toPcm(samples);
  return riff(format, Buffer.from(pcm.buffer));
}

const INDEX_STEPS = [-1, -1, -1, -1, 2, 4, 6, 8];
/** The 89 step sizes of IMA ADPCM: each 11 % above the one before, rounded as the standard has them. */
const { STEP_SIZES } = await import(join(ROOT, 'dist/vru/wav.js'));

function adpcmFile(samples, rateHz) {
  const pcm = toPcm(samples);
  const blockBytes = 512;
  const perBlock = (blockBytes - 4) * 2 + 1;
  const blocks = Math.ceil(pcm.length / perBlock);
  const data = Buffer.alloc(blocks * blockBytes);
  let stepIndex = 0;
  for (let block = 0; block < blocks; block++) {
    const at = (index) => pcm[Math.min(pcm.length - 1, block * perBlock + index)] ?? 0;
    let predicted = at(0);
    data.writeInt16LE(predicted, block * blockBytes);
    data.writeUInt8(stepIndex, block * blockBytes + 2);
    for (let index = 1; index < perBlock; index++) {
      const step = STEP_SIZES[stepIndex];
      const difference = at(index) - predicted;
      const size = Math.min(7, Math.floor((Math.abs(difference) * 4) / step));
      const nibble = (difference < 0 ? 8 : 0) | size;
      const change =
        (step >> 3) +
        (size & 4 ? step : 0) +
        (size & 2 ? step >> 1 : 0) +
        (size & 1 ? step >> 2 : 0);
      predicted = Math.max(
        -32768,
        Math.min(32767, predicted + (difference < 0 ? -change : change)),
      );
      stepIndex = Math.max(0, Math.min(88, stepIndex + INDEX_STEPS[size]));
      const place = block * blockBytes + 4 + ((index - 1) >> 1);
      data[place] |= (index - 1) & 1 ? nibble << 4 : nibble;
    }
  }
  const format = Buffer.alloc(20);
  format.writeUInt16LE(0x11, 0);
  format.writeUInt16LE(1, 2);
  format.writeUInt32LE(rateHz, 4);
  format.writeUInt32LE(Math.round((rateHz * blockBytes) / perBlock), 8);
  format.writeUInt16LE(blockBytes, 12);
  format.writeUInt16LE(4, 14);
  format.writeUInt16LE(2, 16);
  format.writeUInt16LE(perBlock, 18);
  const fact = Buffer.alloc(4);
  fact.writeUInt32LE(pcm.length);
  return riff(format, data, fact);
}

mkdirSync(folder, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), 'prompts-'));
let total = 0;
const save = (name, bytes) => {
  writeFileSync(join(folder, `${name}.wav`), bytes);
  total += bytes.length;
};
try {
  for (const [name, phrase] of Object.entries(PROMPT_WORDS)) {
    save(name, adpcmFile(speak(name, phrase, scratch), SPEECH_RATE));
  }
} finally {
  rmSync(scratch, { recursive: true });
}
for (const name of Object.keys(PROMPT_SOUNDS)) save(name, pcmFile(...SOUNDS[name]()));
console.log(
  `${folder}: ${Object.keys(PROMPT_WORDS).length} phrases, ${(total / 1e6).toFixed(1)} MB`,
);
