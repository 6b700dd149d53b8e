#pragma once
// What valgrind's callgrind listens to in the program it runs: counters to zero, a dump of them. A
// program that runs by itself executes a few instructions without effect. Written out here (from
// the manual, "client request mechanism") so that building needs no header of valgrind.

#include <cstdint>

namespace callgrind {

inline void request(uint64_t code, uint64_t argument) {
#if defined(__x86_64__)
  volatile uint64_t words[6] = {code, argument, 0, 0, 0, 0};
  uint64_t result = 0;
  asm volatile(
      "rolq $3, %%rdi\n\trolq $13, %%rdi\n\t"
      "rolq $61, %%rdi\n\trolq $51, %%rdi\n\t"
      "xchgq %%rbx, %%rbx"
      : "=d"(result)
      : "a"(&words[0]), "0"(result)
      : "cc", "memory");
#else
  (void)code;
  (void)argument;
#endif
}

inline constexpr uint64_t kBase = static_cast<uint64_t>('C') << 24 | static_cast<uint64_t>('T')
                                                                         << 16;

inline void zero() {
  request(kBase + 1, 0);
}
inline void dump(const char* title) {
  request(kBase + 3, reinterpret_cast<uint64_t>(title));
}

}  // namespace callgrind
