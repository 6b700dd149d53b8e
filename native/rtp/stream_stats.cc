#include "rtp/stream_stats.h"

#include <algorithm>

namespace rtp {
namespace {

// RFC 3550 appendix A.1.
constexpr uint16_t kMaxDropout = 3000;
constexpr uint16_t kMaxMisorder = 100;

uint64_t difference_or_zero(uint64_t a, uint64_t b) {
  return a > b ? a - b : 0;
}

}  // namespace

void StreamStats::start(uint32_t ssrc, uint16_t sequence) {
  if (started_) {
    earlier_lost_ += difference_or_zero(expected(), received_);
    earlier_received_ += received_;
  }
  started_ = true;
  ssrc_ = ssrc;
  base_ = sequence;
  highest_ = sequence;
  cycles_ = 0;
  received_ = 0;
  expected_prior_ = 0;
  received_prior_ = 0;
  jitter_q4_ = 0;
  bad_pending_ = false;
  has_transit_ = false;
  bursts_.start();
}

// Pauses and key presses make other steps, seldom two of the same.
inline void StreamStats::measure_length(uint32_t timestamp) {
  const uint32_t step = timestamp - timestamp_;
  timestamp_ = timestamp;
  if (step != step_) {
    step_ = step;
  } else if (step != 0) {
    packet_units_ = step;
  }
}

void StreamStats::on_discarded(uint16_t sequence) {
  discarded_++;
  const auto back = static_cast<uint16_t>(highest_ - sequence);
  if (started_ && back < expected()) bursts_.discard(back);
}

void StreamStats::on_packet(uint32_t ssrc, uint16_t sequence, uint32_t timestamp,
                            uint32_t arrival_units) {
  if (!started_ || ssrc != ssrc_) start(ssrc, sequence);
  const auto delta = static_cast<uint16_t>(sequence - highest_);
  if (delta < kMaxDropout) {
    if (sequence < highest_) cycles_ += 0x10000;
    if (delta == 1) {
      measure_length(timestamp);
    } else {
      timestamp_ = timestamp;
    }
    highest_ = sequence;
    bad_pending_ = false;
    bursts_.on_newer(delta);
  } else if (delta <= 0x10000 - kMaxMisorder) {
    // A large jump: believed when the next packet follows on it (the peer restarted).
    if (bad_pending_ && sequence == bad_sequence_) {
      start(ssrc, sequence);
    } else {
      bad_sequence_ = static_cast<uint16_t>(sequence + 1);
      bad_pending_ = true;
      return;
    }
  } else {
    bursts_.on_older(0x10000u - delta);
  }
  received_++;
  // Appendix A.8, in sixteenths as there.
  const uint32_t transit = arrival_units - timestamp;
  if (has_transit_) {
    const auto signed_difference = static_cast<int32_t>(transit - transit_);
    const uint32_t difference = signed_difference < 0
                                    ? 0u - static_cast<uint32_t>(signed_difference)
                                    : static_cast<uint32_t>(signed_difference);
    // A step of more than ten seconds of any clock is a new time line, not jitter.
    if (difference < 480'000) jitter_q4_ += difference - ((jitter_q4_ + 8) >> 4);
  }
  transit_ = transit;
  has_transit_ = true;
}

uint64_t StreamStats::lost() const {
  if (!started_) return earlier_lost_;
  return earlier_lost_ + difference_or_zero(expected(), received_);
}

StreamStats::Report StreamStats::make_report() {
  const uint64_t expected_interval = expected() - expected_prior_;
  const uint64_t received_interval = received_ - received_prior_;
  expected_prior_ = expected();
  received_prior_ = received_;
  Report report{};
  report.extended_highest = extended_highest();
  report.jitter = jitter_units();
  const int64_t lost = static_cast<int64_t>(expected()) - static_cast<int64_t>(received_);
  report.cumulative_lost = static_cast<int32_t>(std::clamp<int64_t>(lost, -0x800000, 0x7fffff));
  if (expected_interval > received_interval) {
    report.fraction_lost = static_cast<uint8_t>(std::min<uint64_t>(
        255, ((expected_interval - received_interval) << 8) / expected_interval));
  }
  return report;
}

}  // namespace rtp
