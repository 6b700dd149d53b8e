// A place in the buffer; its payload lies in the ring behind the slots, until later packets need
// the room. A played slot keeps its sequence number, by which a duplicate is known.
#pragma once

#include <cstdint>

#include "jitter/buffer.h"

namespace jitter {

struct alignas(16) Buffer::Slot {
  int64_t sequence = -1;
  int64_t media = 0;
  int64_t arrival_ns = 0;
  uint32_t payload_at = 0;  // Bytes written to the ring before it.
  uint8_t payload_type = 0;
  uint8_t level = level_unknown;
  uint16_t bytes : 13 = 0;
  uint16_t present : 1 = 0;
  uint16_t comfort_noise : 1 = 0;
  uint16_t talkspurt : 1 = 0;  // First after a jump of the timeline.
};
static_assert(sizeof(Buffer::Slot) == 32, "two of them in a cache line");

}  // namespace jitter
