#pragma once
#include <cstdint>
#include <ctime>

namespace load {

inline int64_t now_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

/// Of this process, all threads.
inline double cpu_seconds() {
  return static_cast<double>(now_ns(CLOCK_PROCESS_CPUTIME_ID)) / 1e9;
}

}  // namespace load
