// The measuring side must be right by itself: tone levels, pattern search.
#include "signal.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace {

int passed = 0;
int failed = 0;

void expect(bool condition, const char* what) {
  condition ? ++passed : ++failed;
  if (!condition) std::printf("FAILED: %s\n", what);
}

void tones_measure_as_sent() {
  const auto samples = load::tone(8000, load::tone_hz(7), -20);
  expect(std::abs(load::tone_level_dbfs(samples, 8000, load::tone_hz(7)) + 20) < 0.01,
         "a tone has its level");
  expect(load::tone_level_dbfs(samples, 8000, load::tone_hz(8)) < -90, "the next tone is absent");
}

void pattern_is_found_where_it_is() {
  const auto pattern = load::chirp(8000, 800, -10);
  auto samples = load::noise(8000, -40, 5);
  for (size_t n = 0; n < pattern.size(); ++n)
    samples[1234 + n] = static_cast<int16_t>(samples[1234 + n] + pattern[n]);
  const auto match = load::find_pattern(samples, pattern);
  expect(match.lag_samples == 1234, "a chirp in noise is found to the sample");
  expect(match.correlation > 0.95, "and with certainty");
  expect(load::find_pattern(load::noise(8000, -10, 9), pattern).correlation < 0.3,
         "noise is no chirp");
}

}  // namespace

int main() {
  tones_measure_as_sent();
  pattern_is_found_where_it_is();
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
