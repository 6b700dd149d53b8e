// The measuring side must be right by itself: tone levels, the search for the chirp, the bad
// network.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "impairment.h"
#include "probe.h"
#include "signal.h"

namespace {

int passed = 0;
int failed = 0;

void expect(bool condition, const char* what) {
  condition ? ++passed : ++failed;
  if (!condition) std::printf("FAILED: %s\n", what);
}

void tones_measure_as_sent() {
  const auto levels = load::tone_levels_dbfs(load::tone(8000, load::tone_hz(7), -20), 8000);
  expect(std::abs(levels[7] + 20) < 0.01, "a tone has its level");
  expect(levels[8] < -90 && levels[6] < -90, "the next tones are absent");
  expect(load::tone_index(load::tone_hz(52)) == 52, "a tone is known by its frequency");
  expect(load::level_of(load::tone(8000, 1000, -20)) == 23, "a sine of -20 dBFS has -23 dBov");
  expect(load::level_of(std::vector<int16_t>(160, 0)) == 127, "silence has the lowest level");
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

/// Two tones of other talkers, and parts of the chirp: from, to, in frames; put `at` a sample.
std::vector<int16_t> mix(size_t from, size_t to, size_t at) {
  const auto chirp = load::chirp(8000, 800, -10);
  auto samples = load::tone(8000, load::tone_hz(3), -20);
  const auto second = load::tone(8000, load::tone_hz(11), -20);
  for (size_t n = 0; n < samples.size(); ++n)
    samples[n] = static_cast<int16_t>(samples[n] + second[n]);
  for (size_t n = from * 160; n < to * 160; ++n)
    samples[at + n] = static_cast<int16_t>(samples[at + n] + chirp[n]);
  samples.resize(22 * 160);
  return samples;
}

void a_missed_probe_is_a_missed_probe() {
  using load::ProbeEnd;
  const auto chirp = load::chirp(8000, 800, -10);
  const auto find = [&](const std::vector<int16_t>& heard) {
    return load::find_probe(heard, chirp, 160, 0.2);
  };
  const auto whole = find(mix(0, 5, 320));
  expect(whole.end == ProbeEnd::intact && whole.lag_samples == 320,
         "a whole chirp beside two tones");
  const auto cut = find(mix(0, 3, 480));
  expect(cut.end == ProbeEnd::damaged && cut.lag_samples == 480, "the end of it lost");
  expect(find(mix(1, 5, 320)).end != ProbeEnd::missed, "its first packet lost");
  expect(find(mix(2, 5, 320)).end == ProbeEnd::broken, "its beginning lost");
  expect(find(mix(0, 0, 0)).end == ProbeEnd::missed, "nothing of it");
}

struct Sent {
  int at_ms;
  int number;
};

std::vector<Sent> through(const load::ImpairmentOptions& options,
                          load::ImpairmentCounters& counters) {
  load::Impairment network;
  network.init(options, 1, 4);
  std::vector<Sent> sent;
  for (int ms = 0; ms < 20'000 + 600; ++ms) {
    if (ms % 20 == 0 && ms < 20'000) {
      const int number = ms / 20;
      network.offer(0, reinterpret_cast<const uint8_t*>(&number), sizeof number);
    }
    network.flush([&](int, const uint8_t* packet, int) {
      int number;
      std::memcpy(&number, packet, sizeof number);
      sent.push_back({ms, number});
    });
  }
  counters = network.counters();
  return sent;
}

void a_bad_network_is_as_bad_as_asked() {
  load::ImpairmentCounters counters;
  expect(!load::Impairment().on(), "off until asked for");
  const auto lossy = through({.loss = 0.1}, counters);
  expect(lossy.size() > 860 && lossy.size() < 940, "a tenth is lost");
  expect(counters.dropped + lossy.size() == 1000, "and counted");
  const auto twice = through({.duplicate = 0.2}, counters);
  expect(twice.size() == 1000 + counters.duplicated && counters.duplicated > 140,
         "a fifth comes twice");
  const auto late = through({.jitter_ms = 60}, counters);
  int latest = 0, overtaken = 0;
  for (size_t n = 0; n < late.size(); ++n) {
    latest = std::max(latest, late[n].at_ms - 20 * late[n].number);
    if (n > 0 && late[n].number < late[n - 1].number) ++overtaken;
  }
  expect(late.size() == 1000 && latest <= 60 && latest > 50, "none is later than the jitter");
  expect(overtaken > 50, "jitter beyond a packet reorders");
  const auto swapped = through({.reorder = 0.1}, counters);
  int swaps = 0;
  for (size_t n = 1; n < swapped.size(); ++n)
    if (swapped[n].number < swapped[n - 1].number) ++swaps;
  expect(swaps > 50 && swaps < 150, "a tenth is overtaken by the next");
}

}  // namespace

int main() {
  tones_measure_as_sent();
  pattern_is_found_where_it_is();
  a_missed_probe_is_a_missed_probe();
  a_bad_network_is_as_bad_as_asked();
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
