// Memory that only some legs need, lent from the pools of the context: the encoder of a leg whose
// stream is no copy of what others get, the decoder and buffers for what it receives, and a payload
// that waits for its packet to be full. A pool has a block for every leg, so none is ever refused.
#pragma once

#include "codec/codec.h"
#include "engine/context.h"

namespace engine {

/** Bytes of a block of each class, ascending. */
size_t encoder_block_bytes(uint32_t size);
size_t decoder_block_bytes(uint32_t size);
size_t playout_block_bytes(uint32_t size);
/** Bytes of any encoder, in a multiple of its alignment. */
size_t encoder_bytes();

/** Of every encoder that no peer asked anything of. */
codec::Params encoder_params(const Context& context);
/** The peer takes fewer bits of Opus than the others get. */
bool limits_bitrate(const Context& context, const Leg& leg);

/**
 * The encoder of the leg, made ready with its parameters if it had none; null when its codec keeps
 * nothing. Stays until drop_encoder.
 */
void* hold_encoder(Context& context, Leg& leg);
void drop_encoder(Context& context, Leg& leg);
/** What the encoder of the leg sends in silence. */
SilentPayload& silent_of(Context& context, Leg& leg);
/** A member that may get a place in the mix needs an encoder then: its memory is there before. */
void reserve_encoder(Context& context, Leg& leg);
void release_reserve(Context& context, Leg& leg);

/** Decoder state and buffers for a codec, in place of those of another one. */
void hold_playout(Context& context, Leg& leg, const codec::Codec& codec, size_t bytes);
/** Room for a payload that waits; only packets of a tick need none. */
void hold_room(Context& context, Leg& leg, bool needed);
/** Everything back, at the end of the leg. */
void drop_memory(Context& context, Leg& leg);

}  // namespace engine
