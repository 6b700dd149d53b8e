// Who talks: the voice activity of a member opens its way into the mix, in the very frame in which
// a word begins, and makes the talk events that the rest of the program sees.
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

/** Whether a member sounds like somebody who wants to be heard; `heard`: its frame is no mere
 * silence. */
bool opens(Contribution& mix, bool heard, float level_square);
/**
 * Whether its frame, with the gain it gets, adds nothing that anybody would hear, and so did the
 * last ones: it keeps its place, but is not summed until it is louder, nor decoded where its level
 * is known without. Between two words that saves the second encoding which a contributor needs.
 */
bool falls_silent(Contribution& mix, float level_square, float gain);
/** After the selection: starts and ends the talk state. */
void follow_talk(Context& context, Leg& leg);
/** Ends the talk state of a leg that leaves, is muted or is closed. */
void stop_talking(Context& context, Leg& leg);

}  // namespace engine
