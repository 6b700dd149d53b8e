#include "net/arrival_clock.h"

#include "base/clock.h"

namespace net {
namespace {

/** Three readings of the vDSO take under a microsecond. */
constexpr int64_t kLongestReadingNs = 20'000;
/** Slewing by 500 ppm moves the offset by 1 µs a phase; even after a stall of a second by 0.5 ms.
 */
constexpr int64_t kStepNs = base::kNsPerMs;
/** So long after a step there may be datagrams stamped before it. */
constexpr int64_t kStepMemoryNs = base::kNsPerSecond;
/** What the readings may be off. */
constexpr int64_t kSlackNs = 300'000;
/** Datagrams also come while a phase is at work. */
constexpr int64_t kLongestPhaseNs = 20 * base::kNsPerMs;
/** Older is no arrival at a socket that is read every 20 ms, or now and then for RTCP. */
constexpr int64_t kOldestNs = base::kNsPerSecond;

}  // namespace

bool ArrivalClock::sample(int64_t monotonic_before, int64_t wall, int64_t monotonic_after) {
  if (known_ && monotonic_after - monotonic_before > kLongestReadingNs) return false;
  const int64_t offset = wall - (monotonic_before + (monotonic_after - monotonic_before) / 2);
  const int64_t moved = offset - offset_ns_;
  if (known_ && (moved > kStepNs || moved < -kStepNs)) {
    offset_before_ns_ = offset_ns_;
    stepped_ns_ = monotonic_after;
    steps_++;
  }
  offset_ns_ = offset;
  known_ = true;
  return true;
}

ArrivalClock::Arrival ArrivalClock::arrival(int64_t stamp_ns, int64_t empty_ns,
                                            int64_t read_ns) const {
  if (stamp_ns == 0 || !known_) return {Verdict::unknown, read_ns};
  const int64_t earliest = empty_ns == 0 ? read_ns - kOldestNs : empty_ns - kSlackNs;
  const int64_t latest = read_ns + kLongestPhaseNs;
  const int64_t now = stamp_ns - offset_ns_;
  if (now >= earliest && now <= latest) return {Verdict::stamped, now};
  if (read_ns - stepped_ns_ < kStepMemoryNs) {
    const int64_t before = stamp_ns - offset_before_ns_;
    if (before >= earliest && before <= latest) return {Verdict::stamped, before};
    return {Verdict::unknown, read_ns};
  }
  const bool recent = now < earliest && now >= read_ns - kOldestNs;
  return {recent ? Verdict::held_back : Verdict::unknown, read_ns};
}

}  // namespace net
