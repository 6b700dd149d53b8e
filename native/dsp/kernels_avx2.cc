// Kernels for AVX2 (Haswell, Zen and newer); sixteen samples a step. See kernels.h for what they
// compute.
#include <immintrin.h>

#include "dsp/kernels_scalar.h"
#include "dsp/kernels_table.h"

namespace dsp {
namespace {

inline __m256i load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
inline void store(void* to, __m256i value) {
  _mm256_storeu_si256(static_cast<__m256i*>(to), value);
}
inline __m128i load_half(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}
inline __m256i widen(const int16_t* from) {
  return _mm256_cvtepi16_epi32(load_half(from));
}

// Packing works within 128-bit lanes; this puts the quarters back in order.
inline __m256i pack_saturated(__m256i low, __m256i high) {
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
}

inline int32_t horizontal_max(__m256i value) {
  __m128i m = _mm_max_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4E));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xB1));
  return _mm_cvtsi128_si32(m);
}

inline int32_t larger(int32_t a, int32_t b) {
  return a > b ? a : b;
}

void accumulate(int32_t* sum, const int16_t* in, int count) {
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    store(sum + i, _mm256_add_epi32(load(sum + i), widen(in + i)));
    store(sum + i + 8, _mm256_add_epi32(load(sum + i + 8), widen(in + i + 8)));
  }
  for (; i < count; i++) sum[i] += in[i];
}

inline __m256i gains_from(int32_t gain, int32_t step) {
  return _mm256_add_epi32(
      _mm256_set1_epi32(gain),
      _mm256_mullo_epi32(_mm256_set1_epi32(step), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}

inline __m256i scaled8(const int16_t* in, __m256i gains) {
  const __m256i product = _mm256_mullo_epi32(widen(in), _mm256_srai_epi32(gains, 14));
  return _mm256_srai_epi32(_mm256_add_epi32(product, _mm256_set1_epi32(1 << 13)), 14);
}

void accumulate_ramp(int32_t* sum, const int16_t* in, int count, int32_t gain, int32_t step) {
  __m256i gains = gains_from(gain, step);
  const __m256i stride = _mm256_slli_epi32(_mm256_set1_epi32(step), 3);
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    store(sum + i, _mm256_add_epi32(load(sum + i), scaled8(in + i, gains)));
    gains = _mm256_add_epi32(gains, stride);
  }
  for (; i < count; i++) sum[i] += scaled(in[i], gain + step * i);
}

void apply_ramp(int16_t* out, const int16_t* in, int count, int32_t gain, int32_t step) {
  __m256i gains = gains_from(gain, step);
  const __m256i stride = _mm256_slli_epi32(_mm256_set1_epi32(step), 3);
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256i low = scaled8(in + i, gains);
    gains = _mm256_add_epi32(gains, stride);
    const __m256i high = scaled8(in + i + 8, gains);
    gains = _mm256_add_epi32(gains, stride);
    store(out + i, pack_saturated(low, high));
  }
  for (; i < count; i++) out[i] = saturate16(scaled(in[i], gain + step * i));
}

int32_t minus_one(int16_t* out, const int32_t* sum, const int16_t* own, int count) {
  __m256i peaks = _mm256_setzero_si256();
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256i low = _mm256_sub_epi32(load(sum + i), widen(own + i));
    const __m256i high = _mm256_sub_epi32(load(sum + i + 8), widen(own + i + 8));
    peaks =
        _mm256_max_epi32(peaks, _mm256_max_epi32(_mm256_abs_epi32(low), _mm256_abs_epi32(high)));
    store(out + i, pack_saturated(low, high));
  }
  int32_t peak = horizontal_max(peaks);
  for (; i < count; i++) {
    const int32_t value = sum[i] - own[i];
    peak = larger(peak, magnitude(value));
    out[i] = saturate16(value);
  }
  return peak;
}

int32_t minus_one_wide(int32_t* out, const int32_t* sum, const int16_t* own, int count) {
  __m256i peaks = _mm256_setzero_si256();
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256i value = _mm256_sub_epi32(load(sum + i), widen(own + i));
    peaks = _mm256_max_epi32(peaks, _mm256_abs_epi32(value));
    store(out + i, value);
  }
  int32_t peak = horizontal_max(peaks);
  for (; i < count; i++) {
    out[i] = sum[i] - own[i];
    peak = larger(peak, magnitude(out[i]));
  }
  return peak;
}

