#include "dsp/resampler.h"

#include <algorithm>
#include <cstring>

#include "dsp/resampler_taps.h"

namespace dsp {
namespace {

constexpr int longest_input = 960;

struct Filter {
  int low_hz;
  int high_hz;
  const int16_t* phases;
  const int16_t* whole;
  int taps;
};

constexpr Filter filters[] = {
    {8000, 16000, narrow_at_16k, narrow_at_16k_whole, sizeof narrow_at_16k / 2},
    {8000, 48000, narrow_at_48k, narrow_at_48k_whole, sizeof narrow_at_48k / 2},
    {16000, 48000, wide_at_48k, wide_at_48k_whole, sizeof wide_at_48k / 2},
};

}  // namespace

bool Resampler::init(int in_hz, int out_hz) {
  std::memset(history_, 0, sizeof history_);
  in_hz_ = in_hz;
  out_hz_ = out_hz;
  up_ = down_ = 1;
  length_ = 0;
  taps_ = nullptr;
  if (in_hz == out_hz) return in_hz == 8000 || in_hz == 16000 || in_hz == 48000;
  for (const Filter& filter : filters) {
    const int ratio = filter.high_hz / filter.low_hz;
    if (in_hz == filter.low_hz && out_hz == filter.high_hz) {
      up_ = ratio;
      taps_ = filter.phases;
      length_ = filter.taps / ratio;
      return true;
    }
    if (in_hz == filter.high_hz && out_hz == filter.low_hz) {
      down_ = ratio;
      taps_ = filter.whole;
      length_ = filter.taps;
      return true;
    }
  }
  return false;
}

void Resampler::reset() {
  if (in_hz_ != 0) std::memset(history_, 0, sizeof history_);
}

int Resampler::process(const Kernels& kernels, const int16_t* in, int samples, int16_t* out) {
  if (taps_ == nullptr) {
    std::memcpy(out, in, static_cast<size_t>(samples) * sizeof(int16_t));
    return samples;
  }
  const int kept = length_ - down_;
  int16_t span[longest + longest_input];
  std::memcpy(span, history_, static_cast<size_t>(kept) * sizeof(int16_t));
  int written = 0;
  while (samples > 0) {
    const int part = std::min(samples, longest_input);
    std::memcpy(span + kept, in, static_cast<size_t>(part) * sizeof(int16_t));
    const int made = part / down_ * up_;
    kernels.fir(out + written, span, taps_, length_, up_, down_, made);
    std::memmove(span, span + part, static_cast<size_t>(kept) * sizeof(int16_t));
    written += made;
    in += part;
    samples -= part;
  }
  std::memcpy(history_, span, static_cast<size_t>(kept) * sizeof(int16_t));
  return written;
}

int Resampler::delay_us() const {
  if (taps_ == nullptr) return 0;
  const int64_t taps = int64_t{length_} * up_;
  const int high_hz = std::max(in_hz_, out_hz_);
  return static_cast<int>(taps * 1'000'000 / 2 / high_hz);
}

}  // namespace dsp
