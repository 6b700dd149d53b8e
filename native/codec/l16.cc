// L16 (RFC 3551 section 4.5.11): samples as they are, in network byte order; mono. The link between
// mixers, as it costs nothing and loses nothing.

#include "codec/tables.h"

namespace codec {
namespace {

void init(void*, const Params&) {}

int encode(void*, const int16_t* pcm, int samples, uint8_t* out, int capacity) {
  if (samples < 0 || 2 * samples > capacity) return -1;
  for (int i = 0; i < samples; i++) {
    const auto sample = static_cast<uint16_t>(pcm[i]);
    out[2 * i] = static_cast<uint8_t>(sample >> 8);
    out[2 * i + 1] = static_cast<uint8_t>(sample & 0xFF);
  }
  return 2 * samples;
}

int decode(void*, const uint8_t* payload, int bytes, int16_t* pcm, int capacity) {
  if (bytes <= 0 || bytes % 2 != 0 || bytes / 2 > capacity) return -1;
  for (int i = 0; i < bytes / 2; i++) {
    pcm[i] = static_cast<int16_t>(payload[2 * i] << 8 | payload[2 * i + 1]);
  }
  return bytes / 2;
}

int packet_samples(const uint8_t*, int bytes) {
  return bytes > 0 && bytes % 2 == 0 ? bytes / 2 : -1;
}

constexpr Codec at_rate(int rate_hz) {
  return {
      .name = "L16",
      .kind = Kind::l16,
      .sample_rate_hz = rate_hz,
      .rtp_clock_hz = rate_hz,
      .encoder_bytes = 0,
      .decoder_bytes = 0,
      .init_encoder = init,
      .init_decoder = init,
      .encode = encode,
      .decode = decode,
      .conceal = nullptr,
      .recover = nullptr,
      .packet_samples = packet_samples,
  };
}

}  // namespace

const Codec l16_8k = at_rate(8000);
const Codec l16_16k = at_rate(16000);
const Codec l16_48k = at_rate(48000);

}  // namespace codec
