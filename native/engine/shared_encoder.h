// Listeners of one codec share one stream, and for codecs with memory (G.722, Opus) one encoder for
// each conference. Here a leg goes from that stream to one of its own and back without a seam: an
// encoder must always go on from where the decoders stand that will hear it.
#pragma once

#include "engine/context.h"

namespace engine {

/**
 * The memory of the shared encoder for the frame that `leg` and others will hear; null when the
 * codec needs none. While nobody followed it, it stood still: then it goes on from the stream that
 * this leg had of its own.
 */
void* use_shared_encoder(Context& context, Conference& conference, Leg& leg);
SilentPayload& shared_silence_of(Context& context, const Conference& conference, const Leg& leg);
/** The stream of its own goes on from where the shared one stands, which nobody hears. */
void take_over_shared(Context& context, Conference& conference, Leg& leg);
/** The leg follows the shared stream and needs no encoder for now. */
void leave_own_encoder(Context& context, Leg& leg);
/** Nothing is sent for now: what the decoder of the leg followed stays where it is. */
void stand_still(Conference& conference, const Leg& leg);
/**
 * Whether going back to the shared stream would be heard. Two encoders of G.722 never agree,
 * whatever both hear: 20 ms of noise, some 20 dB below the sound. With Opus nothing is heard.
 */
bool hears_seam(const Conference& conference, const Leg& leg);

}  // namespace engine
