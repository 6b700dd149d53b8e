#include "dsp/limiter.h"

#include <algorithm>
#include <cmath>

namespace dsp {
namespace {

// Per millisecond: the gain falls by 2 dB at most when it is known ahead, rises by 6 dB in 150 ms.
constexpr float attack = 1.26f;
constexpr float release = 1.00463f;
// Longer than half a period of 50 Hz, so that the gain does not follow the wave.
constexpr int hold_ms = 12;

}  // namespace

void Limiter::init(int sample_rate_hz) {
  block_ = sample_rate_hz / 1000;
  hold_ = 0;
  gain_ = 1.0f;
}

void Limiter::process(const Kernels& kernels, int16_t* out, const int32_t* in, int samples,
                      int32_t peak) {
  if (idle() && peak <= limit_peak) {
    kernels.narrow(out, in, samples);
    return;
  }
  const int longest = (most_nodes - 1) * block_;
  for (int done = 0; done < samples; done += longest) {
    const int count = std::min(longest, samples - done);
    const int32_t* from = in + done;
    const int blocks = (count + block_ - 1) / block_;
    // nodes[k] is the gain at the start of millisecond k.
    float nodes[most_nodes];
    float need[most_nodes] = {};
    for (int k = 0; k < blocks; k++) {
      const int32_t* part = from + k * block_;
      int32_t loudest = 0;
      for (int i = 0; i < std::min(block_, count - k * block_); i++) {
        loudest = std::max(loudest, std::abs(part[i]));
      }
      need[k] = loudest > limit_peak ? static_cast<float>(limit_peak) / static_cast<float>(loudest)
                                     : 1.0f;
    }
    nodes[blocks] = need[blocks - 1];
    for (int k = blocks - 1; k >= 0; k--) {
      const float beside = k > 0 ? std::min(need[k], need[k - 1]) : need[0];
      nodes[k] = std::min(beside, nodes[k + 1] * attack);
    }
    nodes[0] = gain_;
    for (int k = 1; k <= blocks; k++) {
      float highest = nodes[k - 1];
      if (hold_ > 0) {
        hold_--;
      } else {
        highest *= release;
      }
      if (nodes[k] < nodes[k - 1]) hold_ = hold_ms;
      nodes[k] = std::min({nodes[k], highest, 1.0f});
    }
    gain_ = nodes[blocks];
    for (int k = 0; k < blocks; k++) {
      const int start = k * block_;
      const int length = std::min(block_, count - start);
      const float step = (nodes[k + 1] - nodes[k]) / static_cast<float>(length);
      for (int i = 0; i < length; i++) {
        const float gain = nodes[k] + step * static_cast<float>(i + 1);
        const float value = static_cast<float>(from[start + i]) * gain;
        const float clipped =
            std::clamp(value, -static_cast<float>(limit_peak), static_cast<float>(limit_peak));
        out[done + start + i] = static_cast<int16_t>(std::lrintf(clipped));
      }
    }
  }
}

int32_t limited_minus_one(const Kernels& kernels, Limiter& limiter, int16_t* out,
                          const int32_t* sum, const int16_t* own, int32_t* scratch, int samples) {
  if (limiter.idle()) {
    const int32_t peak = own != nullptr ? kernels.minus_one(out, sum, own, samples)
                                        : kernels.narrow(out, sum, samples);
    if (peak <= limit_peak) return peak;
  }
  if (own == nullptr) {
    const int32_t peak = kernels.narrow(out, sum, samples);
    limiter.process(kernels, out, sum, samples, peak);
    return peak;
  }
  const int32_t peak = kernels.minus_one_wide(scratch, sum, own, samples);
  limiter.process(kernels, out, scratch, samples, peak);
  return peak;
}

}  // namespace dsp
