#include "dsp/time_stretch.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace dsp {
namespace {

// Below this normalised correlation the seam would be heard.
constexpr float good_likeness = 0.8f;
constexpr float bearable_likeness = 0.4f;

// Samples [0, from) and [cut, cut + from) blended, then what follows.
Compressed blend_out(int16_t* pcm, int samples, int cut, int blend) {
  for (int i = 0; i < blend; i++) {
    const int weight = (i + 1) * 32768 / (blend + 1);
    pcm[i] = static_cast<int16_t>((pcm[i] * (32768 - weight) + pcm[cut + i] * weight) >> 15);
  }
  const int rest = samples - cut - blend;
  std::memmove(pcm + blend, pcm + cut + blend, static_cast<size_t>(rest) * sizeof(int16_t));
  return {samples - cut, cut};
}

float likeness(const int16_t* pcm, int lag, int stride) {
  float product = 0;
  float first = 1;
  float second = 1;
  for (int i = 0; i < lag; i += stride) {
    const float x = pcm[i];
    const float y = pcm[lag + i];
    product += x * y;
    first += x * x;
    second += y * y;
  }
  return product / std::sqrt(first * second);
}

}  // namespace

Compressed compress(int16_t* pcm, int samples, int most, int sample_rate_hz, bool quiet,
                    bool urgent) {
  const int shortest = sample_rate_hz / 400;
  most = std::min(most, samples / 2);
  if (most < shortest) return {samples, 0};
  if (quiet) return blend_out(pcm, samples, most, std::min(samples - most, most));

  const int step = std::max(1, sample_rate_hz / 8000);
  int best = 0;
  float best_likeness = urgent ? bearable_likeness : good_likeness;
  // The longer of two equally good periods gives back more.
  for (int lag = shortest; lag <= most; lag += step) {
    const float found = likeness(pcm, lag, step);
    if (found > best_likeness) {
      best_likeness = found;
      best = lag;
    }
  }
  if (best == 0) return {samples, 0};
  return blend_out(pcm, samples, best, best);
}

}  // namespace dsp
