// Digits that come as tones in the audio (ITU-T Q.23, Q.24). Two pure tones, one of each group,
// within 2.3 % of their frequency, for at least some 33 ms, with a twist of +4 to -8 dB. Speech is
// told apart by the power outside the two tones and by the frequencies, which it does not hold that
// well.
#pragma once

#include <cstdint>

namespace dsp {

struct DtmfDigit {
  char digit;  // '0'-'9', 'A'-'D', '*', '#'.
  int duration_ms;
};

class DtmfDetector {
 public:
  // False: not 8000, 16000 or 48000.
  bool init(int sample_rate_hz);
  // Any length. Digits are reported once, when the key is released. Returns how many.
  int process(const int16_t* pcm, int samples, DtmfDigit* out, int capacity);
  // A digit sounds now (two blocks of 12.75 ms seen): for taking it out of the mix.
  bool active() const { return digit_ != '\0'; }
  // The last block looked like a digit; the next one decides.
  bool suspected() const { return last_.digit != '\0'; }

 private:
  static constexpr int tone_count = 8;
  struct Tone {
    float real = 0;
    float imaginary = 0;
    float power = 0;
  };
  struct Block {
    char digit = '\0';  // Passes every test but that of frequency.
    int row = 0;
    int column = 0;
    float power = 0;  // Of the two tones.
    float share = 0;  // Of them in the block.
    Tone tones[tone_count] = {};
  };

  void run(const float* samples, int count);
  Block classify() const;
  bool steady(const Block& before, const Block& now) const;
  bool goes_on(const Block& block) const;
  void begin(const Block& block);
  bool finish();
  bool take(const Block& block);

  int factor_ = 1;  // Input samples to one at 8 kHz.
  int folded_ = 0;
  float fold_ = 0;
  float coefficients_[tone_count] = {};
  // Goertzel recursion of the block.
  float s1_[tone_count] = {};
  float s2_[tone_count] = {};
  float energy_ = 0;
  int count_ = 0;
  // Across blocks.
  Block last_;
  Block before_last_;
  char digit_ = '\0';
  int row_ = 0;
  int column_ = 0;
  int misses_ = 0;
  float full_power_ = 0;  // Of both tones in a block that they fill.
  float length_ = 0;      // In blocks; a block they fill partly counts as that part.
  DtmfDigit finished_ = {};
};

}  // namespace dsp
