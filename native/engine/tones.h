// Digits as tones in the audio, both ways (ITU-T Q.23, Q.24).
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

/** Detection was asked for and the peer has not shown that it sends digits as events. */
inline bool listens_inband(const Leg& leg) {
  return leg.wants_inband && !leg.digits_in.seen();
}
void detect_inband(Context& context, Leg& leg, const int16_t* pcm);
/** The frame of the digit that sounds now; false when a pause is due. */
bool fill_tone(Context& context, Leg& leg, int16_t* out);

}  // namespace engine
