#pragma once
// Test signals of the load driver and their measurement. Mono, at the rate of the codec under test;
// a tone has a whole number of cycles in a second, so one second of it loops.
//
// Levels are in dBFS of a sine: a full-scale sine has 0 dBFS.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace load {

/// The tones that talkers send, in Hz; far enough apart that one second tells them from each other.
inline constexpr int kToneCount = 53;
constexpr int tone_hz(int index) {
  return 300 + 57 * (index % kToneCount);
}

constexpr int tone_index(int frequency_hz) {
  return (frequency_hz - 300) / 57;
}

/// One second of a tone.
std::vector<int16_t> tone(int rate_hz, int frequency_hz, double level_dbfs);
/// One second of white noise with a fixed seed.
std::vector<int16_t> noise(int rate_hz, double level_dbfs, uint32_t seed);
/// A linear sweep from 400 to 3000 Hz with faded ends: its autocorrelation has one sharp peak.
std::vector<int16_t> chirp(int rate_hz, int samples, double level_dbfs);

/// Levels of all tones in dBFS (Goertzel); exact for whole cycles in the window. All at once, so
/// that the compiler runs several in one register: a load has thousands of listeners to look at.
std::array<double, kToneCount> tone_levels_dbfs(std::span<const int16_t> samples, int rate_hz);

/// Mean square of a frame as RFC 6464 counts it: −dBov, 0 to 127.
int level_of(std::span<const int16_t> samples);

/// Averages `factor` neighbours into one sample: enough for signals far below the new rate.
std::vector<int16_t> decimate(std::span<const int16_t> samples, int factor);

/// Where `pattern` starts in `samples`: the lag of the highest normalised correlation, and that
/// value (0 to 1).
struct Match {
  int lag_samples;
  double correlation;
};
Match find_pattern(std::span<const int16_t> samples, std::span<const int16_t> pattern);

}  // namespace load
