/**
 * Rate change of whole prompts when they are loaded: windowed sinc, one set of coefficients a phase. Exact
 * rather than fast, as nothing waits for it; live audio is resampled in native/dsp.
 */

/** Zero crossings of the sinc on each side. */
const CROSSINGS = 24;
/** Pass band as a share of the lower rate's band; the rest is the slope of the filter. */
const PASS = 0.94;
/** Kaiser window, 80 dB stop band. */
const BETA = 7.857;

export function resample(samples: Int16Array, fromHz: number, toHz: number): Int16Array {
  if (fromHz === toHz) return samples;
  const divisor = gcd(fromHz, toHz);
  const up = toHz / divisor;
  const down = fromHz / divisor;
  const cutoff = Math.min(1, toHz / fromHz) * PASS;
  const reach = Math.ceil(CROSSINGS / cutoff);
  const phases = Array.from({ length: up }, (_, phase) => coefficients(phase / up, cutoff, reach));
  const output = new Int16Array(Math.ceil((samples.length * up) / down));
  // Silence on both sides: an index outside of an array would cost ten times as much as one inside.
  const padded = new Float64Array(samples.length + 2 * reach);
  padded.set(samples, reach - 1);
  for (let n = 0; n < output.length; n++) {
    const position = n * down;
    const centre = Math.floor(position / up);
    const taps = phases[position % up];
    if (taps === undefined) continue;
    let sum = 0;
    for (let k = 0; k < taps.length; k++) sum += (taps[k] ?? 0) * (padded[centre + k] ?? 0);
    output[n] = Math.max(-32768, Math.min(32767, Math.round(sum)));
  }
  return output;
}

function coefficients(fraction: number, cutoff: number, reach: number): Float64Array {
  const taps = new Float64Array(reach * 2);
  let total = 0;
  for (let k = 0; k < taps.length; k++) {
    const distance = k - reach + 1 - fraction;
    const x = Math.PI * distance * cutoff;
    const sinc = x === 0 ? 1 : Math.sin(x) / x;
    const edge = distance / reach;
    const window = Math.abs(edge) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - edge * edge));
    taps[k] = sinc * window;
    total += sinc * window;
  }
  // Unity at zero frequency for every phase, or the phases would be heard as a tone.
  for (let k = 0; k < taps.length; k++) taps[k] = (taps[k] ?? 0) / total;
  return taps;
}

/** Modified Bessel function of the first kind, order zero. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
