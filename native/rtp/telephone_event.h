// Digits as RTP events (RFC 4733): recognised by their time stamp, so that neither a lost marker, a
// lost end packet nor a repeated one loses or doubles a key press; and produced with three end
// packets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rtp {

inline constexpr uint8_t kLastDigitEvent = 15;
inline constexpr size_t kEventPayloadBytes = 4;

struct ReceivedDigit {
  uint8_t event;
  uint32_t duration_units;
};

class EventReceiver {
 public:
  /** True when a key press became complete; it is then in `done`. */
  bool on_packet(uint32_t timestamp, const uint8_t* payload, size_t bytes, int64_t now_ns,
                 ReceivedDigit& done);
  /** Ends a press whose packets stopped without an end. */
  bool on_tick(int64_t now_ns, ReceivedDigit& done);

  /** A key is down: the audio of the leg is silence. */
  bool active() const { return active_; }
  bool seen() const { return seen_; }
  /** A new source: an unfinished press is dropped, and old time stamps mean nothing. */
  void reset();

 private:
  bool finish(ReceivedDigit& done);

  int64_t last_packet_ns_ = 0;
  uint32_t timestamp_ = 0;         // of the present segment, or of the last finished one
  uint32_t earlier_duration_ = 0;  // of finished segments of a long press
  uint16_t duration_ = 0;
  uint8_t event_ = 0;
  bool active_ = false;
  bool finished_ = false;  // `timestamp_` belongs to a finished press
  bool seen_ = false;
};

/** What one tick of a digit being sent puts on the wire. */
struct EventPacket {
  uint8_t payload[kEventPayloadBytes];
  uint32_t timestamp;
  bool marker;
};

/** Sends queued digits; the caller asks it at each tick, and sends audio when it has nothing. */
class EventSender {
 public:
  static constexpr uint32_t kQueue = 32;

  /** False when the queue is full. */
  bool queue(uint8_t event, uint16_t duration_ms);
  bool idle() const { return count_ == 0 && pause_ticks_ == 0; }
  /** True while a digit takes the place of audio; then `packet` is to be sent. `tick_units` is the
   * length of a tick in RTP units, `timestamp` that of this tick. */
  bool next(uint32_t timestamp, uint32_t tick_units, uint32_t tick_ms, EventPacket& packet);
  /** Digits finished since the last call. */
  uint32_t take_finished();
  uint8_t current_event() const { return events_[head_]; }
  /** For tones in the audio: the digit that sounds during this tick, or a negative number. */
  int next_tone(uint32_t tick_ms, bool& begins);

 private:
  void finish_digit(uint32_t pause);

  uint16_t durations_ms_[kQueue] = {};
  uint8_t events_[kQueue] = {};
  uint32_t start_timestamp_ = 0;
  uint32_t sent_ms_ = 0;
  uint32_t duration_units_ = 0;
  uint8_t head_ = 0;
  uint8_t count_ = 0;
  uint8_t end_packets_ = 0;
  uint8_t pause_ticks_ = 0;
  uint8_t finished_ = 0;
  bool sending_ = false;
};

}  // namespace rtp
