#include "dsp/vad.h"

#include <algorithm>

#include "dsp/level.h"

namespace dsp {
namespace {

constexpr int part_ms = 250;
// 9 dB over the noise starts talk, 6 dB keeps it.
constexpr float start_ratio = 8.0f;
constexpr float stay_ratio = 4.0f;
// -60 dBov: below this nobody talks. -42 dBov: above this it is no noise floor, however steady
// (music, a tone).
constexpr float least_voice = 1074.0f;
constexpr float most_noise = 67750.0f;
// The minimum of smoothed noise power lies below its mean.
constexpr float bias = 1.4f;
constexpr float rise = 0.35f;
constexpr float fall = 0.7f;
// -55 dBov: assumed before anything is known.
constexpr float first_noise = 3395.0f;

}  // namespace

void Vad::init(int frame_ms, int hangover_ms) {
  *this = Vad{};
  frame_ms_ = frame_ms;
  hangover_frames_ = hangover_ms / frame_ms;
  noise_ = first_noise;
  std::fill(least_, least_ + history, most_noise);
}

void Vad::follow_noise(float mean_square) {
  smoothed_ = started_
                  ? smoothed_ + (mean_square > smoothed_ ? rise : fall) * (mean_square - smoothed_)
                  : mean_square;
  started_ = true;
  least_[part_] = std::min(least_[part_], smoothed_);
  if (++frames_in_part_ * frame_ms_ >= part_ms) {
    frames_in_part_ = 0;
    part_ = (part_ + 1) % history;
    least_[part_] = smoothed_;
  }
  noise_ = std::min(*std::min_element(least_, least_ + history) * bias, most_noise);
}

bool Vad::process(float mean_square) {
  const float ratio = hangover_ > 0 ? stay_ratio : start_ratio;
  voice_ = mean_square >= least_voice && mean_square >= noise_ * ratio;
  follow_noise(mean_square);
  if (voice_) {
    hangover_ = hangover_frames_;
    return true;
  }
  if (hangover_ == 0) return false;
  hangover_--;
  return true;
}

float Vad::noise_dbov() const {
  return level_dbov(noise_);
}

}  // namespace dsp
