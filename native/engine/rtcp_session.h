// Reports of a leg: when they are due, what they say, and what the peer's say about us.
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

void on_rtcp(Context& context, Leg& leg, const uint8_t* bytes, size_t count, int64_t now);
/** Sends a compound and sets the time of the next one. */
void send_report(Context& context, Leg& leg, int64_t now, bool bye);
/** The first report comes earlier (RFC 3550 section 6.2). */
void schedule_first_report(Context& context, Leg& leg, int64_t now);

}  // namespace engine
