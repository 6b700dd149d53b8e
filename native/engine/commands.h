// Commands of the JavaScript side, a bounded number each phase, in the order in which they came.
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

/** False when a command asked the engine to fail (tests of the replacement of a worker). */
bool apply_commands(Context& context, int64_t now);

}  // namespace engine
