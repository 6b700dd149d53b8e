// Everything between packets and mixed frames of one leg: jitter buffer, decoder calls,
// concealment, comfort noise, time stretching and the cut from packets to frames. frame() always
// gives exactly the samples asked for; "no frame" does not exist.
#pragma once

#include "dsp/comfort_noise.h"
#include "dsp/concealment.h"
#include "dsp/kernels.h"
#include "jitter/buffer.h"

namespace jitter {

// What the engine lends to decode: `self` is handed back. Several payload types may be behind it,
// as long as all have the same sample rate.
struct Decoder {
  void* self;
  // Samples, or -1: not decodable; then the packet counts as lost.
  int (*decode)(void* self, uint8_t payload_type, const uint8_t* payload, int bytes, int16_t* pcm,
                int capacity);
  // The codec's own concealment; null: pitch-based concealment of dsp/. -1: not now, use that too.
  int (*conceal)(void* self, int16_t* pcm, int samples);
  // Redundancy for a lost packet in the one after it; null: none. 0 or -1: not in this packet.
  int (*recover)(void* self, uint8_t payload_type, const uint8_t* next_payload, int next_bytes,
                 int16_t* pcm, int samples);
  // A new stream begins: decoder state is void.
  void (*restart)(void* self);
  // Samples that a packet holds, without decoding it; -1: not decodable. Null: nothing is skipped.
  int (*length)(void* self, uint8_t payload_type, const uint8_t* payload, int bytes) = nullptr;
  // So many packets before the end of a skipped stretch are decoded first, unheard, so that the
  // decoder's memory is that of the stream again.
  int look_back = 0;
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
  skipped,    // Known to be quiet and not decoded: zeros.
};

class Playout {
 public:
  // Largest over all legs that may use the memory.
  static size_t bytes_for(const PlayoutConfig& config);
  // `memory` is aligned to 16 and outlives the playout. False: the configuration is out of bounds.
  bool init(void* memory, const PlayoutConfig& config, const Decoder& decoder, uint32_t noise_seed);
  void reset();

  Insert insert(const Packet& packet) { return buffer_.insert(packet); }
  bool frame_waits() const { return buffer_.frame_waits(); }
  // The mean square that the next frame is known to have at most. False: it has to be decoded to
  // tell; also now and then where it is known, as a sender may tell nonsense.
  bool foresee(float& mean_square) const;
  // In place of frame() after foresee(): packets are not decoded where their level is known.
  FrameKind skip_frame(int64_t now_ns, int16_t* pcm);
  // Of the last packet that was skipped, as far as known.
  float skipped_square() const { return skipped_square_; }
  uint64_t skipped() const { return skipped_; }
  // Writes frame_samples.
  FrameKind frame(int64_t now_ns, int16_t* pcm);

  // Asks for what every tick touches here; and, once that is there, for what it points to.
  void prefetch_head() const;
  void prefetch_memory() const;

  Statistics statistics() const { return buffer_.statistics(); }
  // Of the buffer and the samples already decoded but not yet given out.
  int queued_packets() const { return buffer_.queued(); }
  int queued_samples() const { return queued_; }

 private:
  void take(const Pull& pull);
  float told(uint8_t level) const;
  bool known(uint8_t level, float& mean_square) const;
  bool skip(const Pull& pull);
  void look_back();
  void judge(const Pull& pull);
  void forget_levels();
  void play(const Pull& pull);
  bool play_direct(const Pull& pull);
  void accept(const Pull& pull, int16_t* pcm, int samples);
  void compress(const Pull& pull, int start, int samples);
  void conceal(int samples);
  void conceal_packet(const Pull& pull);
  void silence(int samples);
  bool is_quiet(float square);
  int units_of(int samples) const;
  int samples_of(int units) const;

  // Given.
  PlayoutConfig config_;
  Decoder decoder_{};
  const dsp::Kernels* kernels_ = nullptr;

  // Owned.
  int16_t* queue_ = nullptr;  // Decoded, not yet given out.
  int capacity_ = 0;
  int queued_ = 0;
  int frame_units_ = 160;
  int16_t* direct_ = nullptr;  // The frame itself, while the queue is empty.
  bool in_place_ = false;      // The frame is there already, the queue counts but is not filled.
  int usual_bytes_ = 0;        // Of the packets that fill exactly a frame.
  bool noise_on_ = false;
  bool quiet_ = false;  // The last packet was.
  float floor_ = 0;     // Mean square of the quietest audio lately.
  float square_ = 0;    // Of the packet decoded last.
  // What is skipped.
  bool skipping_ = false;
  float skipped_square_ = 0;
  float inactive_square_ = 0;  // Of the last packet decoded that the codec calls inactive.
  int run_ = 0;                // Packets skipped since the decoder followed the stream.
  int unchecked_ = 0;          // The same since one was decoded to see.
  int lies_ = 0;               // Packets in a row that were louder than they said.
  bool trusted_ = true;
  uint64_t skipped_ = 0;
  FrameKind kind_ = FrameKind::silence;  // Best of what the frame holds so far.
  // Behind what every tick touches, with what it seldom touches at their ends.
  Buffer buffer_;
  dsp::Concealment concealment_;
  dsp::ComfortNoise noise_;
};

}  // namespace jitter
