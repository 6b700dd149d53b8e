// Which leg is served where: lists of phases and conferences, and the moves between them. A leg
// that is being heard leaves its conference one tick later than asked, faded out.
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

void add_leg(Context& context, Leg& leg);
/** Asks for a route; a contributor fades first. */
void change_route(Context& context, Leg& leg, const Route& route);
/** Asks for the end of a leg; a contributor fades first. */
void close_leg(Context& context, Leg& leg, int64_t now);
/** After the fade: the move or the end that was asked for. */
void complete_leaving(Context& context, Leg& leg, int64_t now);

void open_conference(Context& context, const abi::OpenConferenceCommand& command);
/** Nobody is in it: no tick passes it until somebody comes. */
void park_conference(Context& context, Conference& conference);
/** Members become idle at once. */
void close_conference(Context& context, Conference& conference, int64_t now);

}  // namespace engine
