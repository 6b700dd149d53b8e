// Which of those who talk are mixed: all, or the loudest few of the conference. Who has a place
// keeps it against somebody a little louder; who waits gains weight, so that equal talkers take
// turns of some seconds. Places are given in the frame in which talk begins.
#pragma once

#include "engine/context.h"
#include "engine/mix_tick.h"

namespace engine {

/** Sets `selected` for every candidate of the tick. */
void select_contributors(Context& context, const Conference& conference, const Tick& tick);

}  // namespace engine
