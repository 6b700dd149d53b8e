// Who hears whom in a conference. The rule is one sum for all less oneself; a row of the leg
// changes it: not heard, heard by a named few only, or by all but a named few; and hears nothing.
// Each name costs one frame addition in the ticks in which somebody talks, so that work grows with
// the names and never with the square of the members. A new row takes effect at one tick, after
// what was heard under the old one has faded.
#pragma once

#include <cstdint>

#include "engine/context.h"
#include "engine/mix_tick.h"

namespace engine {

/** A new row; a leg that is being heard fades first if its audience changes. */
void change_row(Leg& leg, const abi::HearCommand& command);
void change_gains(Leg& leg, const abi::GainCommand& command);
/** Once the old contribution is silent. */
void complete_row(Leg& leg);
/**
 * After the contribution of a leg was made: gives it to those who hear it in private, or takes it
 * away from those who must not hear it.
 */
void address_named(Context& context, const Conference& conference, Leg& leg, Tick& tick);
/**
 * What a member with a stream of its own hears of the conference, with the list of contributors in
 * it; null is silence.
 */
const int16_t* hear_own(Context& context, Leg& leg, const Tick& tick, Sources& sources);

}  // namespace engine
