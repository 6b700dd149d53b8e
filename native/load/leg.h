#pragma once
// One simulated caller of the load driver: a socket, an outgoing RTP stream, counters of the
// incoming one. What each sweep touches is apart from what only a measurement needs, as thousands
// of these do not fit the cache.

#include <cstdint>
#include <string>
#include <vector>

namespace load {

inline constexpr int kFramesPerSecond = 50;  // 20 ms each
/// Largest payload of a 20 ms packet that is sent or kept: L16 at 48 kHz is 1920.
inline constexpr int kMaxPayload = 2000;

/// Encoded audio, a frame of 20 ms after another, shared by every leg that sends it.
struct Payload {
  std::vector<std::vector<uint8_t>> frames;
  /// Of each frame as RFC 6464 section 3 wants it: the voice bit and the level in −dBov.
  std::vector<uint8_t> levels;
  size_t at(uint32_t index) const { return index % frames.size(); }
};

struct Counters {
  uint64_t sent = 0;
  uint64_t send_errors = 0;
  uint64_t received = 0;
  uint64_t lost = 0;
  uint64_t reordered = 0;
  uint64_t timestamp_errors = 0;
  uint64_t ssrc_changes = 0;
  uint64_t malformed = 0;
  uint64_t rtcp = 0;
};

struct Leg {
  // Given.
  int index = 0;
  int fd = -1;
  int conference = -1;
  int member = -1;
  int tone_hz = 0;                   // 0: a listener
  const Payload* payload = nullptr;  // what it sends, or would send in its turn
  uint8_t payload_type = 0;
  /// Id of the level extension that the answer agreed to; 0: none is sent.
  uint8_t level_id = 0;
  bool active = false;
  /// False: it is only there to be a burden; what it hears does not count.
  bool measured = true;
  /// Its arrivals are kept with the kernel's time stamps.
  bool timed = false;
  bool has_digits = false;

  // Outgoing stream.
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint32_t frame = 0;
  int probe = -1;  // the chirp under way, in Driver::probes_

  // Incoming stream.
  bool seen = false;
  uint16_t last_sequence = 0;
  uint32_t last_timestamp = 0;
  uint32_t ssrc = 0;
  Counters counters;
};

/// Digits still to be sent (RFC 4733).
struct DigitQueue {
  std::string digits;
  int packets = 0;  // sent of the present one
  uint32_t timestamp = 0;
  uint8_t payload_type = 101;
};

/// A packet as it arrived, kept for later analysis.
struct Arrival {
  int64_t realtime_ns;  // kernel receive time (CLOCK_REALTIME)
  int bytes;
  uint8_t* payload;  // room in Driver::arrival_bytes_
};

/// What a measurement keeps of a leg.
struct Capture {
  // For the tone matrix: some frames that settle the decoder, then a second.
  int frames = 0;
  std::vector<uint8_t> bytes;
  std::vector<uint16_t> lengths;
  // For the delay.
  size_t arrived = 0;
  std::vector<Arrival> arrivals;
};

}  // namespace load
