// Gains of a conferee: of what it says, as set and as found by automatic gain control, and of what
// it hears. All move along a line within a frame, and a limiter keeps what becomes too loud.
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

/** What the contribution of a leg shall be multiplied with. */
inline float input_gain(const Conference& conference, const Leg& leg) {
  if (!conference.automatic_gain) return leg.loudness.input;
  return leg.loudness.input * leg.loudness.automatic.gain();
}

/** Moves the gain of a contribution to `target`: in 5 ms when it opens, else within the frame. */
void shape_contribution(Context& context, Leg& leg, int16_t* pcm, float target);

/** Whether what the leg hears is not simply the mix. */
inline float output_gain(const Leg& leg) {
  return leg.route.hears ? leg.loudness.output : 0.0f;
}

}  // namespace engine
