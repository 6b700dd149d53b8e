// Kernels for AVX-512 BW+VL+DQ; the last partial vector is masked instead of looped over.
#include <immintrin.h>

#include "dsp/kernels_scalar.h"
#include "dsp/kernels_table.h"

namespace dsp {
namespace {

// Lanes of a vector of 16 (or 32) that are still inside the span.
inline __mmask16 lanes16(int left) {
  return left >= 16 ? static_cast<__mmask16>(0xFFFF) : static_cast<__mmask16>((1u << left) - 1);
}
inline __mmask32 lanes32(int left) {
  return left >= 32 ? static_cast<__mmask32>(0xFFFFFFFF) : static_cast<__mmask32>((1u << left) - 1);
}

constexpr __mmask16 all16 = 0xFFFF;
constexpr __mmask32 all32 = 0xFFFFFFFF;

// Whole vectors with a constant mask, which the compiler drops, then the rest under a mask.
template <typename Step>
inline void by16(int count, Step step) {
  int i = 0;
  for (; i + 16 <= count; i += 16) step(i, all16);
  if (i < count) step(i, lanes16(count - i));
}
template <typename Step>
inline void by32(int count, Step step) {
  int i = 0;
  for (; i + 32 <= count; i += 32) step(i, all32);
  if (i < count) step(i, lanes32(count - i));
}

inline __m512i widen(__mmask16 lanes, const int16_t* from) {
  return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(lanes, from));
}
inline __m512i load32(__mmask16 lanes, const int32_t* from) {
  return _mm512_maskz_loadu_epi32(lanes, from);
}
inline void store_saturated(int16_t* to, __mmask16 lanes, __m512i value) {
  _mm256_mask_storeu_epi16(to, lanes, _mm512_cvtsepi32_epi16(value));
}

void accumulate(int32_t* sum, const int16_t* in, int count) {
  by16(count, [&](int i, __mmask16 lanes) {
    _mm512_mask_storeu_epi32(sum + i, lanes,
                             _mm512_add_epi32(load32(lanes, sum + i), widen(lanes, in + i)));
  });
}

inline __m512i gains_from(int32_t gain, int32_t step) {
  const __m512i index = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm512_add_epi32(_mm512_set1_epi32(gain),
                          _mm512_mullo_epi32(_mm512_set1_epi32(step), index));
}

inline __m512i scaled16(__m512i samples, __m512i gains) {
  const __m512i product = _mm512_mullo_epi32(samples, _mm512_srai_epi32(gains, 14));
  return _mm512_srai_epi32(_mm512_add_epi32(product, _mm512_set1_epi32(1 << 13)), 14);
}

void accumulate_ramp(int32_t* sum, const int16_t* in, int count, int32_t gain, int32_t step) {
  __m512i gains = gains_from(gain, step);
  const __m512i stride = _mm512_slli_epi32(_mm512_set1_epi32(step), 4);
  by16(count, [&](int i, __mmask16 lanes) {
    const __m512i value = scaled16(widen(lanes, in + i), gains);
    _mm512_mask_storeu_epi32(sum + i, lanes, _mm512_add_epi32(load32(lanes, sum + i), value));
    gains = _mm512_add_epi32(gains, stride);
  });
}

void apply_ramp(int16_t* out, const int16_t* in, int count, int32_t gain, int32_t step) {
  __m512i gains = gains_from(gain, step);
  const __m512i stride = _mm512_slli_epi32(_mm512_set1_epi32(step), 4);
  by16(count, [&](int i, __mmask16 lanes) {
    store_saturated(out + i, lanes, scaled16(widen(lanes, in + i), gains));
    gains = _mm512_add_epi32(gains, stride);
  });
}

int32_t minus_one(int16_t* out, const int32_t* sum, const int16_t* own, int count) {
  __m512i peaks = _mm512_setzero_si512();
  by16(count, [&](int i, __mmask16 lanes) {
    const __m512i value = _mm512_sub_epi32(load32(lanes, sum + i), widen(lanes, own + i));
    peaks = _mm512_max_epi32(peaks, _mm512_abs_epi32(value));
    store_saturated(out + i, lanes, value);
  });
  return _mm512_reduce_max_epi32(peaks);
}

int32_t minus_one_wide(int32_t* out, const int32_t* sum, const int16_t* own, int count) {
  __m512i peaks = _mm512_setzero_si512();
  by16(count, [&](int i, __mmask16 lanes) {
    const __m512i value = _mm512_sub_epi32(load32(lanes, sum + i), widen(lanes, own + i));
    peaks = _mm512_max_epi32(peaks, _mm512_abs_epi32(value));
    _mm512_mask_storeu_epi32(out + i, lanes, value);
  });
  return _mm512_reduce_max_epi32(peaks);
}

int32_t narrow(int16_t* out, const int32_t* sum, int count) {
  __m512i peaks = _mm512_setzero_si512();
  by16(count, [&](int i, __mmask16 lanes) {
    const __m512i value = load32(lanes, sum + i);
    peaks = _mm512_max_epi32(peaks, _mm512_abs_epi32(value));
    store_saturated(out + i, lanes, value);
  });
  return _mm512_reduce_max_epi32(peaks);
}

uint64_t energy(const int16_t* in, int count) {
  // A pair of squares is at most 2^31: one unsigned 32-bit lane, then widened.
  const __m512i zero = _mm512_setzero_si512();
  __m512i totals = zero;
  by32(count, [&](int i, __mmask32 lanes) {
    const __m512i value = _mm512_maskz_loadu_epi16(lanes, in + i);
    const __m512i pairs = _mm512_madd_epi16(value, value);
    totals = _mm512_add_epi64(totals, _mm512_unpacklo_epi32(pairs, zero));
    totals = _mm512_add_epi64(totals, _mm512_unpackhi_epi32(pairs, zero));
  });
  return static_cast<uint64_t>(_mm512_reduce_add_epi64(totals));
}

int32_t peak(const int16_t* in, int count) {
  // |-32768| wraps to 0x8000, which is right as an unsigned 16-bit value.
  __m512i peaks = _mm512_setzero_si512();
  by32(count, [&](int i, __mmask32 lanes) {
    const __m512i value = _mm512_maskz_loadu_epi16(lanes, in + i);
    peaks = _mm512_max_epu16(peaks, _mm512_abs_epi16(value));
  });
  const __m512i zero = _mm512_setzero_si512();
  return _mm512_reduce_max_epi32(
      _mm512_max_epi32(_mm512_unpacklo_epi16(peaks, zero), _mm512_unpackhi_epi16(peaks, zero)));
}

// Exponent and mantissa of an integer below 2^24 are those of the same number as a float.
inline __m512i segment_codes(__m512i values) {
  const __m512i bits = _mm512_castps_si512(_mm512_cvtepi32_ps(values));
  return _mm512_sub_epi32(_mm512_srli_epi32(bits, 19), _mm512_set1_epi32((127 + 7) << 4));
}

void encode_ulaw(uint8_t* out, const int16_t* in, int count) {
  by16(count, [&](int i, __mmask16 lanes) {
    const __m512i sample = widen(lanes, in + i);
    const __m512i clipped = _mm512_min_epi32(_mm512_abs_epi32(sample), _mm512_set1_epi32(32635));
    const __m512i code = segment_codes(_mm512_add_epi32(clipped, _mm512_set1_epi32(132)));
    const __m512i sign = _mm512_and_si512(sample, _mm512_set1_epi32(static_cast<int>(0x80000000)));
    const __m512i byte = _mm512_or_si512(code, _mm512_srli_epi32(sign, 24));
    _mm_mask_storeu_epi8(out + i, lanes,
                         _mm512_cvtepi32_epi8(_mm512_xor_si512(byte, _mm512_set1_epi32(0xFF))));
  });
}

void encode_alaw(uint8_t* out, const int16_t* in, int count) {
  by16(count, [&](int i, __mmask16 lanes) {
    const __m512i sample = widen(lanes, in + i);
    const __m512i value = _mm512_xor_si512(sample, _mm512_srai_epi32(sample, 31));
    const __mmask16 linear = _mm512_cmplt_epi32_mask(value, _mm512_set1_epi32(256));
    const __m512i code = _mm512_mask_srli_epi32(segment_codes(value), linear, value, 4);
    const __m512i sign = _mm512_srli_epi32(_mm512_andnot_si512(sample, _mm512_set1_epi32(-1)), 31);
    const __m512i byte = _mm512_or_si512(code, _mm512_slli_epi32(sign, 7));
    _mm_mask_storeu_epi8(out + i, lanes,
                         _mm512_cvtepi32_epi8(_mm512_xor_si512(byte, _mm512_set1_epi32(0x55))));
  });
}

inline __m512i widen_bytes(__mmask32 lanes, const uint8_t* from) {
  return _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(lanes, from));
}

