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

#include "jitter/arrival_window.h"

namespace jitter {

/** Is told each packet that came and will not be played. */
struct Discards {
  void* self = nullptr;
  void (*tell)(void* self, uint16_t sequence) = nullptr;
};

struct Config {
  int clock_hz = 8000;       // RTP clock of the stream.
  int slots = 32;            // Power of two, 8 to 128; packets further ahead push out the oldest.
  int slot_bytes = 200;      // Longest payload.
  int payload_bytes = 8192;  // Of all payloads, a power of two; newer ones push out the oldest.
  int pull_ms = 20;          // Length of a tick.
  int packet_ms = 20;        // Expected packet length, until measured.
  int max_delay_ms = 200;    // Hard: audio older than this is dropped.
  int min_margin_us = 1500;  // Least time between arrival and tick that counts as safe.
  Discards discards;         // Optional.
};

/** What is known of a packet's loudness before it is decoded: 0 to 127 for 0 to -127 dBov (RFC
 * 6464), or one of these. */
inline constexpr uint8_t level_inactive = 254;  // The codec's own flag says that nobody talks.
inline constexpr uint8_t level_unknown = 255;

struct Packet {
  uint16_t sequence;
  uint32_t timestamp;
  uint32_t ssrc;
  bool marker;
  // RFC 3389 or another sign that the sender stops talking: what follows it is silence, not loss.
  bool comfort_noise;
  uint8_t payload_type;
  uint8_t level = level_unknown;
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
  uint8_t level = level_unknown;     // play: as inserted.
  const uint8_t* payload = nullptr;  // Valid until the next insert.
  int bytes = 0;
  const uint8_t* next_payload = nullptr;  // conceal: the packet directly after the missing one.
  int next_bytes = 0;
  // conceal and silence: RTP clock units to fill. At most what was wanted, save with next_payload:
  // then the length of the missing packet.
  int units = 0;
  int stretch_units = 0;  // How far the delay is from where it should be.
  bool urgent = false;    // Do it now, even in the middle of speech.
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
  int64_t delay_ns = 0;          // Smoothed time from arrival to play.
  int64_t longest_delay_ns = 0;  // Of all packets played.
  int64_t target_ns = 0;         // What the arrivals of the last seconds need.
};

class Buffer {
 public:
  // At the end of the object, touched now and then.
  static constexpr size_t rare_bytes = ArrivalWindow::rare_bytes;
  // Memory to give to init, for this configuration.
  static size_t bytes_for(const Config& config);
  struct Slot;
  // `memory` is aligned to 16 and outlives the buffer. False: the configuration is out of bounds.
  bool init(void* memory, const Config& config);
  // Forgets packets and measurements, keeps counters.
  void reset();

  Insert insert(const Packet& packet);
  // One decision for the next `wanted` RTP clock units. Call again until the frame is full, as
  // packets are longer or shorter than a frame.
  Pull pull(int64_t now_ns, int wanted);
  // The packet whose turn it is has come, and is as long as a frame.
  bool frame_waits() const;
  // Asks for the memory that the next packet goes to, and that of the one whose turn it is.
  void prefetch() const;
  // Levels of the packets that the next `wanted` units take, as far as they are there in a row.
  int next_levels(int wanted, uint8_t* levels, int capacity) const;
  // After play: the packet that was `back` places before the one just given, 1 or more. False when
  // it was lost or its place is taken; then nothing before it is of use either.
  bool earlier(int back, Pull& pull) const;
  // After play: the true length of what was decoded. Optional; without it, the distance of
  // timestamps counts.
  void played(int units);
  // The decoder can rebuild a lost packet from the next one. Under loss the delay then grows by a
  // packet, so that the next one is there in time; not for long if it turns out to hold no
  // redundancy.
  void use_redundancy(bool possible);
  void recovered(bool worked);
  // Audio was put in on the advice of Stretch::expand.
  void expanded(int units);

  Statistics statistics() const;
  /** Packets that wait and can be played. */
  int queued() const;

 private:
  enum class State : uint8_t {
    waiting,  // For the first packet of a stream or talkspurt to be due.
    playing,
  };

  Slot& slot_of(int64_t sequence) const;
  Slot* first_present() const;
  bool payload_there(const Slot& slot) const;
  int present(bool with_payload) const;
  const uint8_t* payload_of(const Slot& slot) const;
  void keep_payload(Slot& slot, const Packet& packet);
  bool is_stray(const Packet& packet, int64_t delta);
  void restart(const Packet& packet);
  int64_t media_time(const Packet& packet, int64_t delta, bool& new_timeline);
  void measure(const Packet& packet, int64_t media, bool new_timeline);
  void make_room(int64_t sequence);
  void discard(int64_t sequence);
  void tell_discard(int64_t sequence) const;
  void drop_overdue(int64_t now_ns);

  int64_t ns_of(int64_t units) const;
  int64_t units_of(int64_t ns) const;
  int64_t delay_ns(const Slot& slot, int64_t now_ns) const;
  int64_t required_ns() const;
  void set_packet_units(int units);
  void advise(Pull& pull, int64_t slack_ns, int wanted);
  Pull play(Slot& slot, int64_t now_ns, int wanted);
  Pull fill(Action action, int units);
  Pull conceal_hole(const Slot& slot, int64_t missing, int64_t remaining, int wanted);
  bool due(const Slot& slot, int64_t now_ns) const;

  // Given.
  Config config_;
  Slot* slots_ = nullptr;
  uint8_t* payloads_ = nullptr;  // A ring in order of arrival.

  // Derived.
  uint64_t ns_per_unit_ = 0;  // In 2^-32 ns.
  int64_t margin_ns_ = 0;
  int64_t longest_ns_ = 0;
  int frame_units_ = 0;

  // Owned. Sequence numbers and media times are unwrapped to 64 bits; media time is in RTP clock
  // units.
  Statistics statistics_;
  State state_ = State::waiting;
  uint32_t payload_end_ = 0;    // Bytes written to the ring, modulo 2^32.
  bool receiving_ = false;      // A stream is known.
  bool first_pending_ = false;  // Nothing of it has played.
  bool shrinking_ = false;      // Compression under way leaves part of a packet.
  uint32_t ssrc_ = 0;
  int64_t first_sequence_ = 0;
  int64_t next_sequence_ = 0;  // Next to play.
  int64_t newest_sequence_ = 0;
  int64_t newest_media_ = 0;
  uint32_t newest_timestamp_ = 0;
  int64_t newest_arrival_ns_ = 0;
  int64_t next_media_ = 0;       // Where the played audio ended.
  int64_t last_transit_ns_ = 0;  // RFC 3550 jitter.
  int filled_ = 0;               // Units filled in since then.
  float loss_ = 0;               // Share of packets missing at their turn, of late.
  bool redundancy_possible_ = false;
  int redundancy_failures_ = 0;  // In a row.
  int packet_units_ = 160;
  int step_units_ = 160;  // Greatest common divisor of packet and frame.
  int packet_units_candidate_ = 0;
  int overdue_arrivals_ = 0;  // In a row, later than any delay we allow.
  // A packet far from the stream, awaiting its successor.
  bool stray_pending_ = false;
  uint32_t stray_ssrc_ = 0;
  uint16_t stray_next_ = 0;
  uint64_t unique_ = 0;  // Received since the stream began, without duplicates.
  static constexpr int slack_count = 4;
  int64_t slacks_ns_[slack_count] = {};  // Of the last plays; a cycle of packets against ticks.
  int slack_index_ = 0;
  ArrivalWindow window_;  // Last, as its own end is touched twice a second only.
};

}  // namespace jitter