int32_t narrow(int16_t* out, const int32_t* sum, int count) {
  __m256i peaks = _mm256_setzero_si256();
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256i low = load(sum + i);
    const __m256i high = load(sum + i + 8);
    peaks =
        _mm256_max_epi32(peaks, _mm256_max_epi32(_mm256_abs_epi32(low), _mm256_abs_epi32(high)));
    store(out + i, pack_saturated(low, high));
  }
  int32_t peak = horizontal_max(peaks);
  for (; i < count; i++) {
    peak = larger(peak, magnitude(sum[i]));
    out[i] = saturate16(sum[i]);
  }
  return peak;
}

uint64_t energy(const int16_t* in, int count) {
  // A pair of squares is at most 2^31: one unsigned 32-bit lane, then widened.
  const __m256i zero = _mm256_setzero_si256();
  __m256i totals = zero;
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256i value = load(in + i);
    const __m256i pairs = _mm256_madd_epi16(value, value);
    totals = _mm256_add_epi64(totals, _mm256_unpacklo_epi32(pairs, zero));
    totals = _mm256_add_epi64(totals, _mm256_unpackhi_epi32(pairs, zero));
  }
  const __m128i half =
      _mm_add_epi64(_mm256_castsi256_si128(totals), _mm256_extracti128_si256(totals, 1));
  uint64_t total = static_cast<uint64_t>(_mm_cvtsi128_si64(half)) +
                   static_cast<uint64_t>(_mm_extract_epi64(half, 1));
  for (; i < count; i++) total += static_cast<uint64_t>(in[i] * in[i]);
  return total;
}

int32_t peak(const int16_t* in, int count) {
  // |-32768| wraps to 0x8000, which is right as an unsigned 16-bit value.
  __m256i peaks = _mm256_setzero_si256();
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    peaks = _mm256_max_epu16(peaks, _mm256_abs_epi16(load(in + i)));
  }
  const __m256i zero = _mm256_setzero_si256();
  int32_t peak = horizontal_max(
      _mm256_max_epi32(_mm256_unpacklo_epi16(peaks, zero), _mm256_unpackhi_epi16(peaks, zero)));
  for (; i < count; i++) peak = larger(peak, magnitude(in[i]));
  return peak;
}

// Exponent and mantissa of an integer below 2^24 are those of the same number as a float.
inline __m256i segment_codes(__m256i values) {
  const __m256i bits = _mm256_castps_si256(_mm256_cvtepi32_ps(values));
  return _mm256_sub_epi32(_mm256_srli_epi32(bits, 19), _mm256_set1_epi32((127 + 7) << 4));
}

inline __m256i segment_codes16(__m256i magnitudes) {
  const __m256i low = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(magnitudes));
  const __m256i high = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(magnitudes, 1));
  return pack_saturated(segment_codes(low), segment_codes(high));
}

inline void store_bytes(uint8_t* out, __m256i words) {
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(words, words), 0xD8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(bytes));
}

void encode_ulaw(uint8_t* out, const int16_t* in, int count) {
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256i sample = load(in + i);
    const __m256i clipped = _mm256_min_epu16(_mm256_abs_epi16(sample), _mm256_set1_epi16(32635));
    const __m256i code = segment_codes16(_mm256_add_epi16(clipped, _mm256_set1_epi16(132)));
    const __m256i sign = _mm256_and_si256(_mm256_srai_epi16(sample, 15), _mm256_set1_epi16(0x80));
    store_bytes(out + i, _mm256_xor_si256(_mm256_or_si256(code, sign), _mm256_set1_epi16(0xFF)));
  }
  for (; i < count; i++) out[i] = ulaw_of(in[i]);
}

void encode_alaw(uint8_t* out, const int16_t* in, int count) {
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256i sample = load(in + i);
    const __m256i negative = _mm256_srai_epi16(sample, 15);
    const __m256i value = _mm256_xor_si256(sample, negative);
    // Below 256 the law is linear; adding 256 makes it the second segment, one exponent too high.
    const __m256i linear = _mm256_cmpgt_epi16(_mm256_set1_epi16(256), value);
    const __m256i lifted =
        _mm256_add_epi16(value, _mm256_and_si256(linear, _mm256_set1_epi16(256)));
    const __m256i code =
        _mm256_sub_epi16(segment_codes16(lifted), _mm256_and_si256(linear, _mm256_set1_epi16(16)));
    const __m256i sign = _mm256_andnot_si256(negative, _mm256_set1_epi16(0x80));
    store_bytes(out + i, _mm256_xor_si256(_mm256_or_si256(code, sign), _mm256_set1_epi16(0x55)));
  }
  for (; i < count; i++) out[i] = alaw_of(in[i]);
}

