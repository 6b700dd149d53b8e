// Prompts from the arena into frames, one after another without a gap.
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

/** Starts a playback in the slot of its mode; ends the one that was there. */
void start_player(Context& context, Leg& leg, const abi::PlayCommand& command);
/** Ends one playback, or with 0 all of the leg. */
void stop_players(Context& context, Leg& leg, uint32_t playback);
/** Fills `out`; after the last sample the rest is silence and the end is reported. */
void read_player(Context& context, Leg& leg, Player& player, int16_t* out, uint32_t samples);

/** As read_player, without a report: the player is inactive when its last sample is in `out`. */
void fill_from(const Context& context, Player& player, int16_t* out, uint32_t samples);
/** A gain as the players keep it. */
int32_t gain_of(float gain);

}  // namespace engine
