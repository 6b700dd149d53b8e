// The media engine of one worker: all legs and conferences of a thread, moved by `tick`. What it
// does: read packets, mix, send packets, on an absolute clock. What it must never know: JavaScript,
// SIP, who a conferee is. Start with tick(), then mix.h and leg_tick.h; commands.h for what can be
// asked of it.
//
// Time is cut into phases of 2 ms; ten of them are a period of 20 ms, in which each leg has one
// frame. Conferences and single legs are spread over the phases, so that packets do not leave in
// one burst. Nothing under tick() allocates, locks, logs or throws.
#pragma once

#include <cstdint>

#include "engine/context.h"
#include "engine/load_meter.h"

namespace engine {

inline constexpr int64_t kPhaseNs = 2 * 1'000'000;

class Engine {
 public:
  Engine(const SharedMemory& memory, const Limits& limits, net::Link& link, uint64_t seed)
      : context_(memory, limits, link, seed) {}

  /** False when memory did not suffice. */
  bool valid() const { return context_.valid(); }

  /** One phase: commands, relays, then the legs and conferences of this phase. False: give up. */
  bool tick(int64_t now_ns);
  /** Leaves out phases that are too late to be made up for. */
  void skip_phases(uint32_t count);
  /** The same while there is nothing to do. */
  void skip_idle_phases(uint32_t count);
  void publish(const LoadMeter& meter, bool realtime, int64_t wall_ns);

  bool stop_requested() const { return context_.commands.stop_requested(); }
  bool idle() const { return context_.leg_count == 0; }
  Context& context() { return context_; }

 private:
  void advance_phase();

  Context context_;
};

}  // namespace engine
