#include "dsp/automatic_gain.h"

#include <algorithm>
#include <cmath>

namespace dsp {
namespace {

// 3 s of talk are remembered; the first half second only measures.
constexpr uint16_t memory_frames = 150;
constexpr uint16_t first_frames = 25;
// Steps of 0.1 dB up and 0.2 dB down; a band of 0.5 dB around the target is left alone.
constexpr float step_up = 1.011579f;
constexpr float step_down = 0.977237f;
constexpr float too_little = 0.891f;
constexpr float too_much = 1.122f;
constexpr float most = 5.623413f;  // 15 dB
constexpr float least = 1 / most;

}  // namespace

void AutomaticGain::init(float target_dbov) {
  *this = AutomaticGain{};
  target_ = 32768.0f * 32768.0f * std::pow(10.0f, target_dbov / 10);
}

void AutomaticGain::hear(float mean_square) {
  if (frames_ < memory_frames) frames_++;
  power_ += (mean_square - power_) / static_cast<float>(frames_);
  if (frames_ < first_frames) return;
  const float level = power_ * gain_ * gain_;
  if (level < target_ * too_little) {
    gain_ = std::min(gain_ * step_up, most);
  } else if (level > target_ * too_much) {
    gain_ = std::max(gain_ * step_down, least);
  }
}

}  // namespace dsp
