// Keeps one output of the mix below -1 dBFS. One object for each output; it looks ahead over the
// frame it is given and adds no delay: while nothing is too loud and the gain has recovered,
// samples pass unchanged.
//
// The gain is a line between nodes 1 ms apart, low enough on both sides of every loud millisecond,
// coming down over the milliseconds before it and going up slowly after a hold. Only a peak in the
// very first millisecond of a frame comes unannounced: the gain falls within that millisecond and
// what still exceeds is clipped.
#pragma once

#include <cstdint>

#include "dsp/kernels.h"

namespace dsp {

// -1 dBFS: 32768 * 10^(-1/20).
inline constexpr int32_t limit_peak = 29204;

class Limiter {
 public:
  void init(int sample_rate_hz);
  // True: what is below the limit passes unchanged, so a frame whose peak is may skip the limiter.
  bool idle() const { return gain_ >= 1.0f; }
  // `peak` is the largest magnitude in `in`.
  void process(const Kernels& kernels, int16_t* out, const int32_t* in, int samples, int32_t peak);

 private:
  static constexpr int most_nodes = 64;
  int block_ = 8;      // Samples of 1 ms.
  int hold_ = 0;       // Milliseconds until the gain may rise.
  float gain_ = 1.0f;  // At the end of the last frame.
};

// sum - own through the limiter; `own` null: the sum itself. One pass when nothing is too loud.
// `scratch` holds `samples` values. Returns the peak before limiting.
int32_t limited_minus_one(const Kernels& kernels, Limiter& limiter, int16_t* out,
                          const int32_t* sum, const int16_t* own, int32_t* scratch, int samples);

}  // namespace dsp
