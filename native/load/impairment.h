#pragma once
// A bad network between the driver and its target: what is sent may be lost, late, out of order or
// sent twice. Seeded, so that a run can be repeated; costs nothing while it is off.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace load {

struct ImpairmentOptions {
  double loss = 0;       // share of packets, 0 to 1
  double duplicate = 0;  // share sent a second time
  double reorder = 0;    // share held until the next one has passed
  int jitter_ms = 0;     // each waits for up to so long, evenly distributed
};

struct ImpairmentCounters {
  uint64_t dropped = 0;
  uint64_t duplicated = 0;
  uint64_t delayed = 0;
};

class Impairment {
 public:
  static constexpr int kMostDelayMs = 500;

  /// Memory for `legs` streams of packets of at most `packet_bytes`.
  void init(const ImpairmentOptions& options, int legs, int packet_bytes);
  bool on() const { return on_; }
  /// Takes one packet; it leaves through `flush`, now or later or never.
  void offer(int fd, const uint8_t* packet, int bytes);
  /// Moves on by a millisecond and calls `send(fd, packet, bytes)` for what is due.
  template <class Send>
  void flush(Send send) {
    const int due = wheel_[now_];
    wheel_[now_] = kNone;
    now_ = (now_ + 1) % wheel_.size();
    for (int place = due; place != kNone;) {
      Held& held = held_[static_cast<size_t>(place)];
      send(held.fd, bytes_of(place), held.bytes);
      const int next = held.next;
      held.next = free_;
      free_ = place;
      place = next;
    }
  }
  const ImpairmentCounters& counters() const { return counters_; }
  void reset_counters() { counters_ = {}; }

 private:
  static constexpr int kNone = -1;
  struct Held {
    int fd;
    int bytes;
    int next;
  };
  bool chance(double share);
  uint32_t random();
  void hold(int fd, const uint8_t* packet, int bytes, int delay_ms);
  uint8_t* bytes_of(int place) {
    return &storage_[static_cast<size_t>(place) * static_cast<size_t>(packet_bytes_)];
  }

  ImpairmentOptions options_;
  bool on_ = false;
  int packet_bytes_ = 0;
  uint64_t state_ = 0x9e3779b97f4a7c15;
  size_t now_ = 0;
  int free_ = kNone;
  std::vector<int> wheel_;  // newest first in each millisecond
  std::vector<Held> held_;
  std::vector<uint8_t> storage_;
  ImpairmentCounters counters_;
};

}  // namespace load
