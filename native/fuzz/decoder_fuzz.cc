// Any bytes as payloads, one after another, through one decoder: the first byte says which, then
// each payload has its length in front. Output must stay within the room that was given, and
// lengths must agree.
#include <cstdlib>
#include <vector>

#include "codec/codec.h"

namespace {

constexpr codec::Kind kinds[] = {codec::Kind::pcmu, codec::Kind::pcma, codec::Kind::g722,
                                 codec::Kind::opus, codec::Kind::l16};
constexpr int rates[] = {8000, 16000, 48000};

struct alignas(codec::state_alignment) Line {
  char bytes[codec::state_alignment];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const codec::Kind kind = kinds[data[0] % 5];
  const codec::Codec* codec = codec::find(kind, rates[data[0] / 5 % 3]);
  if (codec == nullptr) codec = codec::find(kind);
  std::vector<Line> state(codec->decoder_bytes / sizeof(Line) + 1);
  codec->init_decoder(state.data(), codec::Params{});
  // Sometimes too little room.
  const int capacity = data[1] % 4 == 0 ? data[1] * 4 : codec::max_packet_samples;
  data += 2;
  size -= 2;
  while (size > 2) {
    size_t length = static_cast<size_t>(data[0]) << 2 | data[1] % 4;
    const bool lost = data[1] >= 0xF0;
    data += 2;
    size -= 2;
    length = length < size ? length : size;
    // Own copies, so that one byte too far is seen.
    const std::vector<uint8_t> payload(data, data + length);
    std::vector<int16_t> pcm(static_cast<size_t>(capacity) + 1);
    const int bytes = static_cast<int>(length);
    if (lost && codec->recover != nullptr) {
      const int frame = codec->sample_rate_hz / 50;
      pcm.resize(static_cast<size_t>(frame));
      if (codec->recover(state.data(), payload.data(), bytes, pcm.data(), frame) > frame) abort();
      if (codec->conceal(state.data(), pcm.data(), frame) > frame) abort();
    } else {
      const int samples = codec->decode(state.data(), payload.data(), bytes, pcm.data(), capacity);
      if (samples > capacity) abort();
      if (samples > 0 && codec->packet_samples(payload.data(), bytes) != samples) abort();
    }
    data += length;
    size -= length;
  }
  return 0;
}
