// When a datagram came, by the monotonic clock. The kernel stamps datagrams with the wall clock, so
// the offset between the two is read once a phase; and a stamp is believed only if it can be true.
//
// What makes stamps lie: the wall clock is set (then those stamped before belong to the offset
// before), the two clocks are read with a stall of the thread in between, and datagrams that the
// kernel stamps early but hands over late because its soft interrupts are starved. A jitter buffer
// that takes one such stamp for the fastest transit plays everything late for seconds.
#pragma once

#include <cstdint>

namespace net {

class ArrivalClock {
 public:
  enum class Verdict : uint8_t {
    stamped,    // the stamp is the time of arrival
    held_back,  // stamped before the socket was last found empty: it came later than its stamp says
    unknown,    // no stamp, or one from another time
  };
  struct Arrival {
    Verdict verdict;
    int64_t ns;  // monotonic; for the last two the time of reading
  };

  /** The three clock readings of a phase, in this order, in ns. False when the offset is not
   * believed this time: something stopped the thread between the readings. */
  bool sample(int64_t monotonic_before, int64_t wall, int64_t monotonic_after);

  /** Realtime less monotonic, in ns. */
  int64_t offset_ns() const { return offset_ns_; }
  /** How often the wall clock was set by more than a millisecond. */
  uint64_t steps() const { return steps_; }

  /**
   * stamp_ns: of the kernel, by the wall clock; 0 for none. empty_ns: when the socket was last
   * found empty, 0 for never. read_ns: when the phase that reads it began.
   */
  Arrival arrival(int64_t stamp_ns, int64_t empty_ns, int64_t read_ns) const;

 private:
  bool known_ = false;
  int64_t offset_ns_ = 0;
  int64_t offset_before_ns_ = 0;  // the one that the last step ended
  int64_t stepped_ns_ = INT64_MIN / 2;
  uint64_t steps_ = 0;
};

}  // namespace net
