#include "impairment.h"

#include <algorithm>
#include <cstring>

namespace load {

namespace {

/// Late enough that the next packet, 20 ms behind, overtakes.
constexpr int kReorderMs = 30;

}  // namespace

void Impairment::init(const ImpairmentOptions& options, int legs, int packet_bytes) {
  options_ = options;
  options_.jitter_ms = std::clamp(options.jitter_ms, 0, kMostDelayMs - kReorderMs - 1);
  on_ = options.loss > 0 || options.duplicate > 0 || options.reorder > 0 || options.jitter_ms > 0;
  if (!on_) return;
  packet_bytes_ = packet_bytes;
  // A packet each 20 ms and its copy, for as long as one may be held.
  const int longest_ms = options_.jitter_ms + kReorderMs + 20;
  const auto places = static_cast<size_t>(legs) * 2 * static_cast<size_t>(longest_ms / 20 + 2);
  wheel_.assign(kMostDelayMs + 1, kNone);
  held_.resize(places);
  storage_.resize(places * static_cast<size_t>(packet_bytes));
  for (size_t place = 0; place < places; ++place) {
    held_[place].next = free_;
    free_ = static_cast<int>(place);
  }
}

void Impairment::offer(int fd, const uint8_t* packet, int bytes) {
  if (chance(options_.loss)) {
    ++counters_.dropped;
    return;
  }
  int delay_ms = options_.jitter_ms > 0
                     ? static_cast<int>(random() % static_cast<uint32_t>(options_.jitter_ms + 1))
                     : 0;
  if (chance(options_.reorder)) delay_ms += kReorderMs;
  if (delay_ms > 0) ++counters_.delayed;
  hold(fd, packet, bytes, delay_ms);
  if (!chance(options_.duplicate)) return;
  ++counters_.duplicated;
  hold(fd, packet, bytes, delay_ms + 1);
}

void Impairment::hold(int fd, const uint8_t* packet, int bytes, int delay_ms) {
  if (free_ == kNone || bytes > packet_bytes_) {
    ++counters_.dropped;
    return;
  }
  const int place = free_;
  Held& held = held_[static_cast<size_t>(place)];
  free_ = held.next;
  const size_t due = (now_ + static_cast<size_t>(delay_ms)) % wheel_.size();
  held = {fd, bytes, wheel_[due]};
  wheel_[due] = place;
  std::memcpy(bytes_of(place), packet, static_cast<size_t>(bytes));
}

bool Impairment::chance(double share) {
  return share > 0 && random() < static_cast<uint32_t>(std::min(share, 1.0) * 4294967295.0);
}

// xorshift64*.
uint32_t Impairment::random() {
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return static_cast<uint32_t>((state_ * 0x2545f4914f6cdd1d) >> 32);
}

}  // namespace load
