// Designs the low-pass filters of the resampler and prints resampler_taps.h:
//   node native/dsp/design_resampler.mjs > native/dsp/resampler_taps.h
// Symmetric FIR with nearly equal ripple, by least squares whose weights grow where the error is largest
// (Lawson). Taps are Q14, split into phases, each phase with the same gain at 0 Hz: else a constant would whistle.

const FILTERS = [
  // The narrow band against 16 kHz and 48 kHz: telephone speech to 3.4 kHz, nothing beyond 4 kHz.
  { name: 'narrow_at_16k', rateHz: 16000, phases: 2, tapsPerPhase: 32, passHz: 3400, stopHz: 4000 },
  { name: 'narrow_at_48k', rateHz: 48000, phases: 6, tapsPerPhase: 40, passHz: 3400, stopHz: 4000 },
  // The wide band against 48 kHz: G.722 to 7 kHz, nothing beyond 8 kHz.
  { name: 'wide_at_48k', rateHz: 48000, phases: 3, tapsPerPhase: 48, passHz: 7100, stopHz: 8000 },
];
// Ripple may be this many times the stop-band amplitude: +-0.2 dB against 61 dB and more.
const STOP_WEIGHT = 30;

function solve(matrix, vector) {
  const n = vector.length;
  const a = matrix.map((row, i) => [...row, vector[i]]);
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(a[row][column]) > Math.abs(a[pivot][column])) pivot = row;
    }
    [a[column], a[pivot]] = [a[pivot], a[column]];
    for (let row = column + 1; row < n; row++) {
      const factor = a[row][column] / a[column][column];
      for (let k = column; k <= n; k++) a[row][k] -= factor * a[column][k];
    }
  }
  const x = new Array(n).fill(0);
  for (let row = n - 1; row >= 0; row--) {
    let sum = a[row][n];
    for (let k = row + 1; k < n; k++) sum -= a[row][k] * x[k];
    x[row] = sum / a[row][row];
  }
  return x;
}

function design({ rateHz, phases, tapsPerPhase, passHz, stopHz }) {
  const taps = phases * tapsPerPhase;
  const half = taps / 2;
  const points = [];
  const steps = 12 * half;
  for (let i = 0; i <= steps; i++) {
    const hz = (rateHz / 2) * (i / steps);
    if (hz > passHz && hz < stopHz) continue;
    const basis = [];
    for (let k = 0; k < half; k++) {
      basis.push(2 * Math.cos((2 * Math.PI * hz * (k + 0.5)) / rateHz));
    }
    points.push({
      basis,
      wanted: hz <= passHz ? 1 : 0,
      scale: hz <= passHz ? 1 : STOP_WEIGHT,
      weight: 1,
    });
  }
  for (const hz of [passHz, stopHz]) {
    const basis = [];
    for (let k = 0; k < half; k++)
      basis.push(2 * Math.cos((2 * Math.PI * hz * (k + 0.5)) / rateHz));
    points.push({
      basis,
      wanted: hz === passHz ? 1 : 0,
      scale: hz === passHz ? 1 : STOP_WEIGHT,
      weight: 1,
    });
  }
  let best = null;
  for (let round = 0; round < 60; round++) {
    const matrix = Array.from({ length: half }, () => new Array(half).fill(0));
    const vector = new Array(half).fill(0);
    for (const { basis, wanted, scale, weight } of points) {
      const w = weight * scale * scale;
      for (let i = 0; i < half; i++) {
        vector[i] += w * basis[i] * wanted;
        for (let j = 0; j <= i; j++) matrix[i][j] += w * basis[i] * basis[j];
      }
    }
    for (let i = 0; i < half; i++) for (let j = i + 1; j < half; j++) matrix[i][j] = matrix[j][i];
    const x = solve(matrix, vector);
    const errors = points.map(
      ({ basis, wanted, scale }) =>
        Math.abs(basis.reduce((sum, b, i) => sum + b * x[i], 0) - wanted) * scale,
    );
    const worst = Math.max(...errors);
    if (!best || worst < best.worst) best = { worst, x };
    let total = 0;
    points.forEach((point, i) => {
      point.weight *= 0.2 + (0.8 * errors[i]) / worst + 1e-9;
      total += point.weight;
    });
    for (const point of points) point.weight *= points.length / total;
  }
  return [...best.x.toReversed(), ...best.x];
}

