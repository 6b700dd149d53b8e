#include "probe.h"

#include <cmath>

#include "signal.h"

namespace load {

namespace {

// Of the correlation that an untouched chirp would have in this mix. One frame of five that was
// concealed, or 20 ms cut out of the middle, is below the first; a codec at work is above.
constexpr double kWhole = 0.85;
constexpr double kPart = 0.7;

}  // namespace

ProbeMatch find_probe(std::span<const int16_t> heard, std::span<const int16_t> chirp, size_t frame,
                      double other_power) {
  const double best_possible = 1.0 / std::sqrt(1.0 + other_power);
  const Match whole = find_pattern(heard, chirp);
  if (whole.correlation >= kWhole * best_possible) return {ProbeEnd::intact, whole.lag_samples};
  // Two frames are long enough to be told from tones and noise.
  const Match head = find_pattern(heard, chirp.first(2 * frame));
  if (head.correlation >= kPart * best_possible) return {ProbeEnd::damaged, head.lag_samples};
  for (size_t from = frame; from + 2 * frame <= chirp.size(); from += frame) {
    const Match part = find_pattern(heard, chirp.subspan(from, 2 * frame));
    if (part.correlation >= kPart * best_possible) return {ProbeEnd::broken, -1};
  }
  return {ProbeEnd::missed, -1};
}

}  // namespace load
