// QUANTL of ITU-T G.722: in which of 30 intervals a magnitude lies, whose bounds grow with the
// scale. Scalar is the definition; SSE2 compares with all bounds at once, which spares the
// mispredicted branches that a search takes on noise-like input.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace codec::subband {

// Q6, times 16, so that the upper half of a 16-bit product is the standard's (Q6 * DET) >> 12. The
// first entry is never a bound; the last two lie above every magnitude's interval number.
alignas(16) inline constexpr uint16_t kBounds[32] = {
    0,         35 * 16,   72 * 16,   110 * 16,  150 * 16,  190 * 16,  233 * 16,  276 * 16,
    323 * 16,  370 * 16,  422 * 16,  473 * 16,  530 * 16,  587 * 16,  650 * 16,  714 * 16,
    786 * 16,  858 * 16,  940 * 16,  1023 * 16, 1121 * 16, 1219 * 16, 1339 * 16, 1458 * 16,
    1612 * 16, 1765 * 16, 1980 * 16, 2195 * 16, 2557 * 16, 2919 * 16, 0,         0};

// 1 to 30: the first bound above `magnitude` (0 to 32767); `scale` is DETL, 32 to 32767.
inline int interval_scalar(int magnitude, int scale) {
  int index = 1;
  while (index < 30 && magnitude >= ((kBounds[index] * scale) >> 16)) index++;
  return index;
}

#if defined(__SSE2__)

inline int interval(int magnitude, int scale) {
  const __m128i sample = _mm_set1_epi16(static_cast<int16_t>(magnitude));
  const __m128i factor = _mm_set1_epi16(static_cast<int16_t>(scale));
  const auto* const bounds = reinterpret_cast<const __m128i*>(kBounds);
  __m128i above[4];
  for (int n = 0; n < 4; n++) {
    above[n] = _mm_cmpgt_epi16(_mm_mulhi_epu16(_mm_load_si128(bounds + n), factor), sample);
  }
  const auto first = static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(above[0], above[1])));
  const auto second = static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(above[2], above[3])));
  // Entry 0 is no bound, and interval 30 has none.
  return __builtin_ctz(((first | second << 16) & ~1u) | 1u << 30);
}

#else

inline int interval(int magnitude, int scale) {
  return interval_scalar(magnitude, scale);
}

#endif

}  // namespace codec::subband
