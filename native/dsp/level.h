// Levels in dBov: 0 is the power of a full-scale square wave (RFC 6464, RFC 3389), so a full-scale
// sine is at -3. Silence is at -127.
#pragma once

#include <cstdint>

namespace dsp {

inline constexpr float silent_dbov = -127.0f;

// From Kernels::energy over `samples` samples.
float level_dbov(uint64_t energy, int samples);
// From a mean square of samples.
float level_dbov(float mean_square);
// As in the audio level header extension: 0 to 127, meaning 0 to -127 dBov.
uint8_t rfc6464_level(float dbov);

}  // namespace dsp
