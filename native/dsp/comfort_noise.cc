#include "dsp/comfort_noise.h"

#include <algorithm>
#include <cmath>

namespace dsp {
namespace {

// Power of uniform noise in -1..1.
constexpr float uniform_power = 1.0f / 3.0f;
// Glide of the gain for each sample; a new level is reached within some 20 ms.
constexpr float glide = 1.0f / 64;

}  // namespace

void ComfortNoise::init(uint32_t seed) {
  *this = ComfortNoise{};
  random_ = seed * 2654435761u + 1;
}

// RFC 3389 section 3: the first byte is the level in -dBov, below 128.
void ComfortNoise::set_level(int minus_dbov) {
  const float amplitude = 32768.0f * std::pow(10.0f, static_cast<float>(-minus_dbov) / 20.0f);
  // The filter makes the noise louder by 1 / prod(1 - k^2).
  float loss = 1;
  for (int i = 0; i < order_; i++) loss *= 1 - reflection_[i] * reflection_[i];
  target_gain_ = amplitude * std::sqrt(loss / uniform_power);
}

bool ComfortNoise::update(const uint8_t* payload, int bytes) {
  if (bytes < 1) return false;
  // Section 3.2: k = 258 * (N - 127) / 32768; the rest of an over-long model is left out.
  order_ = std::min(bytes - 1, max_order);
  for (int i = 0; i < order_; i++) {
    const int coded = std::min<int>(payload[i + 1], 254);
    reflection_[i] = 258.0f * static_cast<float>(coded - 127) / 32768.0f;
    // At +-1 the filter would ring for ever.
    reflection_[i] = std::clamp(reflection_[i], -0.98f, 0.98f);
  }
  set_level(payload[0] & 127);
  return true;
}

void ComfortNoise::generate(int16_t* pcm, int samples) {
  for (int i = 0; i < samples; i++) {
    random_ = random_ * 1664525u + 1013904223u;
    gain_ += (target_gain_ - gain_) * glide;
    float value =
        static_cast<float>(static_cast<int32_t>(random_)) * (1.0f / 2147483648.0f) * gain_;
    // All-pole lattice, RFC 3389 section 4.
    for (int j = order_ - 1; j >= 0; j--) {
      value -= reflection_[j] * state_[j];
      state_[j + 1] = state_[j] + reflection_[j] * value;
    }
    state_[0] = value;
    pcm[i] = static_cast<int16_t>(std::clamp(std::lrintf(value), -32768L, 32767L));
  }
}

int write_silence_descriptor(uint8_t* payload, int capacity, float dbov) {
  if (capacity < 1) return 0;
  payload[0] = static_cast<uint8_t>(std::clamp(std::lrintf(-dbov), 0L, 127L));
  return 1;
}

}  // namespace dsp