/** Taps of phase p in the order of the samples, oldest first: output phase p of sample n. */
function split(h, { phases, tapsPerPhase }) {
  const rows = [];
  const sum = Math.round(h.reduce((total, tap) => total + tap, 0) * 16384);
  for (let phase = 0; phase < phases; phase++) {
    const exact = [];
    for (let k = 0; k < tapsPerPhase; k++)
      exact.push(h[phase + (tapsPerPhase - 1 - k) * phases] * phases);
    const gain = exact.reduce((total, tap) => total + tap, 0);
    const row = exact.map((tap) => Math.round((tap / gain) * sum));
    const rest = sum - row.reduce((total, tap) => total + tap, 0);
    const largest = row.indexOf(Math.max(...row));
    row[largest] += rest;
    rows.push(row);
  }
  return rows;
}

/** Whole filter in Q14. Rounding alone would lift the stop band; single steps up or down push it back. */
function rounded(h, { rateHz, passHz, stopHz }) {
  const taps = h.map((tap) => Math.round(tap * 16384));
  const half = taps.length / 2;
  const grid = [];
  for (let i = 0; i <= 8 * half; i++) {
    const hz = (rateHz / 2) * (i / (8 * half));
    if (hz > passHz && hz < stopHz) continue;
    const basis = new Float64Array(half);
    for (let k = 0; k < half; k++) basis[k] = 2 * Math.cos((2 * Math.PI * hz * (k + 0.5)) / rateHz);
    const pass = hz <= passHz;
    let value = 0;
    for (let k = 0; k < half; k++) value += basis[k] * (taps[half + k] / 16384);
    grid.push({ basis, value, wanted: pass ? 1 : 0, scale: pass ? 1 : STOP_WEIGHT });
  }
  // A high power of the error stands for its maximum.
  const cost = (k, step) =>
    grid.reduce((sum, point) => {
      const error = (point.value + (point.basis[k] * step) / 16384 - point.wanted) * point.scale;
      return sum + (error * 20) ** 24;
    }, 0);
  for (let changed = true, round = 0; changed && round < 12; round++) {
    changed = false;
    for (let k = 0; k < half; k++) {
      const step = [0, -1, 1].toSorted((a, b) => cost(k, a) - cost(k, b))[0];
      if (step === 0) continue;
      changed = true;
      taps[half + k] += step;
      taps[half - 1 - k] += step;
      for (const point of grid) point.value += (point.basis[k] * step) / 16384;
    }
  }
  return taps;
}

const lines = [
  '// Generated by design_resampler.mjs; do not edit. Q14, a row a phase, oldest sample first.',
  '// `whole` is the filter for the way down.',
  '#pragma once',
  '',
  '#include <cstdint>',
  '',
  'namespace dsp {',
];
for (const filter of FILTERS) {
  const h = design(filter);
  const rows = split(h, filter);
  lines.push(
    '',
    `// ${filter.rateHz} Hz, pass to ${filter.passHz} Hz, stop from ${filter.stopHz} Hz`,
  );
  lines.push('// clang-format off');
  lines.push(
    `alignas(64) inline constexpr int16_t ${filter.name}[${filter.phases * filter.tapsPerPhase}] = {`,
  );
  for (const row of rows) {
    for (let i = 0; i < row.length; i += 16) lines.push(`    ${row.slice(i, i + 16).join(', ')},`);
  }
  lines.push('};');
  const whole = rounded(h, filter);
  lines.push(`alignas(64) inline constexpr int16_t ${filter.name}_whole[${whole.length}] = {`);
  for (let i = 0; i < whole.length; i += 16)
    lines.push(`    ${whole.slice(i, i + 16).join(', ')},`);
  lines.push('};', '// clang-format on');
}
lines.push('', '}  // namespace dsp');
console.log(lines.join('\n'));
