// Any bytes as an Opus payload: what is said of it without decoding agrees with what decoding
// gives.
#include <cstdlib>
#include <vector>

#include "codec/codec.h"
#include "codec/opus_packet.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1500) return 0;
  const std::vector<uint8_t> payload(data, data + size);
  const int bytes = static_cast<int>(size);
  codec::opus_packet::Description description{};
  const codec::Codec* codec = codec::find(codec::Kind::opus);
  const int samples = codec->packet_samples(payload.data(), bytes);
  if (!codec::opus_packet::describe(payload.data(), bytes, description)) return 0;
  if (description.frames < 1 || description.frames > 48) abort();
  const int64_t length_us = static_cast<int64_t>(description.frames) * description.frame_us;
  if (length_us > 120'000) abort();
  if (samples != length_us * 48 / 1000) abort();
  return 0;
}
