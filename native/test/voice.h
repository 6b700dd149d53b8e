// A peer that says a tone through a codec of its own and decodes what it hears.
#pragma once

#include <cmath>
#include <vector>

#include "test/engine_fixture.h"

namespace test {

/** One peer with a codec of its own: says a tone, decodes what it hears. */
struct Voice {
  abi::CodecKind kind;
  double hz;
  const codec::Codec* codec;
  std::vector<uint64_t> encoder;
  std::vector<uint64_t> decoder;
  Peer peer;
  std::vector<int16_t> heard;
  int sample = 0;

  Voice(abi::CodecKind codec_kind, double tone_hz, uint32_t index)
      : kind(codec_kind),
        hz(tone_hz),
        codec(engine::codec_of(codec_kind)),
        encoder(codec->encoder_bytes / 8 + 8),
        decoder(codec->decoder_bytes / 8 + 8),
        peer(Fixture::peer_of(index)) {
    if (codec->encoder_bytes > 0) codec->init_encoder(encoder.data(), codec::Params{});
    if (codec->decoder_bytes > 0) codec->init_decoder(decoder.data(), codec::Params{});
  }
  void say(Fixture& f, uint32_t index, double amplitude = 5000) {
    const int rate = codec->sample_rate_hz;
    int16_t pcm[960];
    for (int i = 0; i < rate / 50; i++, sample++) {
      pcm[i] =
          static_cast<int16_t>(std::lround(amplitude * std::sin(2 * M_PI * hz * sample / rate)));
    }
    uint8_t payload[1440];
    const int bytes = codec->encode(encoder.data(), pcm, rate / 50, payload, sizeof payload);
    if (bytes <= 0) return;
    f.send(index, peer, Fixture::type_of(kind), payload, static_cast<size_t>(bytes),
           static_cast<uint32_t>(codec->rtp_clock_hz) / 50);
  }
  void listen(Fixture& f, uint32_t index, int noise_type = -1) {
    rtp::Packet packet{};
    while (f.sent(index, packet)) {
      if (packet.payload_type == noise_type) continue;
      int16_t pcm[codec::max_packet_samples];
      const int samples =
          codec->decode(decoder.data(), packet.payload, static_cast<int>(packet.payload_bytes), pcm,
                        codec::max_packet_samples);
      if (samples > 0) heard.insert(heard.end(), pcm, pcm + samples);
    }
  }
  /** Amplitude of a tone in the last part of what was heard. */
  double amplitude(double tone_hz) const {
    const size_t count = static_cast<size_t>(codec->sample_rate_hz) / 2;
    if (heard.size() < count) return -1;
    double real = 0;
    double imaginary = 0;
    for (size_t i = 0; i < count; i++) {
      const double angle = 2 * M_PI * tone_hz * static_cast<double>(i) / codec->sample_rate_hz;
      const double window =
          1 - std::cos(2 * M_PI * static_cast<double>(i) / static_cast<double>(count));
      const double sample = heard[heard.size() - count + i] * window;
      real += sample * std::cos(angle);
      imaginary += sample * std::sin(angle);
    }
    return 2 * std::hypot(real, imaginary) / static_cast<double>(count);
  }
};

}  // namespace test
