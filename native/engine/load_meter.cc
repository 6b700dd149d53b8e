#include "engine/load_meter.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"

namespace engine {
namespace {

/** Buckets grow by the square root of two from 16 µs: the last begins at 46 ms. */
double upper_bound_ns(int bucket) {
  return 16'000.0 * std::pow(2.0, (bucket + 1) / 2.0);
}

int bucket_of(int64_t late_ns) {
  // Twice the binary logarithm, from the position of the top bit and the bit below it.
  const auto units = static_cast<uint64_t>(std::max<int64_t>(late_ns, 0)) / 16'000;
  if (units == 0) return 0;
  const int top = 63 - __builtin_clzll(units);
  const int half = top > 0 ? static_cast<int>((units >> (top - 1)) & 1) : 0;
  return std::min(top * 2 + half, LoadMeter::kBuckets - 1);
}

}  // namespace

void LoadMeter::on_phase(int64_t now_ns, int64_t late_ns, int64_t wall_ns, int64_t cpu_ns,
                         uint32_t legs) {
  Window* window = &windows_[current_];
  if (window->start_ns == 0) window->start_ns = window->end_ns = now_ns;
  if (now_ns - window->start_ns >= base::kNsPerSecond) {
    window->end_ns = now_ns;
    current_ = (current_ + 1) % kWindows;
    window = &windows_[current_];
    *window = Window{};
    window->start_ns = now_ns;
  }
  if (last_ns_ != 0) window->leg_ns += static_cast<double>(now_ns - last_ns_) * legs;
  last_ns_ = now_ns;
  window->end_ns = now_ns;
  window->wall_ns += wall_ns;
  window->cpu_ns += cpu_ns;
  window->late[bucket_of(late_ns)]++;
}

double LoadMeter::share(int64_t Window::*member) const {
  int64_t spent = 0;
  int64_t elapsed = 0;
  for (const Window& window : windows_) {
    spent += window.*member;
    elapsed += window.end_ns - window.start_ns;
  }
  return elapsed <= 0 ? 0.0
                      : std::min(1.0, static_cast<double>(spent) / static_cast<double>(elapsed));
}

double LoadMeter::mean_legs() const {
  double legs = 0;
  int64_t elapsed = 0;
  for (const Window& window : windows_) {
    legs += window.leg_ns;
    elapsed += window.end_ns - window.start_ns;
  }
  return elapsed <= 0 ? 0.0 : legs / static_cast<double>(elapsed);
}

double LoadMeter::lateness_p99_ms() const {
  uint64_t counts[kBuckets] = {};
  uint64_t total = 0;
  for (const Window& window : windows_) {
    for (int i = 0; i < kBuckets; i++) {
      counts[i] += window.late[i];
      total += window.late[i];
    }
  }
  uint64_t seen = 0;
  for (int i = 0; i < kBuckets; i++) {
    seen += counts[i];
    if (total > 0 && seen * 100 >= total * 99) return upper_bound_ns(i) / 1e6;
  }
  return 0.0;
}

}  // namespace engine
