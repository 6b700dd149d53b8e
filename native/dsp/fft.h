// A complex FFT in place, radix 2, for spectra of at most 1024 points. Plain code: it serves
// options that are off by default.
#pragma once

namespace dsp {

inline constexpr int fft_most_order = 10;

// 2^order points. `inverse` includes the division by their number.
void fft(float* re, float* im, int order, bool inverse);

}  // namespace dsp
