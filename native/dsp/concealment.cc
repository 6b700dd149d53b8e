#include "dsp/concealment.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace dsp {
namespace {

// Appendix I: pitch of 66 to 200 Hz, found by correlation over 20 ms.
constexpr int shortest_pitch_us = 5000;
constexpr int longest_pitch_us = 15000;
constexpr int correlation_us = 20000;
// Three periods and a quarter.
constexpr int history_us = 48750;

int samples_of(int microseconds, int rate_hz) {
  return rate_hz / 250 * microseconds / 4000;
}

// The search runs at 4 kHz.
constexpr int coarse_rate_hz = 4000;
constexpr int coarse_history = 195;

// Correlation of x and y, normalised by the energy of y; comparable between lags.
float likeness(const float* x, const float* y, int count) {
  float product = 0;
  float energy = 1;
  for (int i = 0; i < count; i++) {
    product += x[i] * y[i];
    energy += y[i] * y[i];
  }
  return product / std::sqrt(energy);
}

}  // namespace

size_t Concealment::bytes_for(int sample_rate_hz) {
  return static_cast<size_t>(samples_of(history_us, sample_rate_hz)) * 2 * sizeof(int16_t);
}

void Concealment::init(void* memory, int sample_rate_hz) {
  rate_hz_ = sample_rate_hz;
  history_length_ = samples_of(history_us, rate_hz_);
  history_ = static_cast<int16_t*>(memory);
  pitch_buffer_ = history_ + history_length_;
  fade_end_ = samples_of(60000, rate_hz_);
  reset();
}

void Concealment::reset() {
  std::memset(history_, 0, static_cast<size_t>(history_length_) * sizeof(int16_t));
  next_ = 0;
  heard_ = false;
  concealing_ = false;
  made_ = 0;
  blend_left_ = 0;
}

void Concealment::remember(const int16_t* pcm, int samples) {
  if (samples > history_length_) {
    pcm += samples - history_length_;
    samples = history_length_;
  }
  const int first = std::min(samples, history_length_ - next_);
  std::memcpy(history_ + next_, pcm, static_cast<size_t>(first) * sizeof(int16_t));
  std::memcpy(history_, pcm + first, static_cast<size_t>(samples - first) * sizeof(int16_t));
  next_ += samples;
  if (next_ >= history_length_) next_ -= history_length_;
}

void Concealment::prefetch(int samples) const {
  const auto* at = reinterpret_cast<const char*>(history_ + next_);
  const auto* end =
      reinterpret_cast<const char*>(history_ + std::min(next_ + samples, history_length_));
  for (; at < end; at += 64) __builtin_prefetch(at, 1);
}

void Concealment::note(const int16_t* pcm, int samples) {
  heard_ = true;
  concealing_ = false;
  remember(pcm, samples);
}

void Concealment::good(int16_t* pcm, int samples) {
  if (concealing_) {
    // Appendix I: a quarter period, and 4 ms more for each 10 ms of loss, up to 10 ms.
    const int ms10 = rate_hz_ / 100;
    const int longer = samples_of(4000, rate_hz_) * (made_ / ms10);
    // After silence it is only a soft edge.
    const int wanted = made_ < fade_end_ ? std::min(overlap_ + longer, ms10) : ms10 / 4;
    const int blend = std::min(wanted, samples);
    int16_t going_on[480];
    generate(going_on, blend);
    for (int i = 0; i < blend; i++) {
      const int weight = (i + 1) * 32768 / (blend + 1);
      pcm[i] = static_cast<int16_t>((pcm[i] * weight + going_on[i] * (32768 - weight)) >> 15);
    }
    concealing_ = false;
  }
  heard_ = true;
  remember(pcm, samples);
}

