// G.722: the standard's properties, and what the engine relies on. Method: signals through encoder
// and decoder; the vectorised zero section against its scalar definition; a digest of the bit
// stream, which was compared with an independent implementation when it was recorded.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <numbers>
#include <vector>

#include "codec/codec.h"
#include "codec/g722_interval.h"
#include "codec/g722_zeros.h"
#include "test/test.h"

namespace {

using codec::Codec;
using codec::Kind;

struct State {
  alignas(codec::state_alignment) unsigned char bytes[1024];
};

const Codec& g722() {
  return *codec::find(Kind::g722);
}

std::vector<int16_t> sine(int hz, double dbfs, int samples) {
  std::vector<int16_t> out(static_cast<size_t>(samples));
  for (int n = 0; n < samples; n++) {
    out[static_cast<size_t>(n)] = static_cast<int16_t>(std::lround(
        32767 * std::pow(10, dbfs / 20) * std::sin(2 * std::numbers::pi * hz * n / 16000)));
  }
  return out;
}

std::vector<uint8_t> encode(State& state, const std::vector<int16_t>& pcm) {
  std::vector<uint8_t> out(pcm.size() / 2);
  for (size_t at = 0; at < pcm.size(); at += 320) {
    g722().encode(state.bytes, pcm.data() + at, 320, out.data() + at / 2, 160);
  }
  return out;
}

std::vector<int16_t> decode(State& state, const std::vector<uint8_t>& payload) {
  std::vector<int16_t> out(payload.size() * 2);
  for (size_t at = 0; at < payload.size(); at += 160) {
    g722().decode(state.bytes, payload.data() + at, 160, out.data() + at * 2, 320);
  }
  return out;
}

// The delay of both filter banks together: 22 samples.
constexpr size_t kDelay = 22;

void tones_come_back(test::Context& t) {
  for (const int hz : {200, 440, 1000, 2500, 3900, 5000, 6500}) {
    State encoder, decoder;
    g722().init_encoder(encoder.bytes, {});
    g722().init_decoder(decoder.bytes, {});
    const auto in = sine(hz, -10, 16000);
    const auto out = decode(decoder, encode(encoder, in));
    double signal = 0, noise = 0;
    for (size_t n = 4000; n + kDelay < in.size(); n++) {
      signal += static_cast<double>(in[n]) * in[n];
      noise += std::pow(static_cast<double>(out[n + kDelay]) - in[n], 2);
    }
    const double snr_db = 10 * std::log10(signal / noise);
    // Two bits are all that the upper band has.
    EXPECT_BETWEEN(t, snr_db, hz < 4000 ? 20.0 : 7.0, 90.0);
  }
}

void vector_equals_scalar(test::Context& t) {
  test::Random random(3);
  for (int round = 0; round < 200; round++) {
    codec::subband::Zeros one{}, other{};
    for (int n = 0; n < 500; n++) {
      // As large as a difference ever gets, with zeros in between.
      const int difference = random.below(4) == 0 ? 0 : random.sample() >> random.below(15);
      EXPECT_EQUAL(t, codec::subband::update(one, difference),
                   codec::subband::update_scalar(other, difference));
      EXPECT(t, std::memcmp(&one, &other, sizeof one) == 0);
    }
  }
}

void vector_equals_scalar_at_the_ends(test::Context& t) {
  // Signs that differ, or agree, for as long as it takes a coefficient to reach its end, and back.
  for (const int period : {1, 2, 3, 4, 6, 12}) {
    codec::subband::Zeros one{}, other{};
    int least = 0;
    for (int n = 0; n < 20000; n++) {
      const int sign = (n / period) % 2 == 0 ? 1 : -1;
      const int difference = n > 12000 && n % 7 == 0 ? 0 : sign * (1 + n % 3000);
      EXPECT_EQUAL(t, codec::subband::update(one, difference),
                   codec::subband::update_scalar(other, difference));
      EXPECT(t, std::memcmp(&one, &other, sizeof one) == 0);
      least = std::min<int>(least, *std::min_element(other.coefficients, other.coefficients + 6));
    }
    EXPECT_EQUAL(t, least, period == 1 || period == 2 ? -32768 : least);
  }
}

void interval_equals_scalar(test::Context& t) {
  for (int scale = 32; scale <= 32767; scale += 1 + scale / 40) {
    for (int magnitude = 0; magnitude <= 32767; magnitude += 1 + magnitude / 60) {
      EXPECT_EQUAL(t, codec::subband::interval(magnitude, scale),
                   codec::subband::interval_scalar(magnitude, scale));
    }
  }
}

void copied_encoder_continues(test::Context& t) {
  State first, second;
  g722().init_encoder(first.bytes, {});
  test::Random random(5);
  std::vector<int16_t> pcm(320 * 100);
  for (int16_t& sample : pcm) sample = static_cast<int16_t>(random.sample() >> 3);
  for (size_t frame = 0; frame < 100; frame++) {
    uint8_t a[160], b[160];
    if (frame == 50) std::memcpy(second.bytes, first.bytes, g722().encoder_bytes);
    g722().encode(first.bytes, pcm.data() + frame * 320, 320, a, 160);
    if (frame < 50) continue;
    g722().encode(second.bytes, pcm.data() + frame * 320, 320, b, 160);
    EXPECT(t, std::memcmp(a, b, 160) == 0);
  }
}

// FNV-1a over the bit stream and over what it decodes to.
void bits_are_those_of_the_standard(test::Context& t) {
  State encoder, decoder;
  g722().init_encoder(encoder.bytes, {});
  g722().init_decoder(decoder.bytes, {});
  test::Random random(1);
  std::vector<int16_t> pcm(320 * 200);
  double low = 0;
  for (size_t n = 0; n < pcm.size(); n++) {
    // Coloured noise with loud and silent stretches.
    low += 0.2 * (random.sample() - low);
    const double gain =
        (n / 4000) % 4 == 3 ? 0.0 : std::pow(10, -static_cast<double>((n / 4000) % 4));
    pcm[n] =
        static_cast<int16_t>(std::lround(std::fmax(-32768, std::fmin(32767, 1.2 * gain * low))));
  }
  const auto hash = [](const unsigned char* bytes, size_t count) {
    uint32_t value = 2166136261u;
    for (size_t n = 0; n < count; n++) value = (value ^ bytes[n]) * 16777619u;
    return value;
  };
  const auto payload = encode(encoder, pcm);
  const auto back = decode(decoder, payload);
  EXPECT_EQUAL(t, hash(payload.data(), payload.size()), 622453174u);
  EXPECT_EQUAL(t, hash(reinterpret_cast<const unsigned char*>(back.data()), back.size() * 2),
               650576277u);
}

void any_payload_decodes_within_bounds(test::Context& t) {
  State decoder;
  g722().init_decoder(decoder.bytes, {});
  test::Random random(9);
  for (int round = 0; round < 2000; round++) {
    uint8_t payload[480];
    int16_t out[960];
    const int bytes = 1 + random.below(480);
    for (int n = 0; n < bytes; n++) payload[n] = static_cast<uint8_t>(random.next());
    EXPECT_EQUAL(t, g722().decode(decoder.bytes, payload, bytes, out, 960), 2 * bytes);
  }
  int16_t out[960];
  EXPECT_EQUAL(t, g722().decode(decoder.bytes, nullptr, 0, out, 960), -1);
  uint8_t payload[481] = {};
  EXPECT_EQUAL(t, g722().decode(decoder.bytes, payload, 481, out, 960), -1);
  EXPECT_EQUAL(t, g722().decode(decoder.bytes, payload, 160, out, 319), -1);
  int16_t pcm[321] = {};
  EXPECT_EQUAL(t, g722().encode(decoder.bytes, pcm, 321, payload, 480), -1);
}

constexpr test::Case cases[] = {
    {"g722: tones of both bands come back", tones_come_back},
    {"g722: the vectorised zero section equals the scalar one", vector_equals_scalar},
    {"g722: the vectorised zero section equals the scalar one at the ends of its range",
     vector_equals_scalar_at_the_ends},
    {"g722: the vectorised interval search equals the scalar one", interval_equals_scalar},
    {"g722: a copied encoder continues bit-exactly", copied_encoder_continues},
    {"g722: bit stream and audio are those recorded against another implementation",
     bits_are_those_of_the_standard},
    {"g722: any payload decodes within bounds, wrong lengths are refused",
     any_payload_decodes_within_bounds},
};

}  // namespace

int main(int argc, char** argv) {
  return test::run(cases, static_cast<int>(sizeof cases / sizeof cases[0]),
                   argc > 1 ? argv[1] : nullptr);
}
