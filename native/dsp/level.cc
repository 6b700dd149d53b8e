#include "dsp/level.h"

#include <algorithm>
#include <cmath>

#include "dsp/gain_ramp.h"

namespace dsp {

float level_dbov(float mean_square) {
  constexpr float full_scale = 32768.0f * 32768.0f;
  if (mean_square <= 0) return silent_dbov;
  return std::clamp(10.0f * std::log10(mean_square / full_scale), silent_dbov, 0.0f);
}

float level_dbov(uint64_t energy, int samples) {
  if (samples <= 0) return silent_dbov;
  return level_dbov(static_cast<float>(energy) / static_cast<float>(samples));
}

uint8_t rfc6464_level(float dbov) {
  return static_cast<uint8_t>(std::clamp(std::lrintf(-dbov), 0L, 127L));
}

int32_t gain_of_db(double db) {
  const double gain = std::pow(10.0, db / 20) * unity_gain;
  return gain >= max_gain ? max_gain : static_cast<int32_t>(std::lrint(gain));
}

}  // namespace dsp
