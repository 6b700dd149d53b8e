// Kernels for SSE4.1 (every x86-64 server of the last fifteen years); eight samples a step.
#include <smmintrin.h>

#include "dsp/kernels_scalar.h"
#include "dsp/kernels_table.h"

namespace dsp {
namespace {

inline __m128i load(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}
inline void store(void* to, __m128i value) {
  _mm_storeu_si128(static_cast<__m128i*>(to), value);
}
inline __m128i load_half(const void* from) {
  return _mm_loadl_epi64(static_cast<const __m128i*>(from));
}
inline __m128i widen(const int16_t* from) {
  return _mm_cvtepi16_epi32(load_half(from));
}

inline int32_t horizontal_max(__m128i m) {
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4E));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xB1));
  return _mm_cvtsi128_si32(m);
}

inline int32_t larger(int32_t a, int32_t b) {
  return a > b ? a : b;
}

void accumulate(int32_t* sum, const int16_t* in, int count) {
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    store(sum + i, _mm_add_epi32(load(sum + i), widen(in + i)));
    store(sum + i + 4, _mm_add_epi32(load(sum + i + 4), widen(in + i + 4)));
  }
  for (; i < count; i++) sum[i] += in[i];
}

inline __m128i gains_from(int32_t gain, int32_t step) {
  return _mm_add_epi32(_mm_set1_epi32(gain),
                       _mm_mullo_epi32(_mm_set1_epi32(step), _mm_setr_epi32(0, 1, 2, 3)));
}

inline __m128i scaled4(const int16_t* in, __m128i gains) {
  const __m128i product = _mm_mullo_epi32(widen(in), _mm_srai_epi32(gains, 14));
  return _mm_srai_epi32(_mm_add_epi32(product, _mm_set1_epi32(1 << 13)), 14);
}

void accumulate_ramp(int32_t* sum, const int16_t* in, int count, int32_t gain, int32_t step) {
  __m128i gains = gains_from(gain, step);
  const __m128i stride = _mm_slli_epi32(_mm_set1_epi32(step), 2);
  int i = 0;
  for (; i + 4 <= count; i += 4) {
    store(sum + i, _mm_add_epi32(load(sum + i), scaled4(in + i, gains)));
    gains = _mm_add_epi32(gains, stride);
  }
  for (; i < count; i++) sum[i] += scaled(in[i], gain + step * i);
}

void apply_ramp(int16_t* out, const int16_t* in, int count, int32_t gain, int32_t step) {
  __m128i gains = gains_from(gain, step);
  const __m128i stride = _mm_slli_epi32(_mm_set1_epi32(step), 2);
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i low = scaled4(in + i, gains);
    gains = _mm_add_epi32(gains, stride);
    const __m128i high = scaled4(in + i + 4, gains);
    gains = _mm_add_epi32(gains, stride);
    store(out + i, _mm_packs_epi32(low, high));
  }
  for (; i < count; i++) out[i] = saturate16(scaled(in[i], gain + step * i));
}

int32_t minus_one(int16_t* out, const int32_t* sum, const int16_t* own, int count) {
  __m128i peaks = _mm_setzero_si128();
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i low = _mm_sub_epi32(load(sum + i), widen(own + i));
    const __m128i high = _mm_sub_epi32(load(sum + i + 4), widen(own + i + 4));
    peaks = _mm_max_epi32(peaks, _mm_max_epi32(_mm_abs_epi32(low), _mm_abs_epi32(high)));
    store(out + i, _mm_packs_epi32(low, high));
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
  __m128i peaks = _mm_setzero_si128();
  int i = 0;
  for (; i + 4 <= count; i += 4) {
    const __m128i value = _mm_sub_epi32(load(sum + i), widen(own + i));
    peaks = _mm_max_epi32(peaks, _mm_abs_epi32(value));
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
  __m128i peaks = _mm_setzero_si128();
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i low = load(sum + i);
    const __m128i high = load(sum + i + 4);
    peaks = _mm_max_epi32(peaks, _mm_max_epi32(_mm_abs_epi32(low), _mm_abs_epi32(high)));
    store(out + i, _mm_packs_epi32(low, high));
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
  const __m128i zero = _mm_setzero_si128();
  __m128i totals = zero;
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i value = load(in + i);
    const __m128i pairs = _mm_madd_epi16(value, value);
    totals = _mm_add_epi64(totals, _mm_unpacklo_epi32(pairs, zero));
    totals = _mm_add_epi64(totals, _mm_unpackhi_epi32(pairs, zero));
  }
  uint64_t total = static_cast<uint64_t>(_mm_cvtsi128_si64(totals)) +
                   static_cast<uint64_t>(_mm_extract_epi64(totals, 1));
  for (; i < count; i++) total += static_cast<uint64_t>(in[i] * in[i]);
  return total;
}

int32_t peak(const int16_t* in, int count) {
  // |-32768| wraps to 0x8000, which is right as an unsigned 16-bit value.
  __m128i peaks = _mm_setzero_si128();
  int i = 0;
  for (; i + 8 <= count; i += 8) peaks = _mm_max_epu16(peaks, _mm_abs_epi16(load(in + i)));
  const __m128i zero = _mm_setzero_si128();
  int32_t peak = horizontal_max(
      _mm_max_epi32(_mm_unpacklo_epi16(peaks, zero), _mm_unpackhi_epi16(peaks, zero)));
  for (; i < count; i++) peak = larger(peak, magnitude(in[i]));
  return peak;
}

