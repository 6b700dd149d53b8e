// The parts of a leg's tick that all routes share.
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

/** Moves the time line, decides whether audio is decoded, reads the socket, does what is due
 * rarely. */
void begin_tick(Context& context, Leg& leg, int64_t now);
/** pull_frame, and looks for in-band digits in it. */
bool pull_tapped(Context& context, Leg& leg, int64_t now, int16_t* out);
/** One tick of a leg on its own: idle or echo. */
void tick_single(Context& context, Leg& leg, int64_t now);
/** Writes the statistics of the leg where JavaScript reads them. */
void publish_leg(Context& context, const Leg& leg);

}  // namespace engine
