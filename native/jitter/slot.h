// A place in the buffer; its payload lies in the array behind the slots. A played slot keeps its
// sequence number, by which a duplicate is known.
#pragma once

#include <cstdint>

#include "jitter/buffer.h"

namespace jitter {

struct alignas(16) Buffer::Slot {
  int64_t sequence = -1;
  int64_t media = 0;
  int64_t arrival_ns = 0;
  uint16_t bytes = 0;
  uint8_t payload_type = 0;
  uint8_t level = level_unknown;
  bool present = false;
  bool comfort_noise = false;
  bool talkspurt = false;  // First after a jump of the timeline.
};

}  // namespace jitter
