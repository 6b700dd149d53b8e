#include "codec/opus_packet.h"

#include <opus.h>

#include <algorithm>

namespace codec::opus_packet {

namespace {

// RFC 6716 table 2: the configuration number is the upper five bits of the first byte.
int frame_length_us(uint8_t toc) {
  const int config = toc >> 3;
  if (config < 12) {
    constexpr int kSilk[4] = {10000, 20000, 40000, 60000};
    return kSilk[config & 3];
  }
  if (config < 16) return (config & 1) != 0 ? 20000 : 10000;
  return 2500 << (config & 3);
}

Mode mode_of(uint8_t toc) {
  const int config = toc >> 3;
  if (config < 12) return Mode::silk;
  return config < 16 ? Mode::hybrid : Mode::celt;
}

// RFC 6716 section 4.2.3: a SILK layer begins with one activity bit for each 20 ms, then the LBRR
// flag, each coded with equal odds; the first such symbols of a range coder are the payload's first
// bits as they stand, inverted at no place.
void read_silk_header(const uint8_t* frame, Description& description) {
  const int activity_bits = description.frame_us <= 20000 ? 1 : description.frame_us / 20000;
  const uint8_t first = frame[0];
  const int activity = first >> (8 - activity_bits);
  description.voice_known = true;
  description.voice = activity != 0;
  description.redundancy = ((first >> (7 - activity_bits)) & 1) != 0;
}

}  // namespace

bool describe(const uint8_t* payload, int bytes, Description& description) {
  if (payload == nullptr || bytes < 1) return false;
  const unsigned char* frames[48];
  opus_int16 sizes[48];
  unsigned char toc = 0;
  const int count = opus_packet_parse(payload, bytes, &toc, frames, sizes, nullptr);
  if (count < 1) return false;
  description = {};
  description.mode = mode_of(toc);
  description.stereo = (toc & 4) != 0;
  description.frames = count;
  description.frame_us = frame_length_us(toc);
  if (static_cast<int64_t>(count) * description.frame_us > 120000) return false;
  // A DTX frame has no bytes at all: nothing is said, and nothing is heard.
  if (sizes[0] < 2) {
    description.voice_known = true;
  } else if (description.mode != Mode::celt) {
    read_silk_header(frames[0], description);
  }
  return true;
}

int join(const uint8_t* packet, int bytes, const uint8_t* next, int next_bytes, uint8_t* out,
         int capacity) {
  alignas(16) uint8_t memory[1024];
  auto* const joiner = reinterpret_cast<OpusRepacketizer*>(memory);
  if (static_cast<size_t>(opus_repacketizer_get_size()) > sizeof memory) return 0;
  opus_repacketizer_init(joiner);
  if (opus_repacketizer_cat(joiner, packet, bytes) != OPUS_OK ||
      opus_repacketizer_cat(joiner, next, next_bytes) != OPUS_OK) {
    return 0;
  }
  return std::max(opus_repacketizer_out(joiner, out, capacity), 0);
}

}  // namespace codec::opus_packet
