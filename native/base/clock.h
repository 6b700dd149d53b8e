// Time of the engine: nanoseconds of CLOCK_MONOTONIC as a plain signed number. Code on the tick
// gets `now` as an argument; only the run loop and the RTCP sender report read clocks.
#pragma once

#include <time.h>

#include <cstdint>

namespace base {

inline constexpr int64_t kNsPerMs = 1'000'000;
inline constexpr int64_t kNsPerSecond = 1'000'000'000;

inline int64_t read_clock_ns(clockid_t clock) {
  timespec value{};
  clock_gettime(clock, &value);
  return static_cast<int64_t>(value.tv_sec) * kNsPerSecond + value.tv_nsec;
}

inline int64_t monotonic_ns() {
  return read_clock_ns(CLOCK_MONOTONIC);
}

/** Processor time of this thread. */
inline int64_t thread_cpu_ns() {
  return read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace base