inline __m512i segments(__m512i bits) {
  return _mm512_and_si512(_mm512_srli_epi16(bits, 4), _mm512_set1_epi16(7));
}

void decode_ulaw(int16_t* out, const uint8_t* in, int count) {
  const __m512i bias = _mm512_set1_epi16(132);
  by32(count, [&](int i, __mmask32 lanes) {
    const __m512i bits = _mm512_xor_si512(widen_bytes(lanes, in + i), _mm512_set1_epi16(0xFF));
    const __m512i mantissa =
        _mm512_add_epi16(_mm512_slli_epi16(_mm512_and_si512(bits, _mm512_set1_epi16(15)), 3), bias);
    const __m512i value = _mm512_sub_epi16(_mm512_sllv_epi16(mantissa, segments(bits)), bias);
    const __mmask32 negative = _mm512_test_epi16_mask(bits, _mm512_set1_epi16(0x80));
    _mm512_mask_storeu_epi16(out + i, lanes,
                             _mm512_mask_sub_epi16(value, negative, _mm512_setzero_si512(), value));
  });
}

void decode_alaw(int16_t* out, const uint8_t* in, int count) {
  by32(count, [&](int i, __mmask32 lanes) {
    const __m512i bits = _mm512_xor_si512(widen_bytes(lanes, in + i), _mm512_set1_epi16(0x55));
    const __m512i segment = segments(bits);
    const __m512i low = _mm512_add_epi16(
        _mm512_slli_epi16(_mm512_and_si512(bits, _mm512_set1_epi16(15)), 4), _mm512_set1_epi16(8));
    const __mmask32 lifted = _mm512_test_epi16_mask(segment, segment);
    const __m512i mantissa = _mm512_mask_add_epi16(low, lifted, low, _mm512_set1_epi16(256));
    const __m512i shift = _mm512_subs_epu16(segment, _mm512_set1_epi16(1));
    const __m512i value = _mm512_sllv_epi16(mantissa, shift);
    // The sign bit is set on positive samples.
    const __mmask32 negative = _mm512_testn_epi16_mask(bits, _mm512_set1_epi16(0x80));
    _mm512_mask_storeu_epi16(out + i, lanes,
                             _mm512_mask_sub_epi16(value, negative, _mm512_setzero_si512(), value));
  });
}

