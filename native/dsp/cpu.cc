// Picks a kernel table by what the CPU can do, best first.
#include "dsp/kernels.h"
#include "dsp/kernels_table.h"

namespace dsp {
namespace {

struct Candidate {
  const Kernels* kernels;
  bool usable;
};

}  // namespace

int usable_kernels(const Kernels** out, int capacity) {
#if defined(MINUSONE_X86)
  __builtin_cpu_init();
  const Candidate candidates[] = {
      {&kernels_avx512, __builtin_cpu_supports("avx512bw") != 0 &&
                            __builtin_cpu_supports("avx512vl") != 0 &&
                            __builtin_cpu_supports("avx512dq") != 0},
      {&kernels_avx2, __builtin_cpu_supports("avx2") != 0},
      {&kernels_sse41, __builtin_cpu_supports("sse4.1") != 0},
      {&kernels_scalar, true},
  };
#else
  const Candidate candidates[] = {{&kernels_scalar, true}};
#endif
  int count = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.usable && count < capacity) out[count++] = candidate.kernels;
  }
  return count;
}

const Kernels& scalar_kernels() {
  return kernels_scalar;
}

const Kernels& select_kernels() {
  const Kernels* best = &kernels_scalar;
  usable_kernels(&best, 1);
  return *best;
}

}  // namespace dsp
