// How loss comes: scattered (gaps) or together (bursts), by RFC 3611 section 4.7.2. A burst begins
// and ends with a packet that was lost or discarded, and within it fewer than Gmin packets in a row
// came in time; everything else, a lone loss included, is gap. Kept are the sums of that
// definition, not the transitions of appendix A.2: those tell only of what a later loss has ended.
//
//    highest ┐                                        window: 64 packets that may still come,
//            1 1 0 1 1 … 1 ─▶ run, burst, gap sums    out of order, or be discarded after all
//
// A packet that comes in its turn costs a shift and an increment; the rest is paid by losses.
#pragma once

#include <cstdint>

namespace rtp {

/** Densities are shares of packets, 0 to 1; lengths are means, in packets. 0: there was none. */
struct BurstReport {
  double burst_density = 0;
  double gap_density = 0;
  double burst_packets = 0;
  double gap_packets = 0;
};

class BurstMetrics {
 public:
  /** Received and in time in a row, and a burst is over: the recommended value of RFC 3611. */
  static constexpr int32_t kGmin = 16;

  /** The first packet of a stream; one before it goes on into it. */
  void start();
  /** The packet `steps` numbers, 1 or more, after the highest. */
  void on_newer(uint32_t steps) {
    if (steps != 1) return skip(steps);
    const bool came = (window_ & kOldest) != 0;
    window_ = window_ << 1 | 1;
    if (came) {
      run_++;
    } else {
      lose(1);
    }
  }
  /** One that comes `back` numbers after its turn. */
  void on_older(uint32_t back) {
    if (back < kWindow) window_ |= uint64_t{1} << back;
  }
  /** One that came in vain, as it was not played; `back` as above, from the stream's first on. */
  void discard(uint32_t back) {
    if (back < kWindow) window_ &= ~(uint64_t{1} << back);
  }

  /** As of now, as if only packets in time followed. */
  BurstReport report() const;

 private:
  static constexpr uint32_t kWindow = 64;
  static constexpr uint64_t kOldest = uint64_t{1} << (kWindow - 1);

  void skip(uint32_t steps);
  void leave(uint64_t window, uint32_t count);
  void lose(uint32_t count);
  void end_cluster();
  void lengthen_gap(int64_t packets);

  uint64_t window_ = ~uint64_t{0};  // bit n: the n-th before the highest came in time
  // Packets since the last loss that have left the window, less the places in it that no packet
  // had.
  int32_t run_ = -static_cast<int32_t>(kWindow);
  uint32_t cluster_lost_ = 0;  // of the burst, or lone loss, under way
  uint32_t cluster_packets_ = 0;
  // Of what is over.
  uint32_t bursts_ = 0;
  uint32_t gaps_ = 0;
  uint32_t lone_ = 0;
  uint64_t burst_lost_ = 0;
  uint64_t burst_packets_ = 0;
  int64_t gap_packets_ = 0;
  bool in_gap_ = false;
};

}  // namespace rtp