// Exponent and mantissa of an integer below 2^24 are those of the same number as a float.
inline __m128i segment_codes(__m128i values) {
  const __m128i bits = _mm_castps_si128(_mm_cvtepi32_ps(values));
  return _mm_sub_epi32(_mm_srli_epi32(bits, 19), _mm_set1_epi32((127 + 7) << 4));
}

inline __m128i segment_codes8(__m128i magnitudes) {
  const __m128i zero = _mm_setzero_si128();
  return _mm_packs_epi32(segment_codes(_mm_unpacklo_epi16(magnitudes, zero)),
                         segment_codes(_mm_unpackhi_epi16(magnitudes, zero)));
}

inline void store_bytes(uint8_t* out, __m128i words) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(out), _mm_packus_epi16(words, words));
}

void encode_ulaw(uint8_t* out, const int16_t* in, int count) {
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i sample = load(in + i);
    const __m128i clipped = _mm_min_epu16(_mm_abs_epi16(sample), _mm_set1_epi16(32635));
    const __m128i code = segment_codes8(_mm_add_epi16(clipped, _mm_set1_epi16(132)));
    const __m128i sign = _mm_and_si128(_mm_srai_epi16(sample, 15), _mm_set1_epi16(0x80));
    store_bytes(out + i, _mm_xor_si128(_mm_or_si128(code, sign), _mm_set1_epi16(0xFF)));
  }
  for (; i < count; i++) out[i] = ulaw_of(in[i]);
}

void encode_alaw(uint8_t* out, const int16_t* in, int count) {
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i sample = load(in + i);
    const __m128i negative = _mm_srai_epi16(sample, 15);
    const __m128i value = _mm_xor_si128(sample, negative);
    // Below 256 the law is linear; adding 256 makes it the second segment, one exponent too high.
    const __m128i linear = _mm_cmpgt_epi16(_mm_set1_epi16(256), value);
    const __m128i lifted = _mm_add_epi16(value, _mm_and_si128(linear, _mm_set1_epi16(256)));
    const __m128i code =
        _mm_sub_epi16(segment_codes8(lifted), _mm_and_si128(linear, _mm_set1_epi16(16)));
    const __m128i sign = _mm_andnot_si128(negative, _mm_set1_epi16(0x80));
    store_bytes(out + i, _mm_xor_si128(_mm_or_si128(code, sign), _mm_set1_epi16(0x55)));
  }
  for (; i < count; i++) out[i] = alaw_of(in[i]);
}

// 1 << segment in the low byte of each word; the index byte of the high byte has its top bit set.
inline __m128i powers(__m128i segments, __m128i table) {
  return _mm_shuffle_epi8(table, _mm_or_si128(segments, _mm_set1_epi16(-32768)));
}

// Negates where the mask is all ones.
inline __m128i negate_where(__m128i value, __m128i mask) {
  return _mm_sub_epi16(_mm_xor_si128(value, mask), mask);
}

void decode_ulaw(int16_t* out, const uint8_t* in, int count) {
  const __m128i table = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m128i bias = _mm_set1_epi16(132);
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i bits = _mm_xor_si128(_mm_cvtepu8_epi16(load_half(in + i)), _mm_set1_epi16(0xFF));
    const __m128i mantissa =
        _mm_add_epi16(_mm_slli_epi16(_mm_and_si128(bits, _mm_set1_epi16(15)), 3), bias);
    const __m128i segment = _mm_and_si128(_mm_srli_epi16(bits, 4), _mm_set1_epi16(7));
    const __m128i value = _mm_sub_epi16(_mm_mullo_epi16(mantissa, powers(segment, table)), bias);
    const __m128i negative = _mm_srai_epi16(_mm_slli_epi16(bits, 8), 15);
    store(out + i, negate_where(value, negative));
  }
  for (; i < count; i++) out[i] = linear_of_ulaw(in[i]);
}

void decode_alaw(int16_t* out, const uint8_t* in, int count) {
  const __m128i table = _mm_setr_epi8(1, 1, 2, 4, 8, 16, 32, 64, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m128i lift = _mm_setr_epi8(0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i bits = _mm_xor_si128(_mm_cvtepu8_epi16(load_half(in + i)), _mm_set1_epi16(0x55));
    const __m128i segment = _mm_and_si128(_mm_srli_epi16(bits, 4), _mm_set1_epi16(7));
    const __m128i low = _mm_add_epi16(_mm_slli_epi16(_mm_and_si128(bits, _mm_set1_epi16(15)), 4),
                                      _mm_set1_epi16(8));
    const __m128i mantissa = _mm_add_epi16(low, _mm_slli_epi16(powers(segment, lift), 8));
    const __m128i value = _mm_mullo_epi16(mantissa, powers(segment, table));
    // The sign bit is set on positive samples.
    const __m128i negative =
        _mm_cmpeq_epi16(_mm_and_si128(bits, _mm_set1_epi16(0x80)), _mm_setzero_si128());
    store(out + i, negate_where(value, negative));
  }
  for (; i < count; i++) out[i] = linear_of_alaw(in[i]);
}

inline __m128i products(const int16_t* in, const int16_t* taps, int length) {
  __m128i sums = _mm_madd_epi16(load(in), load(taps));
  for (int k = 8; k < length; k += 8) {
    sums = _mm_add_epi32(sums, _mm_madd_epi16(load(in + k), load(taps + k)));
  }
  return sums;
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

const Kernels kernels_sse41 = {
    "sse4.1", accumulate, accumulate_ramp, apply_ramp,  minus_one,   minus_one_wide, narrow,
    energy,   peak,       encode_ulaw,     encode_alaw, decode_ulaw, decode_alaw,    fir};

}  // namespace dsp
