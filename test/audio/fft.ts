/** In-place radix-2 FFT over separate real and imaginary parts; the length is a power of two. */
export function fft(real: Float64Array, imaginary: Float64Array, inverse = false): void {
  const count = real.length;
  if (count === 0 || (count & (count - 1)) !== 0) {
    throw new RangeError(`the length must be a power of two, got ${count}`);
  }
  for (let index = 1, mirrored = 0; index < count; index++) {
    let bit = count >> 1;
    for (; (mirrored & bit) !== 0; bit >>= 1) mirrored ^= bit;
    mirrored ^= bit;
    if (index < mirrored) {
      swap(real, index, mirrored);
      swap(imaginary, index, mirrored);
    }
  }
  for (let span = 2; span <= count; span <<= 1) {
    const angle = ((inverse ? 2 : -2) * Math.PI) / span;
    for (let offset = 0; offset < span / 2; offset++) {
      const cosine = Math.cos(angle * offset);
      const sine = Math.sin(angle * offset);
      for (let start = offset; start < count; start += span) {
        const other = start + span / 2;
        const re = at(real, other) * cosine - at(imaginary, other) * sine;
        const im = at(real, other) * sine + at(imaginary, other) * cosine;
        real[other] = at(real, start) - re;
        imaginary[other] = at(imaginary, start) - im;
        real[start] = at(real, start) + re;
        imaginary[start] = at(imaginary, start) + im;
      }
    }
  }
  if (!inverse) return;
  for (let index = 0; index < count; index++) {
    real[index] = at(real, index) / count;
    imaginary[index] = at(imaginary, index) / count;
  }
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? 0;
}

function swap(values: Float64Array, left: number, right: number): void {
  const kept = at(values, left);
  values[left] = at(values, right);
  values[right] = kept;
}
