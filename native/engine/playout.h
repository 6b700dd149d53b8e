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
struct Playout {
  jitter::Playout buffer;
  const uint8_t* formats = nullptr;  // of the leg: payload type to codec
  void* decoder_state = nullptr;
  abi::CodecKind decoder = abi::CodecKind::none;  // whose state that is
  uint32_t rate_hz = 0;
  uint32_t clock_hz = 0;
  bool ready = false;
};

/** Bytes of buffer memory that a leg may need at most, and of decoder or encoder state. */
size_t playout_bytes();
size_t decoder_bytes();
size_t encoder_bytes();

/** For a leg whose send codec is known; keeps what is buffered if nothing changed. */
void prepare_playout(Context& context, Leg& leg);
void insert_audio(Context& context, Leg& leg, const rtp::Packet& packet, bool comfort_noise,
                  int64_t now);
/** Exactly one frame of the leg's rate. True when it holds what the peer sent, not only silence. */
bool pull_frame(Context& context, Leg& leg, int64_t now, int16_t* out);

}  // namespace engine
