// What one conference tick works with, shared by the files that make it: mix.cc, selection.cc,
// hearing.cc, loudness.cc. The large buffers are in Scratch and in Context::contributions.
#pragma once

#include <cstdint>

#include "engine/context.h"
#include "engine/packets.h"

namespace engine {

struct Tick {
  uint32_t contributors = 0;  // in the sum
  uint32_t candidates = 0;
  uint32_t slots = 0;
  uint32_t additions = 0;
  uint32_t lanes_used = 0;       // bits: somebody contributes at this rate
  uint32_t lanes_present = 0;    // bits: there are members of this rate
  uint32_t listeners_ready = 0;  // bits: the listener frame of this rate is made
  uint32_t own = 0;
  uint32_t listeners = 0;
  uint32_t leaving = 0;
  Sources sources;
  uint8_t listener_minus_dbov[kLanes] = {kLevelUnknown, kLevelUnknown, kLevelUnknown};
  uint32_t shared_bytes[abi::kCodecKindCount][kLanes] = {};
  bool announcing = false;  // the sums hold more than contributors
  bool shared_ready[abi::kCodecKindCount][kLanes] = {};

  bool sounds(uint32_t lane) const { return (lanes_used & (1u << lane)) != 0; }
};

inline int16_t* slot_of(Context& context, uint32_t slot) {
  return &context.contributions[static_cast<size_t>(slot) * kMaxFrameSamples];
}

inline uint32_t frame_samples(const Leg& leg) {
  return leg.out.rate_hz / kTicksPerSecond;
}

}  // namespace engine
