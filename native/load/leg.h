#pragma once
// One simulated caller of the load driver: a socket, an outgoing RTP stream, counters of the
// incoming one.

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <vector>

#include "signal.h"

namespace load {

inline constexpr int kHeaderBytes = 12;
/// Largest payload of a 20 ms packet that is sent or kept: L16 at 48 kHz is 1920.
inline constexpr int kMaxPayload = 2000;

/// Encoded audio, a frame of 20 ms after another, shared by every leg that sends it.
struct Payload {
  std::vector<std::vector<uint8_t>> frames;
  const std::vector<uint8_t>& frame(uint32_t index) const { return frames[index % frames.size()]; }
};

/// A packet as it arrived, kept for later analysis.
struct Arrival {
  int64_t realtime_ns;           // kernel receive time (CLOCK_REALTIME)
  std::vector<uint8_t> payload;  // reserved before the measurement
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
};

struct Leg {
  // Given.
  int index = 0;
  int fd = -1;
  uint16_t port = 0;
  int conference = -1;
  int member = -1;
  int tone_hz = 0;  // 0: a listener
  const Payload* payload = nullptr;
  uint8_t payload_type = 0;
  bool active = false;

  // Outgoing stream.
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint32_t frame = 0;
  uint8_t packet[kHeaderBytes + kMaxPayload] = {};
  std::string digits;     // still to be sent (RFC 4733)
  int digit_packets = 0;  // sent of the present one
  uint32_t digit_timestamp = 0;
  uint8_t digit_payload_type = 101;

  // Incoming stream.
  bool seen = false;
  uint16_t last_sequence = 0;
  uint32_t last_timestamp = 0;
  uint32_t ssrc = 0;
  bool missed_last = false;
  Counters counters;

  // Capture of payloads for the tone matrix: `warm_up` frames that settle the decoder, then a
  // second.
  int captured = 0;
  std::vector<uint8_t> capture;
  std::vector<uint16_t> capture_bytes;
  // Capture with arrival times for the delay.
  bool timed = false;
  int arrived = 0;
  std::vector<Arrival> arrivals;
};

}  // namespace load