// Coarse at 4 kHz on averaged samples, then to the sample around the best lag.
int Concealment::find_pitch() const {
  const int factor = rate_hz_ / coarse_rate_hz;
  float coarse[coarse_history];
  for (int i = 0; i < coarse_history; i++) {
    int32_t sum = 0;
    for (int j = 0; j < factor; j++) sum += pitch_buffer_[i * factor + j];
    coarse[i] = static_cast<float>(sum) / static_cast<float>(factor);
  }
  const int window = samples_of(correlation_us, coarse_rate_hz);
  const int longest = samples_of(longest_pitch_us, coarse_rate_hz);
  const int shortest = samples_of(shortest_pitch_us, coarse_rate_hz);
  const float* latest = coarse + coarse_history - window;
  int best = longest;
  float best_likeness = -1e30f;
  for (int lag = longest; lag >= shortest; lag--) {
    const float found = likeness(latest, latest - lag, window);
    if (found >= best_likeness) {
      best_likeness = found;
      best = lag;
    }
  }

  // All samples at 8 kHz; above, every n-th product decides well enough.
  const int stride = std::max(1, rate_hz_ / 8000);
  const int fine_window = samples_of(correlation_us, rate_hz_);
  const int16_t* end = pitch_buffer_ + history_length_ - fine_window;
  const int lowest = std::max(best * factor - factor + 1, shortest * factor);
  const int highest = std::min(best * factor + factor - 1, longest * factor);
  int pitch = best * factor;
  best_likeness = -1e30f;
  for (int lag = lowest; lag <= highest; lag++) {
    float product = 0;
    float energy = 1;
    for (int i = 0; i < fine_window; i += stride) {
      const float x = end[i];
      const float y = end[i - lag];
      product += x * y;
      energy += y * y;
    }
    const float found = product / std::sqrt(energy);
    if (found > best_likeness) {
      best_likeness = found;
      pitch = lag;
    }
  }
  return pitch;
}

// Makes the last `periods` of the pitch buffer loop: their last quarter period glides into what
// came before their first sample.
void Concealment::use_periods(int periods) {
  periods_ = periods;
  int16_t* end = pitch_buffer_ + history_length_;
  const int16_t* before = end - periods * pitch_ - overlap_;
  for (int i = 0; i < overlap_; i++) {
    const int weight = (i + 1) * 32768 / (overlap_ + 1);
    end[i - overlap_] =
        static_cast<int16_t>((tail_[i] * (32768 - weight) + before[i] * weight) >> 15);
  }
}

void Concealment::begin() {
  concealing_ = true;
  made_ = 0;
  blend_left_ = 0;
  if (!heard_) {
    made_ = fade_end_;
    return;
  }
  // Straightened out, oldest first.
  const int older = history_length_ - next_;
  std::memcpy(pitch_buffer_, history_ + next_, static_cast<size_t>(older) * sizeof(int16_t));
  std::memcpy(pitch_buffer_ + older, history_, static_cast<size_t>(next_) * sizeof(int16_t));
  pitch_ = find_pitch();
  overlap_ = pitch_ / 4;
  position_ = 0;
  const int16_t* end = pitch_buffer_ + history_length_;
  offset_ = end[-1] - end[-pitch_ - 1];
  std::memcpy(tail_, end - overlap_, static_cast<size_t>(overlap_) * sizeof(int16_t));
  use_periods(1);
}

int16_t Concealment::repeat() {
  const int16_t* end = pitch_buffer_ + history_length_;
  const int16_t sample = end[position_ - periods_ * pitch_];
  if (++position_ >= periods_ * pitch_) position_ = 0;
  return sample;
}

void Concealment::generate(int16_t* pcm, int samples) {
  const int ms10 = rate_hz_ / 100;
  for (int i = 0; i < samples; i++, made_++) {
    if (made_ >= fade_end_) {
      std::memset(pcm + i, 0, static_cast<size_t>(samples - i) * sizeof(int16_t));
      made_ += samples - i;
      return;
    }
    if (periods_ < 3 && made_ == ms10 * periods_) {
      // From here one period more is repeated: the same position is the same phase, a period
      // earlier. The two blend over a quarter period.
      blend_from_ = position_;
      blend_periods_ = periods_;
      blend_left_ = overlap_;
      use_periods(periods_ + 1);
    }
    int32_t value = repeat();
    if (blend_left_ > 0) {
      const int16_t* end = pitch_buffer_ + history_length_;
      const int32_t before = end[blend_from_ - blend_periods_ * pitch_];
      if (++blend_from_ >= blend_periods_ * pitch_) blend_from_ = 0;
      value += (before - value) * blend_left_ / (overlap_ + 1);
      blend_left_--;
    }
    if (made_ < overlap_) value += offset_ * (overlap_ - made_) / overlap_;
    if (made_ >= ms10) {
      const int left = fade_end_ - made_;
      value = value * left / (fade_end_ - ms10);
    }
    pcm[i] = static_cast<int16_t>(std::clamp(value, -32768, 32767));
  }
}

void Concealment::conceal(int16_t* pcm, int samples) {
  if (!concealing_) begin();
  generate(pcm, samples);
  remember(pcm, samples);
}

}  // namespace dsp