// 1 << segment in the low byte of each word; the index byte of the high byte has its top bit set.
inline __m256i powers(__m256i segments, __m256i table) {
  return _mm256_shuffle_epi8(table, _mm256_or_si256(segments, _mm256_set1_epi16(-32768)));
}

// Negates where the mask is all ones.
inline __m256i negate_where(__m256i value, __m256i mask) {
  return _mm256_sub_epi16(_mm256_xor_si256(value, mask), mask);
}

void decode_ulaw(int16_t* out, const uint8_t* in, int count) {
  const __m256i table = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0));
  const __m256i bias = _mm256_set1_epi16(132);
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256i bits =
        _mm256_xor_si256(_mm256_cvtepu8_epi16(load_half(in + i)), _mm256_set1_epi16(0xFF));
    const __m256i mantissa =
        _mm256_add_epi16(_mm256_slli_epi16(_mm256_and_si256(bits, _mm256_set1_epi16(15)), 3), bias);
    const __m256i segment = _mm256_and_si256(_mm256_srli_epi16(bits, 4), _mm256_set1_epi16(7));
    const __m256i value =
        _mm256_sub_epi16(_mm256_mullo_epi16(mantissa, powers(segment, table)), bias);
    const __m256i negative = _mm256_srai_epi16(_mm256_slli_epi16(bits, 8), 15);
    store(out + i, negate_where(value, negative));
  }
  for (; i < count; i++) out[i] = linear_of_ulaw(in[i]);
}

void decode_alaw(int16_t* out, const uint8_t* in, int count) {
  const __m256i table =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(1, 1, 2, 4, 8, 16, 32, 64, 0, 0, 0, 0, 0, 0, 0, 0));
  const __m256i lift =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0));
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256i bits =
        _mm256_xor_si256(_mm256_cvtepu8_epi16(load_half(in + i)), _mm256_set1_epi16(0x55));
    const __m256i segment = _mm256_and_si256(_mm256_srli_epi16(bits, 4), _mm256_set1_epi16(7));
    const __m256i low = _mm256_add_epi16(
        _mm256_slli_epi16(_mm256_and_si256(bits, _mm256_set1_epi16(15)), 4), _mm256_set1_epi16(8));
    const __m256i mantissa = _mm256_add_epi16(low, _mm256_slli_epi16(powers(segment, lift), 8));
    const __m256i value = _mm256_mullo_epi16(mantissa, powers(segment, table));
    // The sign bit is set on positive samples.
    const __m256i negative =
        _mm256_cmpeq_epi16(_mm256_and_si256(bits, _mm256_set1_epi16(0x80)), _mm256_setzero_si256());
    store(out + i, negate_where(value, negative));
  }
  for (; i < count; i++) out[i] = linear_of_alaw(in[i]);
}

inline __m128i products(const int16_t* in, const int16_t* taps, int length) {
  __m256i sums = _mm256_setzero_si256();
  int k = 0;
  for (; k + 16 <= length; k += 16) {
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(load(in + k), load(taps + k)));
  }
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  if (k < length) {
    half = _mm_add_epi32(half, _mm_madd_epi16(load_half(in + k), load_half(taps + k)));
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
    const __m128i packed = _mm_packs_epi32(rounded, rounded);
    if (left >= 4) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(out + i), packed);
    } else {
      alignas(16) int16_t last[8];
      _mm_store_si128(reinterpret_cast<__m128i*>(last), packed);
      for (int j = 0; j < left; j++) out[i + j] = last[j];
    }
  }
}

}  // namespace

const Kernels kernels_avx2 = {"avx2",         accumulate,  accumulate_ramp, apply_ramp, minus_one,
                              minus_one_wide, narrow,      energy,          peak,       encode_ulaw,
                              encode_alaw,    decode_ulaw, decode_alaw,     fir};

}  // namespace dsp
