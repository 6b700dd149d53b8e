// Small generator for RTCP intervals and the like (xorshift64*); not for secrets.
#pragma once

#include <cstdint>

namespace base {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed == 0 ? 0x9e3779b97f4a7c15u : seed) {}

  uint32_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<uint32_t>((state_ * 0x2545f4914f6cdd1du) >> 32);
  }
  /** From 0 up to, but without, `limit`; `limit` up to 2^32. */
  int64_t below(int64_t limit) {
    return static_cast<int64_t>((static_cast<uint64_t>(next()) * static_cast<uint64_t>(limit)) >>
                                32);
  }

 private:
  uint64_t state_;
};

}  // namespace base
