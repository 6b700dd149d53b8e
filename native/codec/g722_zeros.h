// The six zero coefficients of a G.722 predictor with the differences they weigh: UPZERO, DELAYA
// and FILTEZ of ITU-T G.722 in one step. Scalar is the definition; SSE2 (any x86-64) holds each
// array in one register. audio tests hold the two equal.
#pragma once

#include <algorithm>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace codec::subband {

// Lanes 0 to 5 are coefficients and differences 1 to 6; the last two stay zero.
struct alignas(16) Zeros {
  int16_t coefficients[8];
  int16_t differences[8];
};

// Takes the newest difference in; the value is the unclamped zero prediction (SZ).
inline int update_scalar(Zeros& zeros, int difference) {
  const int step = difference == 0 ? 0 : 128;
  for (int n = 0; n < 6; n++) {
    const bool same = (zeros.differences[n] ^ difference) >= 0;
    const int next = (same ? step : -step) + ((zeros.coefficients[n] * 32640) >> 15);
    zeros.coefficients[n] = static_cast<int16_t>(std::clamp(next, -32768, 32767));
  }
  for (int n = 5; n > 0; n--) zeros.differences[n] = zeros.differences[n - 1];
  zeros.differences[0] = static_cast<int16_t>(difference);
  int sum = 0;
  for (int n = 0; n < 6; n++) {
    const int doubled = std::clamp(2 * zeros.differences[n], -32768, 32767);
    sum += (zeros.coefficients[n] * doubled) >> 15;
  }
  return sum;
}

#if defined(__SSE2__)

inline int update(Zeros& zeros, int difference) {
  auto* const coefficients = reinterpret_cast<__m128i*>(zeros.coefficients);
  auto* const differences = reinterpret_cast<__m128i*>(zeros.differences);
  const __m128i six = _mm_setr_epi16(-1, -1, -1, -1, -1, -1, 0, 0);
  const __m128i newest = _mm_set1_epi16(static_cast<int16_t>(difference));
  const __m128i old = _mm_load_si128(differences);
  const __m128i b = _mm_load_si128(coefficients);

  // +128 where the signs agree, −128 where they differ, 0 for a difference of 0.
  const __m128i differs = _mm_srai_epi16(_mm_xor_si128(old, newest), 15);
  const __m128i step = _mm_set1_epi16(difference == 0 ? 0 : 128);
  const __m128i signed_step = _mm_sub_epi16(_mm_xor_si128(step, differs), differs);
  // (b * 32640) >> 15 is b − ceil(b / 256), as 32640 / 32768 is 255 / 256. Rounded down, and one
  // more where there is a rest: −b would not fit where b is −32768.
  const __m128i rest = _mm_and_si128(b, _mm_set1_epi16(255));
  const __m128i has_rest = _mm_cmpgt_epi16(rest, _mm_setzero_si128());
  const __m128i kept_part = _mm_add_epi16(_mm_sub_epi16(b, _mm_srai_epi16(b, 8)), has_rest);
  const __m128i next = _mm_and_si128(_mm_adds_epi16(signed_step, kept_part), six);
  _mm_store_si128(coefficients, next);

  const __m128i shifted = _mm_insert_epi16(_mm_slli_si128(old, 2), difference, 0);
  const __m128i kept = _mm_and_si128(shifted, six);
  _mm_store_si128(differences, kept);

  // Each product is cut off at bit 15 by itself before the sum.
  const __m128i doubled = _mm_adds_epi16(kept, kept);
  const __m128i product_low = _mm_mullo_epi16(next, doubled);
  const __m128i product_high = _mm_mulhi_epi16(next, doubled);
  const __m128i products =
      _mm_add_epi32(_mm_srai_epi32(_mm_unpacklo_epi16(product_low, product_high), 15),
                    _mm_srai_epi32(_mm_unpackhi_epi16(product_low, product_high), 15));
  const __m128i pairs = _mm_add_epi32(products, _mm_shuffle_epi32(products, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(pairs, _mm_shuffle_epi32(pairs, 0xb1)));
}

#else

inline int update(Zeros& zeros, int difference) {
  return update_scalar(zeros, difference);
}

#endif

}  // namespace codec::subband
