// A gain that moves without a click: a straight line to the target over a given number of samples.
// Gains are Q28 as in kernels.h.
#pragma once

#include <cstdint>

#include "dsp/kernels.h"

namespace dsp {

class GainRamp {
 public:
  void set(int32_t gain) {
    gain_ = target_ = gain;
    left_ = 0;
  }
  // 0 samples: at once.
  void move_to(int32_t target, int samples) {
    target_ = target;
    left_ = samples;
    if (samples <= 0) set(target);
  }
  void apply(const Kernels& kernels, int16_t* pcm, int samples) {
    const int ramped = samples < left_ ? samples : left_;
    if (ramped > 0) {
      const int32_t step = (target_ - gain_) / left_;
      kernels.apply_ramp(pcm, pcm, ramped, gain_, step);
      left_ -= ramped;
      gain_ = left_ == 0 ? target_ : gain_ + step * ramped;
    }
    if (ramped < samples && gain_ != unity_gain) {
      kernels.apply_ramp(pcm + ramped, pcm + ramped, samples - ramped, gain_, 0);
    }
  }
  bool moving() const { return left_ > 0; }
  bool unity() const { return left_ == 0 && gain_ == unity_gain; }
  bool silent() const { return left_ == 0 && gain_ == 0; }
  int32_t gain() const { return gain_; }

 private:
  int32_t gain_ = unity_gain;
  int32_t target_ = unity_gain;
  int left_ = 0;
};

// Q28 from dB, clipped to what kernels take. For configuration, not for the tick.
int32_t gain_of_db(double db);

}  // namespace dsp
