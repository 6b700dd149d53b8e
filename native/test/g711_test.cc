// Aim: G.711 is exact. Method: all 65536 inputs and all 256 codes through every kernel table,
// against the decision and output values of ITU-T G.711 tables 1 and 2, written here as a search,
// not as bit tricks.
#include <cstdlib>
#include <initializer_list>

#include "codec/codec.h"
#include "dsp/kernels.h"
#include "test/audio_tests.h"

namespace {

// Output value of mu-law code magnitude 0..127 in 16-bit units (table 2, column 8, times 4).
int ulaw_output(int code) {
  const int segment = code / 16;
  const int step = code % 16;
  return (((2 * step + 33) << segment) - 33) * 4;
}

// Lowest magnitude that gives the code (table 2, column 3: decision values 1, 3 ... 31, 35 ...,
// times 4).
int ulaw_decision(int code) {
  const int segment = code / 16;
  const int step = code % 16;
  return code == 0 ? 0 : (((2 * step + 32) << segment) - 33) * 4;
}

// Output value of A-law code magnitude 0..127 in 16-bit units (table 1, column 8, times 8).
int alaw_output(int code) {
  const int segment = code / 16;
  const int step = code % 16;
  const int in_13_bits = segment == 0 ? 2 * step + 1 : (2 * step + 33) << (segment - 1);
  return in_13_bits * 8;
}

int alaw_decision(int code) {
  const int segment = code / 16;
  const int step = code % 16;
  return (segment == 0 ? 2 * step : (2 * step + 32) << (segment - 1)) * 8;
}

int search(int (*decision)(int), int magnitude) {
  int code = 127;
  while (decision(code) > magnitude) code--;
  return code;
}

struct AllSamples {
  int16_t pcm[65536];
  uint8_t codes[65536];
};

}  // namespace

void g711_ulaw_exhaustive(test::Context& t) {
  static AllSamples all;
  for (int i = 0; i < 65536; i++) all.pcm[i] = static_cast<int16_t>(i - 32768);
  const dsp::Kernels* tables[8];
  const int found = dsp::usable_kernels(tables, 8);
  for (int table = 0; table < found; table++) {
    tables[table]->encode_ulaw(all.codes, all.pcm, 65536);
    for (int i = 0; i < 65536; i++) {
      const int sample = all.pcm[i];
      const int code = search(ulaw_decision, std::abs(sample));
      const int expected = ~((sample < 0 ? 0x80 : 0) | code) & 0xFF;
      EXPECT_EQUAL(t, all.codes[i], expected);
    }
    uint8_t codes[256];
    int16_t pcm[256];
    for (int i = 0; i < 256; i++) codes[i] = static_cast<uint8_t>(i);
    tables[table]->decode_ulaw(pcm, codes, 256);
    for (int i = 0; i < 256; i++) {
      const int value = ulaw_output(~i & 0x7F);
      EXPECT_EQUAL(t, pcm[i], (i & 0x80) != 0 ? value : -value);
    }
  }
}

void g711_alaw_exhaustive(test::Context& t) {
  static AllSamples all;
  for (int i = 0; i < 65536; i++) all.pcm[i] = static_cast<int16_t>(i - 32768);
  const dsp::Kernels* tables[8];
  const int found = dsp::usable_kernels(tables, 8);
  for (int table = 0; table < found; table++) {
    tables[table]->encode_alaw(all.codes, all.pcm, 65536);
    for (int i = 0; i < 65536; i++) {
      const int sample = all.pcm[i];
      // No zero level: -1 is the mirror of 0.
      const int code = search(alaw_decision, sample < 0 ? -sample - 1 : sample);
      const int expected = ((sample < 0 ? 0 : 0x80) | code) ^ 0x55;
      EXPECT_EQUAL(t, all.codes[i], expected);
    }
    uint8_t codes[256];
    int16_t pcm[256];
    for (int i = 0; i < 256; i++) codes[i] = static_cast<uint8_t>(i);
    tables[table]->decode_alaw(pcm, codes, 256);
    for (int i = 0; i < 256; i++) {
      const int value = alaw_output((i ^ 0x55) & 0x7F);
      EXPECT_EQUAL(t, pcm[i], (i & 0x80) != 0 ? value : -value);
    }
  }
}

void g711_codes_survive(test::Context& t) {
  const dsp::Kernels& k = dsp::select_kernels();
  for (int i = 0; i < 256; i++) {
    const uint8_t code = static_cast<uint8_t>(i);
    int16_t sample = 0;
    uint8_t back = 0;
    k.decode_ulaw(&sample, &code, 1);
    k.encode_ulaw(&back, &sample, 1);
    // 0x7F is negative zero; it comes back as zero.
    EXPECT_EQUAL(t, back, code == 0x7F ? 0xFF : code);
    k.decode_alaw(&sample, &code, 1);
    k.encode_alaw(&back, &sample, 1);
    EXPECT_EQUAL(t, back, code);
  }
}

void g711_codec_bounds(test::Context& t) {
  for (const codec::Kind kind : {codec::Kind::pcmu, codec::Kind::pcma}) {
    const codec::Codec* codec = codec::find(kind);
    EXPECT(t, codec != nullptr);
    if (codec == nullptr) continue;
    int16_t pcm[160] = {};
    uint8_t payload[160] = {};
    EXPECT_EQUAL(t, codec->encode(nullptr, pcm, 160, payload, 160), 160);
    EXPECT_EQUAL(t, codec->encode(nullptr, pcm, 160, payload, 159), -1);
    EXPECT_EQUAL(t, codec->decode(nullptr, payload, 160, pcm, 160), 160);
    EXPECT_EQUAL(t, codec->decode(nullptr, payload, 160, pcm, 159), -1);
    EXPECT_EQUAL(t, codec->decode(nullptr, payload, 0, pcm, 160), -1);
    EXPECT_EQUAL(t, codec->packet_samples(payload, 160), 160);
    EXPECT(t, codec::find(kind, 16000) == nullptr && codec::find(kind, 8000) == codec);
  }
}
