// The tables of the kernel files, known only to cpu.cc. A table exists on the CPU family for which
// audio.gyp compiles its file (MINUSONE_X86).
#pragma once

#include "dsp/kernels.h"

namespace dsp {

extern const Kernels kernels_scalar;
extern const Kernels kernels_sse41;
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;

}  // namespace dsp
