// Loss and jitter of one received SSRC (RFC 3550 section 6.4.1 and appendix A), over a leg's whole
// life: when the source changes, what was counted stays in the totals.
#pragma once

#include <cstdint>

namespace rtp {

class StreamStats {
 public:
  /** A packet of the current SSRC, or the first of a new one. `arrival_units` is the arrival in
   * units of the RTP clock. */
  void on_packet(uint32_t ssrc, uint16_t sequence, uint32_t timestamp, uint32_t arrival_units);

  struct Report {
    uint32_t extended_highest;
    uint32_t jitter;
    int32_t cumulative_lost;  // clamped to 24 bits
    uint8_t fraction_lost;
  };
  /** The report block for the peer; starts the next interval. */
  Report make_report();

  bool started() const { return started_; }
  uint32_t ssrc() const { return ssrc_; }
  uint64_t received() const { return earlier_received_ + received_; }
  /** Expected less received over all sources; duplicates count as received, so never below zero
   * here. */
  uint64_t lost() const;
  uint32_t jitter_units() const { return jitter_q4_ >> 4; }
  /** Seconds since the stream was seen are the caller's affair; this is the 64-bit sequence. */
  uint32_t extended_highest() const { return cycles_ + highest_; }

 private:
  void start(uint32_t ssrc, uint16_t sequence);
  uint64_t expected() const { return static_cast<uint64_t>(extended_highest()) - base_ + 1; }

  uint64_t earlier_received_ = 0;
  uint64_t earlier_lost_ = 0;
  uint64_t received_ = 0;
  uint64_t expected_prior_ = 0;
  uint64_t received_prior_ = 0;
  uint32_t ssrc_ = 0;
  uint32_t base_ = 0;
  uint32_t cycles_ = 0;
  uint32_t transit_ = 0;
  uint32_t jitter_q4_ = 0;
  uint16_t highest_ = 0;
  uint16_t bad_sequence_ = 0;
  bool started_ = false;
  bool bad_pending_ = false;
  bool has_transit_ = false;
};

}  // namespace rtp
