// Frames of a leg into a ring that the JavaScript side empties into a file. A record is two words
// (samples, samples that were lost before them) and the samples; positions run freely modulo 2^32.
//
//   offset   0  write position in bytes, ours
//   offset  64  read position in bytes, theirs
//   offset 192  data, a power of two of bytes
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

void start_recording(Context& context, Leg& leg, const abi::StartRecordingCommand& command);
void stop_recording(Context& context, Leg& leg);
/** One tick of a leg that records; a null side is silence. */
void record_frame(Context& context, Leg& leg, const int16_t* received, const int16_t* sent,
                  uint32_t samples);
inline bool records_sent(const Context& context, const Leg& leg) {
  return leg.recording != kNone &&
         context.recordings[leg.recording].side != abi::RecordSide::received;
}
inline bool records_received(const Context& context, const Leg& leg) {
  return leg.recording != kNone && context.recordings[leg.recording].side != abi::RecordSide::sent;
}

}  // namespace engine
