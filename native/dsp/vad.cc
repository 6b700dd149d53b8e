#include "dsp/vad.h"

#include <algorithm>

#include "dsp/level.h"

namespace dsp {
namespace {

constexpr int part_ms = 250;
// 9 dB over the estimate starts talk, 6 dB keeps it, 4 dB (5 over the mean noise) is a sound.
constexpr float start_ratio = 8.0f;
constexpr float stay_ratio = 4.0f;
constexpr float sound_ratio = 2.5f;
// -60 dBov: below this nobody talks. -42 dBov: above this it is no noise floor, however steady
// (music, a tone).
constexpr float least_voice = 1074.0f;
constexpr float most_noise = 67750.0f;
constexpr float rise = 0.35f;
constexpr float fall = 0.7f;

}  // namespace

void Vad::init(int frame_ms, int hangover_ms) {
  *this = Vad{};
  frame_ms_ = static_cast<uint8_t>(frame_ms);
  hangover_frames_ = static_cast<uint8_t>(hangover_ms / frame_ms);
}

void Vad::follow_noise(float mean_square) {
  smoothed_ = started_
                  ? smoothed_ + (mean_square > smoothed_ ? rise : fall) * (mean_square - smoothed_)
                  : mean_square;
  started_ = true;
  least_[part_] = std::min(least_[part_], smoothed_);
  noise_ = std::min(std::min(least_[part_], least_before_) * bias, most_noise);
  if (++frames_in_part_ * frame_ms_ < part_ms) return;
  frames_in_part_ = 0;
  part_ = static_cast<uint8_t>((part_ + 1) % history);
  least_[part_] = smoothed_;
  least_before_ = *std::min_element(least_, least_ + history);
}

bool Vad::hang_over() {
  talking_ = voice_ || hangover_ > 0;
  if (voice_) {
    hangover_ = hangover_frames_;
  } else if (hangover_ > 0) {
    hangover_--;
  }
  return talking_;
}

bool Vad::process(float mean_square) {
  const float ratio = hangover_ > 0 ? stay_ratio : start_ratio;
  const bool audible = mean_square >= least_voice;
  voice_ = audible && mean_square >= noise_ * ratio;
  sound_ = audible && mean_square >= noise_ * sound_ratio;
  follow_noise(mean_square);
  return hang_over();
}

bool Vad::pause() {
  voice_ = sound_ = false;
  return hang_over();
}

float Vad::noise_dbov() const {
  return level_dbov(noise_);
}

}  // namespace dsp
