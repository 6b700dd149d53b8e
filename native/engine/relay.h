// Two legs that hear each other. Where the codecs agree, payloads pass undecoded with the
// receiver's own header; prompts, recordings and codec changes go through the jitter buffer and an
// encoder instead.
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

/** Whether what `from` sends goes to `to` undecoded at present. */
bool forwards(const Context& context, const Leg& from, const Leg& to);
void forward(Context& context, Leg& from, Leg& to, const rtp::Packet& packet, int64_t now);
/** Whether the audio of `from` has to be decoded for `to`. */
bool relay_decodes(const Context& context, const Leg& from, const Leg& to);
/** One tick of both. */
void tick_relay(Context& context, Leg& a, Leg& b, int64_t now);
/** Between ticks: passes on what has come. */
void poll_relays(Context& context, int64_t now);

}  // namespace engine
