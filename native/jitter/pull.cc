// The playing side: what the tick gets, and which way the delay should move.
//
//   waiting: for the first packet of a stream or talkspurt. It plays at the first tick that is late
//   enough
//            for what the arrivals of the last seconds needed; a pause is where the delay changes
//            unheard.
//   playing: in order. A hole is concealed on schedule. An empty buffer is concealed without moving
//   on: when
//            the packet comes after all it plays, and the delay has grown by what was filled in.
#include <algorithm>
#include <numeric>

#include "jitter/buffer.h"
#include "jitter/slot.h"

namespace jitter {
namespace {

constexpr int64_t ns_per_ms = 1'000'000;
// Concealment has faded out long before; from here on it is a pause, and the stream may re-enter
// anywhere.
constexpr int64_t longest_concealment_ns = 100 * ns_per_ms;
// The delay shrinks when it is a whole step above the need, and this much more, so that it does not
// swing.
constexpr int64_t hysteresis_ns = 2 * ns_per_ms;
constexpr int few_packets = 10;
// From here on waiting for redundancy is better than concealment; the share is that of about 64
// packets.
constexpr float loss_that_counts = 0.03f;
constexpr float loss_memory = 1.0f / 64;
// In pauses there is none, so a few failures mean nothing.
constexpr int failures_that_count = 25;

}  // namespace

Buffer::Slot* Buffer::first_present() const {
  for (int64_t sequence = next_sequence_; sequence <= newest_sequence_; sequence++) {
    Slot& slot = slot_of(sequence);
    if (slot.present && slot.sequence == sequence) return &slot;
  }
  return nullptr;
}

// How long after the fastest possible arrival the packet would play, if now.
int64_t Buffer::delay_ns(const Slot& slot, int64_t now_ns) const {
  return now_ns - (window_.base_ns() + ns_of(slot.media));
}

int64_t Buffer::required_ns() const {
  const bool redundancy = redundancy_possible_ && redundancy_failures_ < failures_that_count &&
                          loss_ > loss_that_counts;
  const int64_t packet_ns = ns_of(packet_units_);
  const int64_t wanted_ns = window_.required_ns() + (redundancy ? packet_ns : 0);
  const int64_t most_ns = longest_ns_ - margin_ns_ - packet_ns;
  return std::clamp(wanted_ns, int64_t{0}, std::max(most_ns, int64_t{0}));
}

// Packets and ticks of different length meet every so often; the delay can change by this much
// only.
void Buffer::set_packet_units(int units) {
  packet_units_ = units;
  const int step = std::gcd(packet_units_, frame_units_);
  step_units_ = step > 0 ? step : frame_units_;
}

bool Buffer::due(const Slot& slot, int64_t now_ns) const {
  // Little is known of the arrivals yet.
  const int64_t unsure_ns = window_.packets() < few_packets ? margin_ns_ : 0;
  // A frame takes several short packets, or a part of a long one: the last of them must have come
  // too.
  const int64_t cycle_ns = ns_of(frame_units_ - step_units_);
  return delay_ns(slot, now_ns) >= required_ns() + margin_ns_ + unsure_ns + cycle_ns;
}

void Buffer::drop_overdue(int64_t now_ns) {
  for (Slot* slot = first_present(); slot != nullptr; slot = first_present()) {
    if (delay_ns(*slot, now_ns) <= longest_ns_ && payload_there(*slot)) return;
    slot->present = false;
    discard(slot->sequence);
    next_sequence_ = slot->sequence + 1;
    next_media_ = slot->media + packet_units_;
  }
}

Pull Buffer::fill(Action action, int units) {
  Pull pull;
  pull.action = action;
  pull.units = units;
  if (action == Action::conceal) {
    filled_ += units;
    statistics_.concealed++;
  }
  return pull;
}

bool Buffer::frame_waits() const {
  const Slot& slot = slot_of(next_sequence_);
  return receiving_ && slot.present && slot.sequence == next_sequence_ && payload_there(slot) &&
         packet_units_ >= frame_units_;
}

int Buffer::next_levels(int wanted, uint8_t* levels, int capacity) const {
  int count = 0;
  if (!receiving_) return 0;
  for (int64_t sequence = next_sequence_; wanted > 0 && count < capacity; sequence++) {
    const Slot& slot = slot_of(sequence);
    if (!slot.present || slot.sequence != sequence || slot.comfort_noise) break;
    if (!payload_there(slot)) break;
    levels[count++] = slot.level;
    wanted -= packet_units_;
  }
  return count;
}

// A played packet stays in its place until another one needs it.
bool Buffer::earlier(int back, Pull& pull) const {
  const int64_t sequence = next_sequence_ - 1 - back;
  const Slot& slot = slot_of(sequence);
  if (back < 1 || back >= config_.slots || slot.sequence != sequence || slot.comfort_noise ||
      !payload_there(slot)) {
    return false;
  }
  pull = Pull{};
  pull.action = Action::play;
  pull.payload_type = slot.payload_type;
  pull.payload = payload_of(slot);
  pull.bytes = slot.bytes;
  return true;
}

void Buffer::played(int units) {
  if (units <= 0 || state_ != State::playing) return;
  next_media_ += units - packet_units_;
  if (units != packet_units_) set_packet_units(units);
}

void Buffer::use_redundancy(bool possible) {
  redundancy_possible_ = possible;
}

void Buffer::recovered(bool worked) {
  redundancy_failures_ = worked ? 0 : redundancy_failures_ + 1;
}

void Buffer::expanded(int units) {
  for (int64_t& slack : slacks_ns_) slack += ns_of(units);
}

// Slack is the time between when the packet could have arrived, as measured, and now.
void Buffer::advise(Pull& pull, int64_t slack_ns, int wanted) {
  slacks_ns_[slack_index_++ % slack_count] = slack_ns;
  const int64_t least_ns = *std::min_element(slacks_ns_, slacks_ns_ + slack_count);
  const int step = step_units_;
  if (least_ns < margin_ns_ * 2 / 3) {
    const int64_t grown_ns = required_ns() + slack_ns + ns_of(step);
    if (grown_ns > longest_ns_) return;
    shrinking_ = false;
    pull.stretch = Stretch::expand;
    pull.stretch_units = step;
    pull.urgent = least_ns < margin_ns_ / 3;
    return;
  }
  // What a compression in progress has left over in front of this packet.
  const int leftover = std::max(frame_units_ - wanted, 0) % step;
  const int64_t excess_ns = least_ns - margin_ns_;
  if (excess_ns >= ns_of(step) + hysteresis_ns) {
    shrinking_ = true;
    pull.stretch = Stretch::compress;
    pull.stretch_units = static_cast<int>(units_of(excess_ns)) + leftover;
    pull.urgent = excess_ns >= 3 * ns_of(step);
  } else if (shrinking_ && leftover > config_.clock_hz / 1000) {
    pull.stretch = Stretch::compress;
    pull.stretch_units = leftover;
  } else {
    shrinking_ = false;
  }
}

Pull Buffer::play(Slot& slot, int64_t now_ns, int wanted) {
  Pull pull;
  pull.action = Action::play;
  pull.first = first_pending_;
  pull.talkspurt = state_ == State::waiting;
  pull.comfort_noise = slot.comfort_noise;
  pull.payload_type = slot.payload_type;
  pull.level = slot.level;
  pull.payload = payload_of(slot);
  pull.bytes = slot.bytes;
  pull.timestamp = static_cast<uint32_t>(slot.media);
  pull.waited_ns = now_ns - slot.arrival_ns;
  const int64_t slack_ns = delay_ns(slot, now_ns) - required_ns();
  if (state_ == State::waiting) {
    for (int64_t& slack : slacks_ns_) slack = slack_ns;
    shrinking_ = false;
  } else {
    const bool missed = slot.sequence != next_sequence_;
    loss_ += ((missed ? 1.0f : 0.0f) - loss_) * loss_memory;
  }
  if (!slot.comfort_noise) advise(pull, slack_ns, wanted);

  slot.present = false;
  first_pending_ = false;
  filled_ = 0;
  next_sequence_ = slot.sequence + 1;
  next_media_ = slot.media + (slot.comfort_noise ? 0 : packet_units_);
  // RFC 3389: after a silence descriptor the sender says nothing until it talks again.
  state_ = slot.comfort_noise ? State::waiting : State::playing;
  statistics_.played++;
  statistics_.delay_ns += (pull.waited_ns - statistics_.delay_ns) / 16;
  statistics_.longest_delay_ns = std::max(statistics_.longest_delay_ns, pull.waited_ns);
  return pull;
}

Pull Buffer::conceal_hole(const Slot& slot, int64_t missing, int64_t remaining, int wanted) {
  // The packet after the hole may carry a copy of the last one missing (RFC 6716 section 2.1.7).
  if (remaining == packet_units_ && missing >= 1) {
    Pull pull = fill(Action::conceal, packet_units_);
    pull.next_payload = payload_of(slot);
    pull.next_bytes = slot.bytes;
    pull.payload_type = slot.payload_type;
    return pull;
  }
  return fill(Action::conceal, static_cast<int>(std::min<int64_t>(wanted, remaining)));
}

Pull Buffer::pull(int64_t now_ns, int wanted) {
  if (!receiving_) return fill(Action::silence, wanted);
  drop_overdue(now_ns);
  Slot* slot = first_present();
  if (state_ == State::playing) {
    if (slot == nullptr) {
      if (ns_of(filled_) < longest_concealment_ns) return fill(Action::conceal, wanted);
      state_ = State::waiting;
    } else {
      const int64_t gap = slot->media - next_media_;
      const int64_t missing = slot->sequence - next_sequence_;
      // More time than lost packets: the sender made a pause (DTX).
      const bool pause = gap - missing * packet_units_ > packet_units_ / 2;
      if (slot->talkspurt || pause) {
        state_ = State::waiting;
      } else if (gap > filled_ && missing > 0) {
        if (ns_of(filled_) < longest_concealment_ns) {
          return conceal_hole(*slot, missing, gap - filled_, wanted);
        }
        state_ = State::waiting;
      }
    }
  }
  if (slot == nullptr || (state_ == State::waiting && !due(*slot, now_ns))) {
    return fill(Action::silence, wanted);
  }
  return play(*slot, now_ns, wanted);
}

}  // namespace jitter
