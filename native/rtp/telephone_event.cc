#include "rtp/telephone_event.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/clock.h"

namespace rtp {
namespace {

/** A press ends when nothing came for this long; senders repeat every 20 to 50 ms. */
constexpr int64_t kTimeoutNs = 100 * base::kNsPerMs;
/** Ten seconds at 8 kHz: packets older than this are not late ones of an earlier press. */
constexpr int32_t kStaleUnits = 80'000;
/** Silence between two digits that we send, in ticks: 60 ms, above the 40 ms receivers need. */
constexpr uint8_t kPauseTicks = 3;
/** RFC 4733 section 2.5.1.4: the end is sent three times. */
constexpr uint8_t kEndPackets = 3;

}  // namespace

void EventReceiver::reset() {
  active_ = false;
  finished_ = false;
}

bool EventReceiver::finish(ReceivedDigit& done) {
  active_ = false;
  finished_ = true;
  done.event = event_;
  done.duration_units = earlier_duration_ + duration_;
  earlier_duration_ = 0;
  return true;
}

bool EventReceiver::on_packet(uint32_t timestamp, const uint8_t* payload, size_t bytes,
                              int64_t now_ns, ReceivedDigit& done) {
  if (bytes < kEventPayloadBytes) return false;
  const uint8_t event = payload[0];
  if (event > kLastDigitEvent) return false;
  const bool end = (payload[1] & 0x80) != 0;
  const uint16_t duration = base::load_be16(payload + 2);
  seen_ = true;

  const auto step = static_cast<int32_t>(timestamp - timestamp_);
  if (active_ && step == 0) {
    last_packet_ns_ = now_ns;
    duration_ = std::max(duration_, duration);
    return end && finish(done);
  }
  // A repeated end, or a packet overtaken by the next press; further back it is a new time line.
  if (finished_ && step == 0) return false;
  if ((active_ || finished_) && step < 0 && step > -kStaleUnits) return false;

  bool reported = false;
  if (active_) {
    // Section 2.5.1.3: a press longer than 65535 units goes on in a new segment.
    if (event == event_ && step == 0xffff) {
      earlier_duration_ += 0xffff;
    } else {
      reported = finish(done);
    }
  }
  active_ = true;
  finished_ = false;
  timestamp_ = timestamp;
  event_ = event;
  duration_ = duration;
  last_packet_ns_ = now_ns;
  if (!end) return reported;
  // Only the end of this press arrived. If it also ended the one before, that one is reported now
  // and this one by the repeated end or by the timeout.
  return reported || finish(done);
}

bool EventReceiver::on_tick(int64_t now_ns, ReceivedDigit& done) {
  return active_ && now_ns - last_packet_ns_ > kTimeoutNs && finish(done);
}

bool EventSender::queue(uint8_t event, uint16_t duration_ms) {
  if (count_ == kQueue) return false;
  const auto slot = static_cast<uint8_t>((head_ + count_) % kQueue);
  events_[slot] = event;
  durations_ms_[slot] = duration_ms;
  count_++;
  return true;
}

void EventSender::finish_digit(uint32_t pause) {
  sending_ = false;
  pause_ticks_ = static_cast<uint8_t>(pause);
  head_ = static_cast<uint8_t>((head_ + 1) % kQueue);
  count_--;
  finished_++;
}

bool EventSender::next(uint32_t timestamp, uint32_t tick_units, uint32_t tick_ms,
                       EventPacket& packet) {
  if (pause_ticks_ > 0) {
    pause_ticks_--;
    return false;
  }
  if (count_ == 0) return false;
  packet.marker = !sending_;
  if (!sending_) {
    sending_ = true;
    start_timestamp_ = timestamp;
    duration_units_ = 0;
    sent_ms_ = 0;
    end_packets_ = 0;
  }
  const bool last = sent_ms_ + tick_ms >= durations_ms_[head_];
  if (end_packets_ == 0) {
    sent_ms_ += tick_ms;
    duration_units_ = std::min<uint32_t>(duration_units_ + tick_units, 0xffff);
  }
  const bool end = end_packets_ > 0 || last;
  packet.timestamp = start_timestamp_;
  packet.payload[0] = events_[head_];
  packet.payload[1] = static_cast<uint8_t>((end ? 0x80 : 0) | 10);  // -10 dBm0
  base::store_be16(packet.payload + 2, static_cast<uint16_t>(duration_units_));
  if (end && ++end_packets_ == kEndPackets) finish_digit(kPauseTicks);
  return true;
}

int EventSender::next_tone(uint32_t tick_ms, bool& begins) {
  begins = false;
  if (pause_ticks_ > 0) {
    pause_ticks_--;
    return -1;
  }
  if (count_ == 0) return -1;
  if (!sending_) {
    begins = true;
    sending_ = true;
    sent_ms_ = 0;
  }
  const int event = events_[head_];
  sent_ms_ += tick_ms;
  if (sent_ms_ >= durations_ms_[head_]) finish_digit(kPauseTicks);
  return event;
}

uint32_t EventSender::take_finished() {
  const uint32_t finished = finished_;
  finished_ = 0;
  return finished;
}

}  // namespace rtp
