#include "dsp/fft.h"

#include <array>
#include <cstddef>
#include <utility>

namespace dsp {
namespace {

constexpr int most = 1 << fft_most_order;

struct Turns {
  std::array<float, most / 2> cosine{};
  std::array<float, most / 2> sine{};
};

// By turning a pointer step by step in double: off by 1e-13 at the end.
constexpr Turns make_turns() {
  Turns turns;
  const double c = 0.99998117528260114265699043772857;  // of 2 pi / 1024
  const double s = 0.00613588464915447535964023459037;
  double x = 1;
  double y = 0;
  for (int i = 0; i < most / 2; i++) {
    turns.cosine[static_cast<size_t>(i)] = static_cast<float>(x);
    turns.sine[static_cast<size_t>(i)] = static_cast<float>(y);
    const double next = x * c - y * s;
    y = x * s + y * c;
    x = next;
  }
  return turns;
}

constexpr Turns turns = make_turns();

void reverse_bits(float* re, float* im, int count) {
  for (int i = 1, j = 0; i < count; i++) {
    int bit = count >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j |= bit;
    if (i < j) {
      std::swap(re[i], re[j]);
      std::swap(im[i], im[j]);
    }
  }
}

}  // namespace

void fft(float* re, float* im, int order, bool inverse) {
  // The inverse is the forward one with the parts exchanged.
  if (inverse) std::swap(re, im);
  const int count = 1 << order;
  reverse_bits(re, im, count);
  for (int half = 1; half < count; half *= 2) {
    const int stride = most / 2 / half;
    for (int start = 0; start < count; start += 2 * half) {
      for (int k = 0; k < half; k++) {
        const float c = turns.cosine[static_cast<size_t>(k * stride)];
        const float s = turns.sine[static_cast<size_t>(k * stride)];
        const int a = start + k;
        const int b = a + half;
        const float x = re[b] * c + im[b] * s;
        const float y = im[b] * c - re[b] * s;
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
  if (!inverse) return;
  const float scale = 1.0f / static_cast<float>(count);
  for (int i = 0; i < count; i++) {
    re[i] *= scale;
    im[i] *= scale;
  }
}

}  // namespace dsp
