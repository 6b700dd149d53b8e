#include "engine/loudness.h"

#include <algorithm>

#include "dsp/amplify.h"
#include "engine/mix_tick.h"

namespace engine {
namespace {

/** Opening takes a 200th of a second: no click, and no syllable lost. */
constexpr uint32_t kOpenDivisor = 200;
/** Kernels take gains below 4. */
constexpr float kMostKernelGain = 3.99f;

int32_t q28(float gain) {
  return static_cast<int32_t>(gain * static_cast<float>(dsp::unity_gain));
}

}  // namespace

void shape_contribution(Context& context, Leg& leg, int16_t* pcm, float target) {
  float& gain = leg.mix.gain;
  dsp::Limiter& limiter = leg.loudness.limiter;
  const float from = gain;
  gain = target;
  if (from == 1.0f && target == 1.0f && limiter.idle()) return;
  const auto samples = static_cast<int>(frame_samples(leg));
  // Closing takes the whole frame, and so does every change in between.
  const int ramp = from == 0.0f ? static_cast<int>(leg.out.rate_hz / kOpenDivisor) : samples;
  const float step = (target - from) / static_cast<float>(ramp);
  const float most = std::max(from, target);
  const bool quiet =
      limiter.idle() && most < kMostKernelGain &&
      (most <= 1.0f || static_cast<float>(context.kernels.peak(pcm, samples)) * most <
                           static_cast<float>(dsp::limit_peak));
  if (quiet) {
    context.kernels.apply_ramp(pcm, pcm, ramp, q28(from), q28(step));
    if (ramp < samples && target != 1.0f) {
      context.kernels.apply_ramp(pcm + ramp, pcm + ramp, samples - ramp, q28(target), 0);
    }
    return;
  }
  int32_t* wide = context.scratch().wide;
  int32_t peak = dsp::amplify(wide, pcm, ramp, from, step);
  peak = std::max(peak, dsp::amplify(wide + ramp, pcm + ramp, samples - ramp, target, 0));
  limiter.process(context.kernels, pcm, wide, samples, peak);
}

}  // namespace engine
