// The jitter buffer of one leg: RTP packets in, in any order; one decision out for each stretch of
// audio that the tick needs. Deterministic and without a clock: time comes in with every call. It
// must never know codecs, sockets or what is done with the audio. Start with jitter/playout.h if
// what you want is samples.
//
//      insert()                                        pull()
//   arrival order  ->  slots by sequence number  ->  play in order at (transit base + delay)
//
// The delay follows the measured arrival jitter. A packet is due at the tick; what arrived before
// the tick is played in the tick. The only margin is what the arrivals of the last seconds needed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jitter {

struct Config {
  int clock_hz = 8000;       // RTP clock of the stream.
  int slots = 32;            // Power of two, 8 to 128; packets further ahead push out the oldest.
  int slot_bytes = 200;      // Longest payload.
  int pull_ms = 20;          // Length of a tick.
  int packet_ms = 20;        // Expected packet length, until measured.
  int max_delay_ms = 200;    // Hard: audio older than this is dropped.
  int min_margin_us = 1500;  // Least time between arrival and tick that counts as safe.
};

struct Packet {
  uint16_t sequence;
  uint32_t timestamp;
  uint32_t ssrc;
  bool marker;
  // RFC 3389 or another sign that the sender stops talking: what follows it is silence, not loss.
  bool comfort_noise;
  uint8_t payload_type;
  const uint8_t* payload;
  int bytes;
  int64_t arrival_ns;
};

enum class Insert : uint8_t {
  stored,
  duplicate,
  late,       // Its turn is over.
  too_large,  // Longer than a slot; counted, dropped.
  stray,  // Far from the stream; only a second one in a row moves the buffer there (RFC 3550 A.1).
  restarted,  // Stored; a new SSRC or a jump: the decoder starts afresh at the packet's turn.
};

enum class Action : uint8_t {
  play,     // Decode `payload`.
  conceal,  // A packet is missing: fill `units`. `next_payload` may hold redundancy for it.
  silence,  // Nothing is due: before the first packet, in a pause of the sender, after a long loss.
};

enum class Stretch : uint8_t { none, compress, expand };

struct Pull {
  Action action = Action::silence;
  // play: how the delay wants to move. A hint: the more `stretch_units`, the more it matters.
  Stretch stretch = Stretch::none;
  bool first = false;          // play: first of a stream, decoder state of the past is void.
  bool talkspurt = false;      // play: follows a pause, nothing to merge with.
  bool comfort_noise = false;  // play: as inserted.
  uint8_t payload_type = 0;
  const uint8_t* payload = nullptr;  // Valid until the next insert.
  int bytes = 0;
  const uint8_t* next_payload = nullptr;  // conceal: the packet directly after the missing one.
  int next_bytes = 0;
  int units = 0;          // conceal and silence: RTP clock units to fill, at most what was wanted.
  int stretch_units = 0;  // How far the delay is from where it should be.
  uint32_t timestamp = 0;
  int64_t waited_ns = 0;  // play: from arrival to now.
};

// Counters since init. Loss and jitter as in RFC 3550 section 6.4.1 and appendix A.8.
struct Statistics {
  uint64_t received = 0;  // Everything given to insert.
  uint64_t played = 0;
  uint64_t duplicate = 0;
  uint64_t late = 0;
  uint64_t discarded = 0;  // Dropped though present: too old, pushed out, stray, too large.
  uint64_t concealed = 0;  // Pulls answered with conceal.
  uint64_t restarts = 0;   // New SSRC or jump.
  int64_t lost = 0;        // Expected minus received, may be negative with duplicates.
  int64_t jitter_ns = 0;
  int64_t delay_ns = 0;   // Smoothed time from arrival to play.
  int64_t target_ns = 0;  // What the arrivals of the last seconds need.
};

class Buffer {
 public:
  // Memory to give to init, for this configuration.
  static size_t bytes_for(const Config& config);
  // `memory` is aligned to 16 and outlives the buffer. False: the configuration is out of bounds.
  bool init(void* memory, const Config& config);
  // Forgets packets and measurements, keeps counters.
  void reset();

  Insert insert(const Packet& packet);
  // One decision for the next `wanted` RTP clock units. Call again until the frame is full, as
  // packets are longer or shorter than a frame.
  Pull pull(int64_t now_ns, int wanted);

  const Statistics& statistics() const { return statistics_; }
  int queued() const;

 private:
  struct Slot;
  // Given.
  Config config_;
  Slot* slots_ = nullptr;
  uint8_t* payloads_ = nullptr;
  Statistics statistics_;
};

}  // namespace jitter
