// Any sequence of packets and ticks through a jitter buffer and a playout. Whatever comes, a frame
// is a frame, the slots are the bound, and a payload is one of those that went in.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "codec/codec.h"
#include "jitter/playout.h"

namespace {

struct alignas(16) Line {
  char bytes[16];
};

void demand(bool condition) {
  if (!condition) abort();
}

int decode(void*, uint8_t payload_type, const uint8_t* payload, int bytes, int16_t* pcm,
           int capacity) {
  // Payload bytes hold their own length.
  for (int i = 0; i < bytes; i++) demand(payload[i] == static_cast<uint8_t>(bytes));
  if (payload_type % 16 == 9) return -1;
  const codec::Kind kind = payload_type % 2 == 0 ? codec::Kind::pcmu : codec::Kind::pcma;
  return codec::find(kind)->decode(nullptr, payload, bytes, pcm, capacity);
}

int length(void*, uint8_t, const uint8_t*, int bytes) {
  return bytes;
}

class Reader {
 public:
  Reader(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool done() const { return size_ == 0; }
  uint32_t take(int bytes) {
    uint32_t value = 0;
    while (bytes-- > 0 && size_ > 0) {
      value = value << 8 | *data_++;
      size_--;
    }
    return value;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader in(data, size);
  jitter::PlayoutConfig config;
  config.buffer.slots = 8 << in.take(1) % 4;
  config.buffer.slot_bytes = 1 + static_cast<int>(in.take(1)) * 2;
  config.buffer.max_delay_ms = 20 + static_cast<int>(in.take(1)) * 4;
  std::vector<Line> memory(jitter::Playout::bytes_for(config) / sizeof(Line) + 1);
  jitter::Playout playout;
  const jitter::Decoder decoder = {nullptr, decode, nullptr, nullptr, nullptr, length, 4};
  demand(playout.init(memory.data(), config, decoder, 1));

  jitter::Packet packet{};
  int64_t now_ns = 0;
  uint64_t inserted = 0;
  std::vector<int16_t> frame(160);
  for (int step = 0; !in.done() && step < 4000; step++) {
    const uint32_t code = in.take(1);
    if (code < 96) {  // the next tick, or one later
      now_ns += (1 + code / 32) * 10'000'000;
      // As a mix does that hears nobody who is known to be quiet.
      float mean_square = 0;
      if (playout.foresee(mean_square) && mean_square < 1e4f) {
        playout.skip_frame(now_ns, frame.data());
      } else {
        playout.frame(now_ns, frame.data());
      }
      demand(playout.queued_packets() <= config.buffer.slots);
      demand(playout.queued_samples() >= 0);
      continue;
    }
    if (code < 200) {  // in sequence, with a small deviation
      packet.sequence = static_cast<uint16_t>(packet.sequence + 1 + code % 3 - code % 5 / 4 * 2);
      packet.timestamp += 160 * (code % 3);
      packet.bytes = 160;
    } else if (code < 230) {  // anything
      packet.sequence = static_cast<uint16_t>(in.take(2));
      packet.timestamp = in.take(4);
      packet.bytes = static_cast<int>(in.take(2) % 520);
    } else {
      packet.ssrc = in.take(1) % 3;
      packet.payload_type = static_cast<uint8_t>(in.take(1));
      packet.comfort_noise = code > 245;
      packet.level = static_cast<uint8_t>(in.take(1));
      packet.marker = code % 2 != 0;
    }
    const std::vector<uint8_t> payload(static_cast<size_t>(packet.bytes),
                                       static_cast<uint8_t>(packet.bytes));
    packet.payload = payload.data();
    packet.arrival_ns = now_ns;
    playout.insert(packet);
    inserted++;
  }
  const jitter::Statistics s = playout.statistics();
  demand(s.received == inserted);
  demand(s.played + s.duplicate + s.late + s.discarded +
             static_cast<uint64_t>(playout.queued_packets()) ==
         s.received);
  return 0;
}
