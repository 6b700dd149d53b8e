// Frames and payloads of a leg onto the wire: one SSRC, one time line, headers written in place.
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

/** Moves the time line of the leg to the present period. Once a tick, before anything is sent. */
void advance_time(Context& context, Leg& leg);
/** The encoder memory of a leg; null when no codec needs any. */
void* encoder_of(Context& context, const Leg& leg);
/**
 * Encodes 20 ms into `out` (kMaxPayloadBytes); null is silence, which is encoded only until the
 * codec has settled on it. Returns bytes, 0 when nothing is to be sent.
 */
uint32_t encode_frame(Context& context, const Leg& leg, void* encoder, SilentPayload& silent,
                      const int16_t* pcm, uint8_t* out);
/**
 * Sends the payload of one tick that stands kHeadroom into `buffer`. The CSRC list stands directly
 * before it already; only the fixed header is written, so that many legs may send the same buffer.
 */
void send_payload(Context& context, Leg& leg, uint8_t* buffer, uint32_t bytes, uint32_t csrc_count);
/** A packet that is no tick of audio: an event or a forwarded payload. */
void send_packet(Context& context, Leg& leg, uint8_t* buffer, uint32_t bytes,
                 const rtp::Header& header);
/** A digit takes this tick, if one is queued. True when it did. */
bool send_event(Context& context, Leg& leg);
/**
 * What a leg sends that is not in the shared mix: `heard` (null: silence) with its prompts and
 * tones. Returns the samples for a recording, or null when they were silence.
 */
const int16_t* send_own(Context& context, Leg& leg, const int16_t* heard, const uint32_t* csrc,
                        uint32_t csrc_count);

}  // namespace engine
