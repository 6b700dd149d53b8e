// What a leg hears as payloads: prompts and tones in it, encoded, digits in between. packets.h puts
// them on the wire.
#pragma once

#include <cstdint>

#include "engine/context.h"
#include "engine/packets.h"

namespace engine {

/** Moves the time line of the leg to the present period. Once a tick, before anything is sent. */
void advance_time(Context& context, Leg& leg);
/**
 * Whether the leg cannot send what others share: its packets are cut otherwise, or its peer takes
 * fewer bits (maxaveragebitrate, RFC 7587 section 6.1).
 */
bool needs_own_encoder(const Context& context, const Leg& leg);
/**
 * Encodes `samples` into `out` (kMaxFrameBytes); null is silence, which is encoded only until the
 * codec has settled on it. Returns bytes, 0 when nothing is to be sent.
 */
uint32_t encode_frame(Context& context, const Leg& leg, void* encoder, SilentPayload& silent,
                      const int16_t* pcm, uint32_t samples, uint8_t* out);
/** A digit takes this tick, if one is queued. True when it did. */
bool send_event(Context& context, Leg& leg);
/**
 * What a leg sends that is not in the shared mix: `heard` (null: silence) with its prompts and
 * tones. Returns the samples for a recording, or null when they were silence.
 */
const int16_t* send_own(Context& context, Leg& leg, const int16_t* heard, Sources sources);

}  // namespace engine
