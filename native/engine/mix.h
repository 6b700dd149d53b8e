// The tick of a conference. First every member is read, decoded and weighed, and the contributors
// are summed exactly; then each contributor gets the sum less its own part, and everybody else one
// shared packet for each codec, encoded once.
//
//   receive → gate, ramp → sum ┬→ sum − own → limit → encode → contributor
//                              └→ limit → encode once ─┬→ listener
//                                                      └→ listener …
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

void tick_conference(Context& context, Conference& conference, int64_t now);
/** Ends the talk state of a leg that leaves, is muted or is closed. */
void stop_talking(Context& context, Leg& leg);

}  // namespace engine
