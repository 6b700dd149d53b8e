// Everything between packets and mixed frames of one leg: jitter buffer, decoder calls,
// concealment, comfort noise, time stretching and the cut from packets to frames. frame() always
// gives exactly the samples asked for; "no frame" does not exist.
#pragma once

#include "jitter/buffer.h"

namespace jitter {

// What the engine lends to decode: `self` is handed back. Several payload types may be behind it,
// as long as all have the same sample rate.
struct Decoder {
  void* self;
  // Samples, or -1: not decodable; then the packet counts as lost.
  int (*decode)(void* self, uint8_t payload_type, const uint8_t* payload, int bytes, int16_t* pcm,
                int capacity);
  // The codec's own concealment; null: pitch-based concealment of dsp/.
  int (*conceal)(void* self, int16_t* pcm, int samples);
  // Redundancy for a lost packet in the one after it; null: none. 0: not in this packet.
  int (*recover)(void* self, const uint8_t* next_payload, int next_bytes, int16_t* pcm,
                 int samples);
  // A new stream begins: decoder state is void.
  void (*restart)(void* self);
};

struct PlayoutConfig {
  Config buffer;
  int sample_rate_hz = 8000;  // Of the decoder; the RTP clock may differ (G.722, Opus).
  int frame_samples = 160;    // Of one tick.
};

enum class FrameKind : uint8_t {
  audio,      // At least partly decoded from packets.
  concealed,  // Only filled in.
  noise,      // Comfort noise (RFC 3389) of a sender that pauses.
  silence,    // Nothing received: zeros.
};

class Playout {
 public:
  static size_t bytes_for(const PlayoutConfig& config);
  bool init(void* memory, const PlayoutConfig& config, const Decoder& decoder, uint32_t noise_seed);
  void reset();

  Insert insert(const Packet& packet);
  // Writes frame_samples.
  FrameKind frame(int64_t now_ns, int16_t* pcm);

  Statistics statistics() const;

 private:
  // Members follow with the implementation.
  PlayoutConfig config_;
  Decoder decoder_{};
  Buffer buffer_;
};

}  // namespace jitter
