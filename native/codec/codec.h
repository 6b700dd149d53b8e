// A codec is a table of functions over flat memory. The folder knows samples and payload bytes; it
// must never know RTP headers, legs or time. Start here, then registry.cc, then one file a codec.
//
// States are placed by the caller (arena of a leg), aligned to `state_alignment`. Copying
// `encoder_bytes` of an encoder gives a second one that continues bit-exactly: that is how a leg
// leaves the shared listener encode without a click. Nothing here allocates, locks or throws.
#pragma once

#include <cstddef>
#include <cstdint>

namespace codec {

enum class Kind : uint8_t { pcmu, pcma, g722, opus, l16 };

// What was negotiated or configured about one direction of one stream.
struct Params {
  int ptime_ms = 20;
  // Opus only, 0 to 10. The defaults of both are measured, see bench/opus_bench.cc.
  int complexity = 0;
  int bitrate_bps = 56000;
  // Opus only: several may talk at once, so that the part of the codec that models one voice (SILK)
  // is left out where there are bits enough for the other (CELT).
  bool mix = false;
  bool fec = false;               // Opus only: in-band forward error correction (RFC 7587).
  bool dtx = false;               // Opus only: the encoder may send nothing in silence.
  int expected_loss_percent = 0;  // Opus only: how much redundancy FEC spends.
};

inline constexpr size_t state_alignment = 64;
// The largest payload that any encoder here makes fits an Ethernet frame.
inline constexpr int max_payload_bytes = 1440;
// Longest packet that any decoder here gives back: 120 ms at 48 kHz (RFC 7587 section 4.2).
inline constexpr int max_packet_samples = 5760;

struct Codec {
  const char* name;
  Kind kind;
  int sample_rate_hz;
  // RTP clock; 8000 for G.722 though it samples at 16 kHz (RFC 3551 section 4.5.2).
  int rtp_clock_hz;
  size_t encoder_bytes;  // 0: stateless, null may be passed.
  size_t decoder_bytes;

  void (*init_encoder)(void* state, const Params& params);
  void (*init_decoder)(void* state, const Params& params);
  // Returns payload bytes; 0: nothing to send (DTX); -1: capacity or frame length do not fit.
  int (*encode)(void* state, const int16_t* pcm, int samples, uint8_t* out, int capacity);
  // Returns samples; -1: not a payload of this codec, or capacity too small. Never reads past
  // bytes.
  int (*decode)(void* state, const uint8_t* payload, int bytes, int16_t* pcm, int capacity);
  // Fills a lost frame from decoder state; null: use dsp::Concealment. Returns samples or -1.
  int (*conceal)(void* state, int16_t* pcm, int samples);
  // Rebuilds the lost packet before `next_payload` from its redundancy (Opus FEC). Null: the codec
  // has none. Returns samples, or 0 when the packet carries none: conceal then.
  int (*recover)(void* state, const uint8_t* next_payload, int next_bytes, int16_t* pcm,
                 int samples);
  // Length of a packet in samples at sample_rate_hz; -1: malformed.
  int (*packet_samples)(const uint8_t* payload, int bytes);
};

// The usual variant: L16 at 16 kHz, Opus at 48 kHz. Null: not built in.
const Codec* find(Kind kind);
// L16 at 8, 16, 48 kHz and Opus at an API rate of 8, 16, 48 kHz; the others have one rate.
const Codec* find(Kind kind, int sample_rate_hz);

}  // namespace codec
