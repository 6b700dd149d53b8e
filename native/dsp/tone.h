// Tones out: DTMF digits (ITU-T Q.23) and single or double tones. Edges are shaped over 2 ms.
#pragma once

#include <cstdint>

namespace dsp {

class ToneGenerator {
 public:
  // Levels in dBov as of level.h. second_hz 0: one tone.
  void start(int sample_rate_hz, float first_hz, float first_dbov, float second_hz = 0,
             float second_dbov = 0);
  // The digit with its high tone 2 dB over the low one; false: no such digit. Default -9 dBov in
  // all.
  bool start_digit(int sample_rate_hz, char digit, float dbov = -9.0f);
  // From here on the tone fades; generate gives zeros after that.
  void stop() { stopping_ = true; }
  bool sounding() const { return envelope_ > 0 || !stopping_; }
  void generate(int16_t* pcm, int samples);

 private:
  struct Oscillator {
    float cosine = 1, sine = 0;            // Now.
    float turn_cosine = 1, turn_sine = 0;  // In one sample.
    float amplitude = 0;
  };
  Oscillator oscillators_[2];
  float envelope_ = 0;
  float envelope_step_ = 0;
  bool stopping_ = true;
};

// Frequencies of a digit; false: no such digit.
bool dtmf_frequencies(char digit, float& low_hz, float& high_hz);

}  // namespace dsp
