#include "rtp/burst_metrics.h"

#include <algorithm>
#include <bit>

namespace rtp {

// The window is full from the start, so that every packet leaves it in the same way: what it holds
// too many is taken off first.
void BurstMetrics::start() {
  leave(window_, kWindow);
  window_ = ~uint64_t{0};
  run_ -= static_cast<int32_t>(kWindow);
  on_newer(1);
}

void BurstMetrics::skip(uint32_t steps) {
  if (steps == 0) return;
  leave(window_, std::min(steps, kWindow));
  if (steps > kWindow) lose(steps - kWindow);
  window_ = (steps < kWindow ? window_ << steps : 0) | 1;
}

/** The oldest `count` packets are past changing. */
void BurstMetrics::leave(uint64_t window, uint32_t count) {
  while (count > 0) {
    const auto came = std::min(static_cast<uint32_t>(std::countl_one(window)), count);
    run_ += static_cast<int32_t>(came);
    count -= came;
    if (count == 0) return;
    window <<= came;
    const auto missing = std::min(static_cast<uint32_t>(std::countl_zero(window)), count);
    lose(missing);
    count -= missing;
    if (count == 0) return;
    window <<= missing;
  }
}

void BurstMetrics::lose(uint32_t count) {
  if (cluster_lost_ > 0 && run_ < kGmin) {
    cluster_packets_ += static_cast<uint32_t>(run_);
  } else {
    // RFC 3611: before the first packet, at least Gmin are taken to have come.
    end_cluster();
    lengthen_gap(run_);
  }
  cluster_packets_ += count;
  cluster_lost_ += count;
  run_ = 0;
}

void BurstMetrics::end_cluster() {
  if (cluster_lost_ == 1) {
    lone_++;
    lengthen_gap(1);
  } else if (cluster_lost_ > 1) {
    bursts_++;
    burst_lost_ += cluster_lost_;
    burst_packets_ += cluster_packets_;
    gaps_ += in_gap_ ? 1 : 0;
    in_gap_ = false;
  }
  cluster_lost_ = 0;
  cluster_packets_ = 0;
}

void BurstMetrics::lengthen_gap(int64_t packets) {
  gap_packets_ += packets;
  in_gap_ = in_gap_ || packets > 0;
}

BurstReport BurstMetrics::report() const {
  BurstMetrics done = *this;
  done.leave(window_, kWindow);
  done.end_cluster();
  done.lengthen_gap(done.run_);
  if (done.in_gap_) done.gaps_++;
  BurstReport report;
  if (done.bursts_ > 0) {
    report.burst_density =
        static_cast<double>(done.burst_lost_) / static_cast<double>(done.burst_packets_);
    report.burst_packets = static_cast<double>(done.burst_packets_) / done.bursts_;
  }
  if (done.gap_packets_ > 0) {
    report.gap_density = static_cast<double>(done.lone_) / static_cast<double>(done.gap_packets_);
    report.gap_packets = static_cast<double>(done.gap_packets_) / done.gaps_;
  }
  return report;
}

}  // namespace rtp
