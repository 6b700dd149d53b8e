// What comes in on the sockets of a leg: validity, latching of the source, digits, and audio to the
// jitter buffer or straight to the other leg of a relay.
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

/** Reads the RTP socket until it is empty or the leg's share of this tick is used up. */
void receive(Context& context, Leg& leg, int64_t now);
void receive_rtcp(Context& context, Leg& leg, int64_t now);
/** Ends a digit whose packets stopped. */
void check_digit(Context& context, Leg& leg, int64_t now);
/** Silence of the peer: unlocks the socket for a new source, tells once. Called now and then. */
void check_silence(Context& context, Leg& leg, int64_t now);
/** New parameters name another peer: the source has to be found again. */
void unlatch(Context& context, Leg& leg);
void post_digit(Context& context, Leg& leg, uint8_t digit, abi::DigitSource source,
                uint32_t duration_ms);

}  // namespace engine
