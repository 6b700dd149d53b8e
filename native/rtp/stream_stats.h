// Loss and jitter of one received SSRC (RFC 3550 section 6.4.1 and appendix A), over a leg's whole
// life: when the source changes, what was counted stays in the totals.
#pragma once

#include <cstdint>

#include "rtp/burst_metrics.h"

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
  /** A packet that came and was not played: too late, or more than the jitter buffer holds. */
  void on_discarded(uint16_t sequence);
  uint64_t discarded() const { return discarded_; }
  const BurstMetrics& bursts() const { return bursts_; }
  /** Of the peer's packets, in units of the RTP clock; 0: not known yet. */
  uint32_t packet_units() const { return packet_units_; }
  /** Seconds since the stream was seen are the caller's affair; this is the 64-bit sequence. */
  uint32_t extended_highest() const { return cycles_ + highest_; }

 private:
  void start(uint32_t ssrc, uint16_t sequence);
  void measure_length(uint32_t timestamp);
  uint64_t expected() const { return static_cast<uint64_t>(extended_highest()) - base_ + 1; }

  uint64_t earlier_received_ = 0;
  uint64_t earlier_lost_ = 0;
  uint64_t received_ = 0;
  uint64_t discarded_ = 0;
  uint64_t expected_prior_ = 0;
  uint64_t received_prior_ = 0;
  uint32_t ssrc_ = 0;
  uint32_t base_ = 0;
  uint32_t cycles_ = 0;
  uint32_t transit_ = 0;
  uint32_t jitter_q4_ = 0;
  uint32_t timestamp_ = 0;     // of the highest
  uint32_t step_ = 0;          // of it, after the one before
  uint32_t packet_units_ = 0;  // a step that came twice in a row
  uint16_t highest_ = 0;
  uint16_t bad_sequence_ = 0;
  bool started_ = false;
  bool bad_pending_ = false;
  bool has_transit_ = false;
  BurstMetrics bursts_;
};

}  // namespace rtp
