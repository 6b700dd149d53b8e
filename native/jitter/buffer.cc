// The arriving side: where a packet belongs, and what its arrival says. The playing side is
// pull.cc.
#include "jitter/buffer.h"

#include <algorithm>
#include <cstring>

#include "jitter/slot.h"

namespace jitter {
namespace {

// RFC 3550 appendix A.1: how far a sequence number may be off before it counts as another stream.
constexpr int64_t max_dropout = 3000;
constexpr int64_t max_misorder = 100;
// A timestamp that is this far from where the arrival puts it starts a new timeline.
constexpr int64_t timeline_jump_ns = 2'000'000'000;
// Another SSRC takes over at once when the known stream is silent for this long, else with its
// second packet.
constexpr int64_t takeover_ns = 100'000'000;
// So many packets in a row beyond the longest delay are not jitter but another path.
constexpr int overdue_limit = 10;
// Packets closer than this part of their length came in one burst.
constexpr int64_t follower_share = 4;
// Of a G.711 packet of 20 ms.
constexpr int usual_bytes = 160;
// After a gap this long the measured base is no more worth than the first packet's.
constexpr int64_t forget_ns = 500'000'000;

}  // namespace

size_t Buffer::bytes_for(const Config& config) {
  return static_cast<size_t>(config.slots) * sizeof(Slot) +
         static_cast<size_t>(config.payload_bytes);
}

bool Buffer::init(void* memory, const Config& config) {
  const bool power_of_two = (config.slots & (config.slots - 1)) == 0;
  if (memory == nullptr || config.slots < 8 || config.slots > 128 || !power_of_two) return false;
  if (config.slot_bytes < 1 || config.slot_bytes > 2048 || config.clock_hz < 8000 ||
      config.clock_hz > 96000) {
    return false;
  }
  if (config.payload_bytes < config.slot_bytes || config.payload_bytes > 65536 ||
      (config.payload_bytes & (config.payload_bytes - 1)) != 0) {
    return false;
  }
  if (config.packet_ms < 1 || config.packet_ms > 120 || config.max_delay_ms < 20 ||
      config.max_delay_ms > 2000 || config.pull_ms < 5 || config.pull_ms > 60) {
    return false;
  }
  config_ = config;
  slots_ = static_cast<Slot*>(memory);
  payloads_ = reinterpret_cast<uint8_t*>(slots_ + config.slots);
  // Its pages are there before the first packet comes.
  std::memset(payloads_, 0, static_cast<size_t>(config.payload_bytes));
  statistics_ = Statistics{};
  ns_per_unit_ = ((uint64_t{1'000'000'000} << 32) + static_cast<uint64_t>(config.clock_hz) / 2) /
                 static_cast<uint64_t>(config.clock_hz);
  margin_ns_ = config.min_margin_us * int64_t{1000};
  longest_ns_ = config.max_delay_ms * int64_t{1'000'000};
  frame_units_ = config.pull_ms * config.clock_hz / 1000;
  reset();
  return true;
}

void Buffer::reset() {
  for (int i = 0; i < config_.slots; i++) slots_[i] = Slot{};
  window_.clear();
  state_ = State::waiting;
  receiving_ = false;
  first_pending_ = false;
  stray_pending_ = false;
  shrinking_ = false;
  filled_ = 0;
  packet_units_ = static_cast<int>(units_of(config_.packet_ms * int64_t{1'000'000}));
  packet_units_candidate_ = 0;
  overdue_arrivals_ = 0;
  loss_ = 0;
  redundancy_failures_ = 0;
  unique_ = 0;
  set_packet_units(packet_units_);
}

Buffer::Slot& Buffer::slot_of(int64_t sequence) const {
  return slots_[sequence & (config_.slots - 1)];
}

// Later packets have not taken its room.
bool Buffer::payload_there(const Slot& slot) const {
  return payload_end_ - slot.payload_at <= static_cast<uint32_t>(config_.payload_bytes);
}

const uint8_t* Buffer::payload_of(const Slot& slot) const {
  return payloads_ + (slot.payload_at & static_cast<uint32_t>(config_.payload_bytes - 1));
}

void Buffer::prefetch() const {
  __builtin_prefetch(&slot_of(newest_sequence_ + 1), 1);
  __builtin_prefetch(&slot_of(next_sequence_), 1);
  const uint8_t* payload =
      payloads_ + (payload_end_ & static_cast<uint32_t>(config_.payload_bytes - 1));
  for (int at = 0; at <= usual_bytes; at += 64) __builtin_prefetch(payload + at, 1);
}

// In one piece: what is left at the end of the ring may stay empty.
void Buffer::keep_payload(Slot& slot, const Packet& packet) {
  const auto size = static_cast<uint32_t>(config_.payload_bytes);
  const auto bytes = static_cast<uint32_t>(packet.bytes);
  const uint32_t left = size - (payload_end_ & (size - 1));
  if (bytes > left) payload_end_ += left;
  slot.payload_at = payload_end_;
  slot.bytes = static_cast<uint16_t>(bytes & 0x1fff);
  if (bytes > 0) std::memcpy(payloads_ + (payload_end_ & (size - 1)), packet.payload, bytes);
  payload_end_ += bytes;
}

// A product in 128 bits: years of media time do not overflow, and nothing is divided.
int64_t Buffer::ns_of(int64_t units) const {
  return static_cast<int64_t>(
      (static_cast<__int128>(units) * static_cast<__int128>(ns_per_unit_)) >> 32);
}

int64_t Buffer::units_of(int64_t ns) const {
  const int64_t seconds = ns / 1'000'000'000;
  const int64_t rest = ns % 1'000'000'000;
  return seconds * config_.clock_hz + rest * config_.clock_hz / 1'000'000'000;
}

int Buffer::present(bool with_payload) const {
  int count = 0;
  for (int i = 0; i < config_.slots; i++) {
    count += slots_[i].present && payload_there(slots_[i]) == with_payload ? 1 : 0;
  }
  return count;
}

int Buffer::queued() const {
  return present(true);
}

Statistics Buffer::statistics() const {
  Statistics result = statistics_;
  // Their turn has not come yet, but nothing can be played then.
  result.discarded += static_cast<uint64_t>(present(false));
  if (receiving_) {
    result.lost += newest_sequence_ - first_sequence_ + 1 - static_cast<int64_t>(unique_);
    result.target_ns = required_ns();
  }
  return result;
}

// RFC 3550 A.1: one packet from far off is a stray, a second one in sequence is a restarted sender.
bool Buffer::is_stray(const Packet& packet, int64_t delta) {
  const bool other_stream = packet.ssrc != ssrc_;
  if (!other_stream && delta < max_dropout && delta > -max_misorder) {
    stray_pending_ = false;
    return false;
  }
  const bool confirmed =
      stray_pending_ && packet.ssrc == stray_ssrc_ && packet.sequence == stray_next_;
  if (confirmed || (other_stream && packet.arrival_ns - newest_arrival_ns_ >= takeover_ns)) {
    restart(packet);
    return false;
  }
  stray_pending_ = true;
  stray_ssrc_ = packet.ssrc;
  stray_next_ = static_cast<uint16_t>(packet.sequence + 1);
  return true;
}

void Buffer::restart(const Packet& packet) {
  const Statistics before = statistics();
  if (receiving_) statistics_.restarts++;
  statistics_.lost = before.lost;
  statistics_.discarded = before.discarded + static_cast<uint64_t>(queued());
  reset();
  receiving_ = true;
  first_pending_ = true;
  ssrc_ = packet.ssrc;
  // Room below, so that a reordered packet before the first one has a place.
  first_sequence_ = next_sequence_ = newest_sequence_ = int64_t{packet.sequence} + 65536;
  newest_media_ = int64_t{packet.timestamp} + (int64_t{1} << 32);
  newest_timestamp_ = packet.timestamp;
  newest_arrival_ns_ = packet.arrival_ns;
  last_transit_ns_ = packet.arrival_ns - ns_of(newest_media_);
}

// Unwraps the timestamp. A sender may start over at a talkspurt or after a transfer: a timestamp
// that runs backwards while the sequence runs on, or that is far from where the arrival puts it,
// begins a new timeline that is joined to the old one by the time of arrival.
int64_t Buffer::media_time(const Packet& packet, int64_t delta, bool& new_timeline) {
  const int64_t step = static_cast<int32_t>(packet.timestamp - newest_timestamp_);
  const int64_t elapsed_ns = packet.arrival_ns - newest_arrival_ns_;
  const int64_t off_ns = ns_of(step) - elapsed_ns;
  const bool backwards = delta > 0 && step <= 0;
  new_timeline = backwards || off_ns > timeline_jump_ns || off_ns < -timeline_jump_ns;
  if (!new_timeline) return newest_media_ + step;
  if (delta < 0) return newest_media_ + delta * packet_units_;
  return newest_media_ + std::max(delta * packet_units_, units_of(elapsed_ns));
}

void Buffer::measure(const Packet& packet, int64_t media, bool new_timeline) {
  const int64_t transit_ns = packet.arrival_ns - ns_of(media);
  if (!new_timeline) {
    // RFC 3550 section 6.4.1: J += (|D| - J) / 16.
    const int64_t difference = transit_ns - last_transit_ns_;
    const int64_t size = difference < 0 ? -difference : difference;
    statistics_.jitter_ns += (size - statistics_.jitter_ns) / 16;
  }
  const bool follower =
      !new_timeline && !window_.empty() && transit_ns < last_transit_ns_ &&
      packet.arrival_ns - newest_arrival_ns_ < ns_of(packet_units_) / follower_share;
  last_transit_ns_ = transit_ns;

  const bool overdue = !window_.empty() && transit_ns - window_.base_ns() > longest_ns_;
  overdue_arrivals_ = overdue ? overdue_arrivals_ + 1 : 0;
  const bool after_gap = packet.arrival_ns - newest_arrival_ns_ > forget_ns;
  if (overdue && (after_gap || overdue_arrivals_ >= overdue_limit)) window_.clear();
  if (follower) {
    window_.add_follower(packet.arrival_ns, transit_ns);
  } else {
    window_.add(packet.arrival_ns, transit_ns);
  }
}

void Buffer::tell_discard(int64_t sequence) const {
  const Discards& discards = config_.discards;
  if (discards.tell != nullptr) discards.tell(discards.self, static_cast<uint16_t>(sequence));
}

void Buffer::discard(int64_t sequence) {
  statistics_.discarded++;
  tell_discard(sequence);
}

// Slots hold the numbers [next, next + slots). One further ahead pushes out the oldest.
void Buffer::make_room(int64_t sequence) {
  if (sequence < next_sequence_ + config_.slots) return;
  const int64_t next = sequence - config_.slots + 1;
  for (int i = 0; i < config_.slots; i++) {
    if (slots_[i].present && slots_[i].sequence < next) {
      slots_[i].present = false;
      discard(slots_[i].sequence);
    }
  }
  next_sequence_ = next;
  state_ = State::waiting;
}

Insert Buffer::insert(const Packet& packet) {
  statistics_.received++;
  if (packet.bytes < 0 || packet.bytes > config_.slot_bytes) {
    discard(packet.sequence);
    return Insert::too_large;
  }
  const uint64_t restarts = statistics_.restarts;
  bool fresh = false;
  if (!receiving_) {
    restart(packet);
    fresh = true;
  }
  int64_t delta = static_cast<int16_t>(packet.sequence - static_cast<uint16_t>(newest_sequence_));
  if (is_stray(packet, delta)) {
    discard(packet.sequence);
    return Insert::stray;
  }
  if (statistics_.restarts != restarts) {
    fresh = true;
    delta = 0;
  }

  const int64_t sequence = newest_sequence_ + delta;
  Slot& known = slot_of(sequence);
  if (!fresh && known.sequence == sequence) {
    statistics_.duplicate++;
    return Insert::duplicate;
  }
  bool new_timeline = false;
  const int64_t media = fresh ? newest_media_ : media_time(packet, delta, new_timeline);
  measure(packet, media, new_timeline);
  unique_++;
  if (sequence < first_sequence_) first_sequence_ = sequence;
  if (delta > 0) {
    const int64_t step = media - newest_media_;
    if (delta == 1 && !new_timeline && step <= units_of(120'000'000)) {
      if (step == packet_units_candidate_ && step > 0) set_packet_units(static_cast<int>(step));
      packet_units_candidate_ = static_cast<int>(step);
    }
    newest_sequence_ = sequence;
    newest_media_ = media;
    newest_timestamp_ = packet.timestamp;
    newest_arrival_ns_ = packet.arrival_ns;
    make_room(sequence);
  }
  // Before the first packet has played, an earlier one may still come in front of it.
  if (sequence < next_sequence_) {
    const bool before_start = first_pending_;
    if (!before_start || sequence <= newest_sequence_ - config_.slots) {
      statistics_.late++;
      tell_discard(sequence);
      return Insert::late;
    }
    next_sequence_ = sequence;
  }

  Slot& slot = slot_of(sequence);
  // Never played, as the ring was too small for all that came at once.
  if (slot.present) discard(slot.sequence);
  slot.sequence = sequence;
  slot.media = media;
  slot.arrival_ns = packet.arrival_ns;
  slot.payload_type = packet.payload_type;
  slot.level = packet.level;
  slot.comfort_noise = packet.comfort_noise;
  slot.talkspurt = fresh || new_timeline;
  slot.present = true;
  keep_payload(slot, packet);
  return fresh ? Insert::restarted : Insert::stored;
}

}  // namespace jitter
