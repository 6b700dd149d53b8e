#include "signal.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace load {

namespace {

double amplitude(double level_dbfs) {
  return 32767.0 * std::pow(10.0, level_dbfs / 20.0);
}

int16_t clamp(double value) {
  return static_cast<int16_t>(std::clamp(std::lround(value), -32768L, 32767L));
}

}  // namespace

std::vector<int16_t> tone(int rate_hz, int frequency_hz, double level_dbfs) {
  std::vector<int16_t> samples(static_cast<size_t>(rate_hz));
  for (size_t n = 0; n < samples.size(); ++n) {
    const double phase = 2.0 * std::numbers::pi * frequency_hz * static_cast<double>(n) / rate_hz;
    samples[n] = clamp(amplitude(level_dbfs) * std::sin(phase));
  }
  return samples;
}

std::vector<int16_t> noise(int rate_hz, double level_dbfs, uint32_t seed) {
  std::vector<int16_t> samples(static_cast<size_t>(rate_hz));
  // Uniform noise with the power of a sine of that level.
  const double peak = amplitude(level_dbfs) * std::sqrt(1.5);
  uint32_t state = seed;
  for (int16_t& sample : samples) {
    state = state * 1664525u + 1013904223u;
    sample = clamp(peak * (static_cast<double>(state >> 8) / (1 << 23) - 1.0));
  }
  return samples;
}

std::vector<int16_t> chirp(int rate_hz, int samples, double level_dbfs) {
  std::vector<int16_t> out(static_cast<size_t>(samples));
  const double duration = static_cast<double>(samples) / rate_hz;
  for (int n = 0; n < samples; ++n) {
    const double t = static_cast<double>(n) / rate_hz;
    const double phase =
        2.0 * std::numbers::pi * (400.0 * t + (3000.0 - 400.0) / (2 * duration) * t * t);
    const double fade = std::min({1.0, n / 16.0, (samples - 1 - n) / 16.0});
    out[static_cast<size_t>(n)] = clamp(fade * amplitude(level_dbfs) * std::sin(phase));
  }
  return out;
}

std::array<double, kToneCount> tone_levels_dbfs(std::span<const int16_t> samples, int rate_hz) {
  std::array<double, kToneCount> coefficient{}, s1{}, s2{}, level{};
  for (size_t n = 0; n < kToneCount; ++n) {
    coefficient[n] =
        2.0 * std::cos(2.0 * std::numbers::pi * tone_hz(static_cast<int>(n)) / rate_hz);
  }
  for (const int16_t sample : samples) {
    for (size_t n = 0; n < kToneCount; ++n) {
      const double s0 = sample + coefficient[n] * s1[n] - s2[n];
      s2[n] = s1[n];
      s1[n] = s0;
    }
  }
  for (size_t n = 0; n < kToneCount; ++n) {
    const double power = s1[n] * s1[n] + s2[n] * s2[n] - coefficient[n] * s1[n] * s2[n];
    const double peak = 2.0 * std::sqrt(std::max(0.0, power)) / static_cast<double>(samples.size());
    level[n] = 20.0 * std::log10(std::max(peak, 1e-3) / 32767.0);
  }
  return level;
}

int level_of(std::span<const int16_t> samples) {
  double sum = 0;
  for (const int16_t sample : samples) sum += static_cast<double>(sample) * sample;
  const double mean = sum / static_cast<double>(samples.size());
  const double below = -10.0 * std::log10(std::max(mean, 1e-9) / (32768.0 * 32768.0));
  return static_cast<int>(std::clamp(std::lround(below), 0L, 127L));
}

std::vector<int16_t> decimate(std::span<const int16_t> samples, int factor) {
  const auto step = static_cast<size_t>(factor);
  std::vector<int16_t> out(samples.size() / step);
  for (size_t n = 0; n < out.size(); ++n) {
    int sum = 0;
    for (size_t k = 0; k < step; ++k) sum += samples[n * step + k];
    out[n] = static_cast<int16_t>(sum / factor);
  }
  return out;
}

Match find_pattern(std::span<const int16_t> samples, std::span<const int16_t> pattern) {
  Match best{-1, 0};
  if (samples.size() < pattern.size()) return best;
  double pattern_energy = 0, window_energy = 0;
  for (size_t n = 0; n < pattern.size(); ++n) {
    pattern_energy += static_cast<double>(pattern[n]) * pattern[n];
    window_energy += static_cast<double>(samples[n]) * samples[n];
  }
  for (size_t lag = 0; lag + pattern.size() <= samples.size(); ++lag) {
    double product = 0;
    for (size_t n = 0; n < pattern.size(); ++n) {
      product += static_cast<double>(samples[lag + n]) * pattern[n];
    }
    const double correlation = product / std::sqrt(pattern_energy * window_energy + 1.0);
    if (correlation > best.correlation) best = {static_cast<int>(lag), correlation};
    if (lag + pattern.size() < samples.size()) {
      const double out = samples[lag], in = samples[lag + pattern.size()];
      window_energy += in * in - out * out;
    }
  }
  return best;
}

}  // namespace load