// Products of one output, folded to four lanes. In 256-bit vectors: rows of 40 and 48 taps fill
// them better.
inline __m128i products(const int16_t* in, const int16_t* taps, int length) {
  __m256i sums = _mm256_setzero_si256();
  int k = 0;
  for (; k + 16 <= length; k += 16) {
    const __m256i part =
        _mm256_madd_epi16(_mm256_loadu_epi16(in + k), _mm256_loadu_epi16(taps + k));
    sums = _mm256_add_epi32(sums, part);
  }
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  if (k < length) {
    half = _mm_add_epi32(half, _mm_madd_epi16(_mm_loadu_epi16(in + k), _mm_loadu_epi16(taps + k)));
  }
  return half;
}

// Four outputs at a time, whatever their phases: the sums within the vectors are then shared work.
void fir(int16_t* out, const int16_t* in, const int16_t* taps, int length, int phases, int stride,
         int count) {
  int phase = 0;
  const auto next = [&]() {
    const __m128i sums = products(in, taps + phase * length, length);
    if (++phase == phases) {
      phase = 0;
      in += stride;
    }
    return sums;
  };
  const __m128i half = _mm_set1_epi32(1 << 13);
  for (int i = 0; i < count; i += 4) {
    const int left = count - i;
    const __m128i a = next();
    const __m128i b = left > 1 ? next() : half;
    const __m128i c = left > 2 ? next() : half;
    const __m128i d = left > 3 ? next() : half;
    const __m128i sums = _mm_hadd_epi32(_mm_hadd_epi32(a, b), _mm_hadd_epi32(c, d));
    const __m128i rounded = _mm_srai_epi32(_mm_add_epi32(sums, half), 14);
    const __mmask8 lanes = left >= 4 ? 0xF : static_cast<__mmask8>((1u << left) - 1);
    _mm_mask_storeu_epi16(out + i, lanes, _mm_packs_epi32(rounded, rounded));
  }
}

}  // namespace

const Kernels kernels_avx512 = {
    "avx512", accumulate, accumulate_ramp, apply_ramp,  minus_one,   minus_one_wide, narrow,
    energy,   peak,       encode_ulaw,     encode_alaw, decode_ulaw, decode_alaw,    fir};

}  // namespace dsp
