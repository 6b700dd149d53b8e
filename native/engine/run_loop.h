// Gives a thread to an engine until the stop flag is set.
#pragma once

#include "engine/engine.h"

namespace engine {

struct RunOptions {
  bool realtime = false;
  int realtime_priority = 20;
  /** Pins the thread; negative leaves it to the system. */
  int cpu = -1;
};

enum class RunEnd { stopped, failed };

RunEnd run(Engine& engine, const RunOptions& options);

}  // namespace engine
