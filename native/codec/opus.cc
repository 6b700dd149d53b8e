// Opus (RFC 6716, RTP by RFC 7587) on libopus. The state is libopus' own, which is flat: it holds
// no pointer but to constant tables, so a copy continues bit-exactly.
//
// Mono at an API rate of 8, 16 or 48 kHz: a conference that runs at 16 kHz takes the 16 kHz decoder
// and spends no resampling of its own. The RTP clock is 48 kHz in every case.

#include <opus.h>

#include <algorithm>

#include "codec/opus_packet.h"
#include "codec/tables.h"

namespace codec {

namespace {

// Sizes of libopus 1.3.1 on 64 bits, rounded up; audio_test holds them against the library.
constexpr size_t kEncoderBytes = 44 * 1024;
constexpr size_t kDecoderBytes = 19 * 1024;

OpusEncoder* encoder(void* state) {
  return static_cast<OpusEncoder*>(state);
}
OpusDecoder* decoder(void* state) {
  return static_cast<OpusDecoder*>(state);
}

template <int rate_hz>
void init_encoder(void* state, const Params& params) {
  if (opus_encoder_init(encoder(state), rate_hz, 1, OPUS_APPLICATION_VOIP) != OPUS_OK) return;
  OpusEncoder* const opus = encoder(state);
  opus_encoder_ctl(opus, OPUS_SET_BITRATE(params.bitrate_bps));
  opus_encoder_ctl(opus, OPUS_SET_COMPLEXITY(std::clamp(params.complexity, 0, 10)));
  opus_encoder_ctl(opus, OPUS_SET_INBAND_FEC(params.fec ? 1 : 0));
  opus_encoder_ctl(opus, OPUS_SET_DTX(params.dtx ? 1 : 0));
  opus_encoder_ctl(opus,
                   OPUS_SET_PACKET_LOSS_PERC(std::clamp(params.expected_loss_percent, 0, 100)));
  opus_encoder_ctl(
      opus, OPUS_SET_SIGNAL(params.mix && !params.fec ? OPUS_SIGNAL_MUSIC : OPUS_SIGNAL_VOICE));
}

template <int rate_hz>
void init_decoder(void* state, const Params& /*params*/) {
  opus_decoder_init(decoder(state), rate_hz, 1);
}

int encode(void* state, const int16_t* pcm, int samples, uint8_t* out, int capacity) {
  const int bytes =
      opus_encode(encoder(state), pcm, samples, out, std::min(capacity, max_payload_bytes));
  if (bytes < 0) return -1;
  // libopus: a packet of up to two bytes need not be transmitted (DTX).
  return bytes <= 2 ? 0 : bytes;
}

int decode(void* state, const uint8_t* payload, int bytes, int16_t* pcm, int capacity) {
  if (payload == nullptr || bytes < 1) return -1;
  const int samples = opus_decode(decoder(state), payload, bytes, pcm, capacity, 0);
  return samples < 0 ? -1 : samples;
}

int conceal(void* state, int16_t* pcm, int samples) {
  const int made = opus_decode(decoder(state), nullptr, 0, pcm, samples, 0);
  return made < 0 ? -1 : made;
}

int recover(void* state, const uint8_t* next_payload, int next_bytes, int16_t* pcm, int samples) {
  opus_packet::Description next;
  if (!opus_packet::describe(next_payload, next_bytes, next)) return -1;
  if (!next.redundancy) return 0;
  const int made = opus_decode(decoder(state), next_payload, next_bytes, pcm, samples, 1);
  return made < 0 ? -1 : made;
}

template <int rate_hz>
int packet_samples(const uint8_t* payload, int bytes) {
  opus_packet::Description packet;
  if (!opus_packet::describe(payload, bytes, packet)) return -1;
  return static_cast<int>(static_cast<int64_t>(packet.frames) * packet.frame_us * rate_hz /
                          1'000'000);
}

template <int rate_hz>
constexpr Codec make() {
  return {
      .name = "opus",
      .kind = Kind::opus,
      .sample_rate_hz = rate_hz,
      .rtp_clock_hz = 48000,
      .encoder_bytes = kEncoderBytes,
      .decoder_bytes = kDecoderBytes,
      .init_encoder = init_encoder<rate_hz>,
      .init_decoder = init_decoder<rate_hz>,
      .encode = encode,
      .decode = decode,
      .conceal = conceal,
      .recover = recover,
      .packet_samples = packet_samples<rate_hz>,
  };
}

}  // namespace

const Codec opus_8k = make<8000>();
const Codec opus_16k = make<16000>();
const Codec opus_48k = make<48000>();

}  // namespace codec
