// Digits as tones in the audio, both ways (ITU-T Q.23, Q.24).
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

/** Detection was asked for and the peer has not shown that it sends digits as events. */
inline bool listens_inband(const Leg& leg) {
  return leg.wants_inband && !leg.digits_in.seen();
}
/** Before the first frame of a leg, and when its rate changes. */
void prepare_tones(Context& context, const Leg& leg);
/** Looks for digits in a frame of the peer. True when a tone sounds; the frame is then made silent.
 */
bool detect_inband(Context& context, Leg& leg, int16_t* pcm);
bool tone_sounds(const Context& context, const Leg& leg);
/** The frame of the digit that sounds now; false when a pause is due. */
bool fill_tone(Context& context, Leg& leg, int16_t* out);

}  // namespace engine
