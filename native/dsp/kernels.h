// The sample loops of the mix as free functions over raw spans, in a table per instruction set.
// kernels_scalar.cc is the definition; the others must equal it bit for bit (kernels_test.cc). The
// folder dsp/ knows samples and rates; it must never know packets, legs or conferences.
//
// Spans need no alignment and may have any length from 0. `out` may equal an input, but not overlap
// it otherwise. A mix sum stays exact for up to 32768 contributors (|sum| <= 2^30).
#pragma once

#include <cstdint>

namespace dsp {

// Gains are Q28 in a ramp (exact steps), used as Q14 on a sample; below 4.0 (+12 dB).
inline constexpr int32_t unity_gain = 1 << 28;
inline constexpr int32_t max_gain = (1 << 30) - 1;

struct Kernels {
  const char* name;

  // sum += in
  void (*accumulate)(int32_t* sum, const int16_t* in, int count);
  // sum += in * gain, gain moving by step after each sample (both Q28, the gain stays in
  // 0..max_gain)
  void (*accumulate_ramp)(int32_t* sum, const int16_t* in, int count, int32_t gain, int32_t step);
  // out = saturate(in * gain): a contribution made int16, so that minus-one can subtract it exactly
  void (*apply_ramp)(int16_t* out, const int16_t* in, int count, int32_t gain, int32_t step);
  // out = saturate(sum - own); returns the peak |sum - own| before saturation (is a limiter
  // needed?)
  int32_t (*minus_one)(int16_t* out, const int32_t* sum, const int16_t* own, int count);
  // out = sum - own, unsaturated, for dsp::Limiter; returns the peak
  int32_t (*minus_one_wide)(int32_t* out, const int32_t* sum, const int16_t* own, int count);
  // out = saturate(sum); returns the peak |sum| before saturation
  int32_t (*narrow)(int16_t* out, const int32_t* sum, int count);
  // sum of squares
  uint64_t (*energy)(const int16_t* in, int count);
  // largest |in|, up to 32768
  int32_t (*peak)(const int16_t* in, int count);

  // G.711; one byte a sample
  void (*encode_ulaw)(uint8_t* out, const int16_t* in, int count);
  void (*encode_alaw)(uint8_t* out, const int16_t* in, int count);
  void (*decode_ulaw)(int16_t* out, const uint8_t* in, int count);
  void (*decode_alaw)(int16_t* out, const uint8_t* in, int count);

  // Polyphase FIR in Q14: out[i] = saturate(round(sum over k of in[i / phases * stride + k] *
  // taps[i % phases * length + k])). `length` is a multiple of 8, `count` one of phases. The sum of
  // the magnitudes of the taps of a phase is below 3.9, so that int32 cannot overflow.
  void (*fir)(int16_t* out, const int16_t* in, const int16_t* taps, int length, int phases,
              int stride, int count);
};

// The definition.
const Kernels& scalar_kernels();
// The best table for this CPU. Reads CPUID only: call once and keep the reference.
const Kernels& select_kernels();
// Every table that this CPU can run, best first; returns how many were written. For tests and
// benches.
int usable_kernels(const Kernels** out, int capacity);

}  // namespace dsp
