// What a whole conference hears: prompts added to its sums once, so that listeners go on sharing
// one packet and nobody's own part is touched.
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

/** Ends the one before. */
void start_announcement(Context& context, Conference& conference,
                        const abi::AnnounceCommand& command);
/** Ends this one, or with 0 whichever there is. */
void stop_announcement(Context& context, Conference& conference, uint32_t playback);
/**
 * Adds its frame to the sum of every rate in `lanes_present`, and marks them in `lanes_used`. After
 * sums have crossed rates, as each rate has samples of its own. True: something was added.
 */
bool add_announcement(Context& context, Conference& conference, uint32_t lanes_present,
                      uint32_t& lanes_used);

}  // namespace engine
