// Any sequence of telephone-event payloads and ticks through the receiver; whatever comes, a press
// ends once and by itself, and no more presses come out than packets went in. The sender gets the
// rest of the input as a queue of digits.
#include <cstdlib>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/telephone_event.h"

namespace {

void demand(bool condition) {
  if (!condition) abort();
}

void send(const uint8_t* data, size_t size) {
  rtp::EventSender sender;
  uint32_t accepted = 0;
  uint32_t finished = 0;
  uint32_t timestamp = 0xffffff00;
  for (size_t at = 0; at + 2 < size; at += 3) {
    if (data[at] <= rtp::kLastDigitEvent &&
        sender.queue(data[at], base::load_be16(data + at + 1))) {
      accepted++;
    }
    rtp::EventPacket packet{};
    if (sender.next(timestamp, 160, 20, packet)) demand(packet.payload[0] <= rtp::kLastDigitEvent);
    finished += sender.take_finished();
    timestamp += 160;
  }
  // 32 digits of 65 s at the most, and the pauses between them.
  for (int tick = 0; tick < 200'000 && !sender.idle(); tick++) {
    rtp::EventPacket packet{};
    sender.next(timestamp, 160, 20, packet);
    finished += sender.take_finished();
    timestamp += 160;
  }
  demand(sender.idle());
  demand(accepted == finished);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rtp::EventReceiver receiver;
  int64_t now_ns = 1'000'000'000;
  uint32_t timestamp = 0;
  size_t packets = 0;
  size_t presses = 0;
  const uint8_t* rest = data;
  size_t left = size;
  while (left >= 2) {
    const uint8_t code = rest[0];
    const size_t bytes = rest[1] % 8 < left - 2 ? rest[1] % 8 : left - 2;
    const std::vector<uint8_t> payload(rest + 2, rest + 2 + bytes);
    rest += 2 + bytes;
    left -= 2 + bytes;
    rtp::ReceivedDigit done{};
    bool complete = false;
    if (code < 64) {
      now_ns += (code + 1) * base::kNsPerMs;
      complete = receiver.on_tick(now_ns, done);
    } else if (code == 255) {
      receiver.reset();
      demand(!receiver.active());
    } else {
      if (code >= 128) timestamp += code % 3 * 160u;
      if (code >= 250) timestamp = static_cast<uint32_t>(rest - data) * 0x01010101u;
      packets++;
      complete = receiver.on_packet(timestamp, payload.data(), payload.size(), now_ns, done);
    }
    if (complete) {
      presses++;
      demand(done.event <= rtp::kLastDigitEvent);
      demand(receiver.seen());
    }
  }
  rtp::ReceivedDigit done{};
  if (receiver.on_tick(now_ns + 60 * base::kNsPerSecond, done)) presses++;
  demand(!receiver.active());
  // One packet may end an old press, and a new one at the same time.
  demand(presses <= 2 * packets);
  send(data, size);
  return 0;
}
