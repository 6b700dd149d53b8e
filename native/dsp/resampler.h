// Rate change among 8, 16 and 48 kHz by polyphase FIR. One object for each stream and direction, as
// long as the stream lives: history across frames is what keeps their borders silent. Pass band
// to 3.4 kHz (7.1 kHz between 16 and 48 kHz) within +-0.21 dB, everything that would alias at least
// 60 dB down.
#pragma once

#include <cstdint>

#include "dsp/kernels.h"

namespace dsp {

class Resampler {
 public:
  // False: a rate other than 8000, 16000, 48000. Equal rates copy.
  bool init(int in_hz, int out_hz);
  // What was heard is forgotten; writes nothing into one that was never used.
  void reset();
  // `samples` is a multiple of in_hz / out_hz when going down. Returns samples written: samples *
  // out_hz / in_hz.
  int process(const Kernels& kernels, const int16_t* in, int samples, int16_t* out);
  // Added by the filter, in microseconds: 2 to 2.5 ms, 1.5 ms between 16 and 48 kHz.
  int delay_us() const;

  int in_hz() const { return in_hz_; }
  int out_hz() const { return out_hz_; }

 private:
  static constexpr int longest = 240;
  const int16_t* taps_ = nullptr;
  int in_hz_ = 0;
  int out_hz_ = 0;
  int up_ = 1;
  int down_ = 1;
  int length_ = 0;  // Taps for one output sample; length_ - 1 samples are kept.
  int16_t history_[longest] = {};
};

}  // namespace dsp
