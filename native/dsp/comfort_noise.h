// Comfort noise by RFC 3389: a level, and optionally a spectrum as reflection coefficients.
#pragma once

#include <cstdint>

namespace dsp {

class ComfortNoise {
 public:
  void init(uint32_t seed);
  // A silence descriptor payload. False: empty.
  bool update(const uint8_t* payload, int bytes);
  void set_level(int minus_dbov);
  void generate(int16_t* pcm, int samples);

 private:
  static constexpr int max_order = 12;
  uint32_t random_ = 1;
  int order_ = 0;
  float reflection_[max_order] = {};
  float state_[max_order + 1] = {};
  float gain_ = 0;  // Of the excitation now; glides to the target.
  float target_gain_ = 0;
};

// Writes a silence descriptor of one byte for audio of this level in dBov (at most 0). Returns its
// length.
int write_silence_descriptor(uint8_t* payload, int capacity, float dbov);

}  // namespace dsp
