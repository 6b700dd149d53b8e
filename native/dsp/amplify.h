// Gains beyond what the kernels of the mix take (kernels.h: +12 dB, 16 bits), on wide samples, so
// that a limiter and not saturation answers for what becomes too loud. For the few voices that have
// a gain of their own.
#pragma once

#include <cstdint>

namespace dsp {

// in * gain into out, the gain moving by `step` after each sample; returns the largest magnitude.
// Magnitudes of `in` times gain stay below 2^30. `out` may be `in`.
int32_t amplify(int32_t* out, const int32_t* in, int count, float gain, float step);
int32_t amplify(int32_t* out, const int16_t* in, int count, float gain, float step);

}  // namespace dsp
