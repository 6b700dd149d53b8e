#include "dsp/amplify.h"

#include <algorithm>

namespace dsp {
namespace {

template <class Sample>
int32_t amplify_any(int32_t* out, const Sample* in, int count, float gain, float step) {
  int32_t peak = 0;
  for (int i = 0; i < count; i++) {
    const float value = static_cast<float>(in[i]) * (gain + step * static_cast<float>(i));
    // Rounds half away from zero, in a form that compilers vectorise.
    const auto rounded = static_cast<int32_t>(value + (value < 0 ? -0.5f : 0.5f));
    out[i] = rounded;
    peak = std::max(peak, rounded < 0 ? -rounded : rounded);
  }
  return peak;
}

}  // namespace

int32_t amplify(int32_t* out, const int32_t* in, int count, float gain, float step) {
  return amplify_any(out, in, count, gain, step);
}

int32_t amplify(int32_t* out, const int16_t* in, int count, float gain, float step) {
  return amplify_any(out, in, count, gain, step);
}

}  // namespace dsp
