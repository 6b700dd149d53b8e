#include "dsp/dtmf_detector.h"

#include <algorithm>
#include <cmath>
#include <complex>

namespace dsp {
namespace {

// 12.75 ms at 8 kHz. Two blocks fit every tone of 38 ms, and a pause of 38 ms holds two blocks of
// it; the width of a bin (78 Hz) still parts 697 from 770 Hz.
constexpr int block_samples = 102;
constexpr float block_ms = 12.75f;
constexpr float frequencies[8] = {697, 770, 852, 941, 1209, 1336, 1477, 1633};
constexpr char keys[] = "123A456B789C*0#D";
constexpr float pi = 3.14159265f;

// -45 dB below a full-scale sine, about -42 dBm0, for each tone.
constexpr float least_amplitude = 184.0f;
// Q.24: high over low up to 4 dB, low over high up to 8 dB; some more, as the louder tone leaks
// into the bin of the other.
constexpr float most_twist = 3.16f;
constexpr float most_reverse_twist = 11.2f;
// The tone over the others of its group: 7 dB.
constexpr float group_margin = 5.0f;
// Share of the two tones in the power of the block.
constexpr float pure_share = 0.68f;
constexpr float bridged_share = 0.4f;
constexpr float bridged_power = 0.15f;
// Between 1.5 % (must pass) and 3.5 % (must not).
constexpr float most_offset = 0.024f;
// Between 23 ms (must not count) and 40 ms (must).
constexpr float least_ms = 31.0f;
constexpr int misses_that_end = 2;

float coefficient(int tone) {
  return 2 * std::cos(2 * pi * frequencies[tone] / 8000);
}

}  // namespace

bool DtmfDetector::init(int sample_rate_hz) {
  *this = DtmfDetector{};
  factor_ = sample_rate_hz / 8000;
  for (int j = 0; j < tone_count; j++) coefficients_[j] = coefficient(j);
  return sample_rate_hz == 8000 || sample_rate_hz == 16000 || sample_rate_hz == 48000;
}

// Goertzel's recursion for the eight frequencies side by side.
void DtmfDetector::run(const float* samples, int count) {
  float s1[tone_count];
  float s2[tone_count];
  std::copy(s1_, s1_ + tone_count, s1);
  std::copy(s2_, s2_ + tone_count, s2);
  float energy = 0;
  for (int i = 0; i < count; i++) {
    const float x = samples[i];
    energy += x * x;
    for (int j = 0; j < tone_count; j++) {
      const float s0 = x + coefficients_[j] * s1[j] - s2[j];
      s2[j] = s1[j];
      s1[j] = s0;
    }
  }
  std::copy(s1, s1 + tone_count, s1_);
  std::copy(s2, s2 + tone_count, s2_);
  energy_ += energy;
  count_ += count;
}

DtmfDetector::Block DtmfDetector::classify() const {
  Block block;
  constexpr float full = least_amplitude * least_amplitude * block_samples / 2;
  if (energy_ < full) return block;
  for (int j = 0; j < tone_count; j++) {
    const float turn = 2 * pi * frequencies[j] / 8000;
    Tone& tone = block.tones[j];
    tone.real = s1_[j] - s2_[j] * std::cos(turn);
    tone.imaginary = s2_[j] * std::sin(turn);
    tone.power = tone.real * tone.real + tone.imaginary * tone.imaginary;
  }
  const auto louder = [](const Tone& a, const Tone& b) { return a.power < b.power; };
  const Tone* tones = block.tones;
  block.row = static_cast<int>(std::max_element(tones, tones + 4, louder) - tones);
  block.column = static_cast<int>(std::max_element(tones + 4, tones + 8, louder) - tones) - 4;
  const float low = tones[block.row].power;
  const float high = tones[block.column + 4].power;
  block.power = low + high;
  // The power of a tone of amplitude A is (A n / 2)^2, its energy A^2 n / 2.
  block.share = block.power / (energy_ * block_samples / 2);
  constexpr float least = least_amplitude * block_samples / 2;
  if (low < least * least || high < least * least) return block;
  if (high > low * most_twist || low > high * most_reverse_twist) return block;
  for (int j = 0; j < 4; j++) {
    if (j != block.row && tones[j].power * group_margin > low) return block;
    if (j != block.column && tones[j + 4].power * group_margin > high) return block;
  }
  if (block.share >= pure_share) block.digit = keys[block.row * 4 + block.column];
  return block;
}

// From one block to the next, the phase of a tone tells its frequency to a few Hz.
bool DtmfDetector::steady(const Block& before, const Block& now) const {
  for (const int j : {now.row, now.column + 4}) {
    const Tone& a = before.tones[j];
    const Tone& b = now.tones[j];
    const float expected = 2 * pi * frequencies[j] / 8000 * block_samples;
    const std::complex<float> turned = std::complex<float>(b.real, b.imaginary) *
                                       std::complex<float>(a.real, -a.imaginary) *
                                       std::polar(1.0f, -expected);
    const float off_hz = std::arg(turned) / (2 * pi * block_samples) * 8000;
    if (std::fabs(off_hz) > frequencies[j] * most_offset) return false;
  }
  return true;
}

// Still the digit, if only in a part of the block: an interruption of up to 10 ms is bridged
// (Q.24).
bool DtmfDetector::goes_on(const Block& block) const {
  if (block.digit == digit_) return true;
  return block.row == row_ && block.column == column_ && block.share >= bridged_share &&
         block.power >= full_power_ * bridged_power;
}

void DtmfDetector::begin(const Block& block) {
  digit_ = block.digit;
  row_ = block.row;
  column_ = block.column;
  misses_ = 0;
  full_power_ = std::max(block.power, last_.power);
  const auto part = [&](const Block& other) {
    const float power = other.tones[row_].power + other.tones[column_ + 4].power;
    return std::min(1.0f, std::sqrt(power / full_power_));
  };
  length_ = part(block) + part(last_) + part(before_last_);
}

bool DtmfDetector::finish() {
  finished_.digit = digit_;
  finished_.duration_ms = static_cast<int>(std::lrintf(length_ * block_ms));
  digit_ = '\0';
  return length_ * block_ms >= least_ms;
}

// True: a digit has ended and is in finished_.
bool DtmfDetector::take(const Block& block) {
  bool ended = false;
  if (digit_ != '\0') {
    const bool on = goes_on(block);
    const float power = block.tones[row_].power + block.tones[column_ + 4].power;
    const float part = std::min(1.0f, std::sqrt(power / full_power_));
    length_ += block.digit == digit_ ? 1.0f : part;
    full_power_ = on ? std::max(full_power_, block.power) : full_power_;
    misses_ = on ? 0 : misses_ + 1;
    if (misses_ >= misses_that_end) ended = finish();
  }
  if (digit_ == '\0' && block.digit != '\0' && block.digit == last_.digit && steady(last_, block)) {
    begin(block);
  }
  before_last_ = last_;
  last_ = block;
  return ended;
}

int DtmfDetector::process(const int16_t* pcm, int samples, DtmfDigit* out, int capacity) {
  int found = 0;
  float folded[block_samples];
  while (samples > 0) {
    int ready = 0;
    const int wanted = block_samples - count_;
    while (ready < wanted && samples > 0) {
      fold_ += *pcm++;
      samples--;
      if (++folded_ == factor_) {
        folded[ready++] = fold_ / static_cast<float>(factor_);
        folded_ = 0;
        fold_ = 0;
      }
    }
    run(folded, ready);
    if (count_ < block_samples) continue;
    if (take(classify()) && found < capacity) out[found++] = finished_;
    std::fill(s1_, s1_ + tone_count, 0.0f);
    std::fill(s2_, s2_ + tone_count, 0.0f);
    energy_ = 0;
    count_ = 0;
  }
  return found;
}

}  // namespace dsp
