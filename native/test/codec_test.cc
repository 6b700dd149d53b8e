// Aim: what holds for every codec in the registry, and L16. Method: random payloads of every length
// into exact buffers, which the sanitizer builds watch.
#include "codec/codec.h"

#include <cstring>
#include <initializer_list>
#include <vector>

#include "test/audio_tests.h"

namespace {

constexpr codec::Kind kinds[] = {codec::Kind::pcmu, codec::Kind::pcma, codec::Kind::g722,
                                 codec::Kind::opus, codec::Kind::l16};

struct State {
  explicit State(size_t bytes) : memory(bytes / sizeof(Line) + 1) {}
  void* get() { return memory.data(); }
  struct alignas(codec::state_alignment) Line {
    char bytes[codec::state_alignment];
  };
  std::vector<Line> memory;
};

}  // namespace

void l16_round_trip(test::Context& t) {
  for (const int rate : {8000, 16000, 48000}) {
    const codec::Codec* codec = codec::find(codec::Kind::l16, rate);
    EXPECT(t, codec != nullptr && codec->sample_rate_hz == rate && codec->rtp_clock_hz == rate);
    test::Random random(1);
    int16_t pcm[160];
    int16_t back[160];
    uint8_t payload[320];
    for (int16_t& sample : pcm) sample = random.sample();
    pcm[0] = 0x1234;
    pcm[1] = -2;
    EXPECT_EQUAL(t, codec->encode(nullptr, pcm, 160, payload, 320), 320);
    EXPECT(t, payload[0] == 0x12 && payload[1] == 0x34 && payload[2] == 0xFF && payload[3] == 0xFE);
    EXPECT_EQUAL(t, codec->packet_samples(payload, 320), 160);
    EXPECT_EQUAL(t, codec->decode(nullptr, payload, 320, back, 160), 160);
    EXPECT(t, std::memcmp(pcm, back, sizeof pcm) == 0);
    EXPECT_EQUAL(t, codec->encode(nullptr, pcm, 160, payload, 319), -1);
    EXPECT_EQUAL(t, codec->decode(nullptr, payload, 319, back, 160), -1);
    EXPECT_EQUAL(t, codec->decode(nullptr, payload, 320, back, 159), -1);
    EXPECT_EQUAL(t, codec->packet_samples(payload, 3), -1);
  }
  EXPECT(t, codec::find(codec::Kind::l16, 44100) == nullptr);
}

void codecs_refuse_nonsense(test::Context& t) {
  test::Random random(2);
  for (const codec::Kind kind : kinds) {
    const codec::Codec* codec = codec::find(kind);
    EXPECT(t, codec != nullptr);
    if (codec == nullptr) continue;
    EXPECT(t, codec::find(kind, codec->sample_rate_hz) == codec);
    State state(codec->decoder_bytes);
    codec->init_decoder(state.get(), codec::Params{});
    std::vector<int16_t> pcm(codec::max_packet_samples);
    for (int bytes = 0; bytes < 400; bytes++) {
      std::vector<uint8_t> payload(static_cast<size_t>(bytes));
      for (uint8_t& byte : payload) byte = static_cast<uint8_t>(random.below(256));
      const int samples = codec->decode(state.get(), payload.data(), bytes, pcm.data(),
                                        static_cast<int>(pcm.size()));
      EXPECT(t, samples >= -1 && samples <= codec::max_packet_samples);
      const int told = codec->packet_samples(payload.data(), bytes);
      EXPECT(t, samples < 0 || told == samples);
      // Exactly one sample too little room.
      if (samples > 0) {
        std::vector<int16_t> small(static_cast<size_t>(samples - 1));
        EXPECT(t, codec->decode(state.get(), payload.data(), bytes, small.data(), samples - 1) < 0);
      }
    }
  }
}
