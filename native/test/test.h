// A test harness in one file: tests are functions in an explicit list, so that nothing registers
// itself before main. A failed expectation prints where and what, and the test goes on.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>

namespace test {

struct Context {
  const char* name = "";
  int failures = 0;
};

struct Case {
  const char* name;
  void (*run)(Context&);
};

inline void fail(Context& t, const char* file, int line, const char* what) {
  // A loop that goes wrong everywhere should not print everything.
  if (t.failures++ < 10) std::printf("  %s:%d: %s: %s\n", file, line, t.name, what);
}

// Prints `N passed, N failed`; the value is the exit code. An argument runs only the tests whose
// name contains it.
inline int run(const Case* cases, int count, const char* filter) {
  int passed = 0;
  int failed = 0;
  for (int i = 0; i < count; i++) {
    if (filter != nullptr && std::strstr(cases[i].name, filter) == nullptr) continue;
    Context t;
    t.name = cases[i].name;
    cases[i].run(t);
    if (t.failures == 0) {
      passed++;
    } else {
      failed++;
      std::printf("FAILED %s (%d expectations)\n", cases[i].name, t.failures);
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

// Small, seeded and the same everywhere (xorshift64*); a failing test prints its seed.
struct Random {
  uint64_t state;
  explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15u + 0x1234567u) {}
  uint64_t next() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Du;
  }
  // 0 <= value < bound
  int below(int bound) { return static_cast<int>((next() >> 33) % static_cast<uint64_t>(bound)); }
  double unit() { return static_cast<double>(next() >> 11) * (1.0 / 9007199254740992.0); }
  int16_t sample() { return static_cast<int16_t>(next() >> 48); }
};

}  // namespace test

#define EXPECT(t, condition)                                         \
  do {                                                               \
    if (!(condition)) test::fail(t, __FILE__, __LINE__, #condition); \
  } while (false)

// With the values, as doubles.
#define EXPECT_EQUAL(t, actual, expected)                                          \
  do {                                                                             \
    const auto actual_ = (actual);                                                 \
    const auto expected_ = (expected);                                             \
    if (!(actual_ == expected_)) {                                                 \
      char text_[200];                                                             \
      std::snprintf(text_, sizeof text_, "%s is %.12g, expected %.12g", #actual,   \
                    static_cast<double>(actual_), static_cast<double>(expected_)); \
      test::fail(t, __FILE__, __LINE__, text_);                                    \
    }                                                                              \
  } while (false)

#define EXPECT_BETWEEN(t, actual, low, high)                                                    \
  do {                                                                                          \
    const double actual_ = static_cast<double>(actual);                                         \
    const double low_ = static_cast<double>(low);                                               \
    const double high_ = static_cast<double>(high);                                             \
    if (!(actual_ >= low_ && actual_ <= high_)) {                                               \
      char text_[200];                                                                          \
      std::snprintf(text_, sizeof text_, "%s is %.6g, expected %.6g to %.6g", #actual, actual_, \
                    low_, high_);                                                               \
      test::fail(t, __FILE__, __LINE__, text_);                                                 \
    }                                                                                           \
  } while (false)
