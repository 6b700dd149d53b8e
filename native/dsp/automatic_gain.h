// Brings a voice slowly to a given active speech level. It hears only frames in which somebody
// talks, so that pauses and noise never raise the gain; it measures the mean power of talk over
// some seconds and moves by at most 5 dB a second up, 10 dB a second down. Peaks are the limiter's
// work.
#pragma once

#include <cstdint>

namespace dsp {

class AutomaticGain {
 public:
  static constexpr float most_db = 15.0f;

  // `target_dbov`: the level that talk shall have.
  void init(float target_dbov);
  // A frame of 20 ms in which somebody talks, by its mean square before the gain.
  void hear(float mean_square);
  // Linear.
  float gain() const { return gain_; }

 private:
  float target_ = 0;  // mean square
  float power_ = 0;   // of talk so far, the newest seconds counting most
  float gain_ = 1.0f;
  uint16_t frames_ = 0;
};

}  // namespace dsp
