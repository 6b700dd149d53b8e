// The receiving half of a leg between packets and frames: lends the decoders of codec/ to the
// jitter buffer of jitter/ and keeps their memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codec/codec.h"
#include "engine/abi.gen.h"
#include "jitter/playout.h"
#include "rtp/packet.h"

namespace engine {

class Context;
struct Leg;

/** The codec table of a kind at a rate; null when it is not built in. */
const codec::Codec* codec_of(abi::CodecKind kind, uint32_t rate_hz);
const codec::Codec* codec_of(abi::CodecKind kind);

/** What decode gets back as `self`. Lies beside the leg, never moves. */
struct alignas(64) Playout {
  jitter::Playout buffer;
  const codec::Codec* codec = nullptr;  // whose packets it takes; others are not decodable
  const Leg* leg = nullptr;
  void* decoder_state = nullptr;  // this and `memory` are lent, see codec_memory.h
  uint8_t* memory = nullptr;
  uint8_t size = 0;          // class of `memory`
  uint8_t decoder_size = 0;  // class of `decoder_state`
  bool fresh = true;         // the decoder state is void
};

/** Bytes of buffer memory that a leg needs for a codec. */
size_t playout_bytes(const codec::Codec& codec);

/** Ready for what the peer may send; keeps what is buffered if that did not change. */
void prepare_playout(Context& context, Leg& leg, const codec::Codec* codec);
/** Forgets what is buffered, as nobody listened for a while. */
void reset_playout(Context& context, Leg& leg);
void insert_audio(Context& context, Leg& leg, const rtp::Packet& packet, bool comfort_noise,
                  int64_t now);
/** Whether what is buffered gives the next frame, in its turn. */
bool frame_waits(const Context& context, const Leg& leg);
/**
 * What the next frame will be, where that is known before it is decoded: its level into
 * `mean_square`. False: only decoding tells. A frame that nobody will hear is then skipped.
 */
bool foresee_level(Context& context, Leg& leg, int64_t now, float& mean_square);
/** Takes the next frame out of the buffer without decoding it. After foresee_level said true. */
void skip_frame(Context& context, Leg& leg, int64_t now);
/** Exactly one frame of the leg's rate. True when it holds what the peer sent, not only silence. */
bool pull_frame(Context& context, Leg& leg, int64_t now, int16_t* out);
/** One frame to another rate; each user has an index, and its history, of its own. */
void resample(Context& context, uint32_t index, uint32_t from_hz, uint32_t to_hz, const int16_t* in,
              int16_t* out);

}  // namespace engine
