// The tick of a conference. First every member is read and weighed: does somebody talk (talk.h)? Of
// those who do the loudest have a place (selection.h), are shaped (loudness.h) and summed exactly.
// Then each contributor gets the sum less its own part, everybody else one shared packet for each
// codec, encoded once. Rows change who hears whom (hearing.h).
//
//   receive → talk? → select → gain, ramp → sum ┬→ sum − own ± named → gain, limit → encode
//                                               └→ limit → encode once ─┬→ listener
//                                                                       └→ listener …
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

void tick_conference(Context& context, Conference& conference, int64_t now);

}  // namespace engine
