// Aim: our codecs are those of the standards, not merely consistent with themselves. Method: other
// people's implementations, where the machine has them (libspandsp, libopus as Debian builds it),
// run over the same signals: those of ITU-T G.722 appendix II in kind (tones, direct current, noise
// at several levels, overflow, every code in every order), all of G.711, and Opus in every mode and
// frame length. Loaded at run time, so that nothing depends on them; without one its tests say so.
#include <dlfcn.h>
#include <opus.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "codec/codec.h"
#include "dsp/kernels.h"
#include "test/signals.h"
#include "test/test.h"

namespace {

using Pcm = std::vector<int16_t>;
using Bytes = std::vector<uint8_t>;

/** A library that may not be there. */
class Library {
 public:
  explicit Library(const char* name) : handle_(dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) std::printf("  SKIPPED, as %s is not installed\n", name);
  }
  bool there() const { return handle_ != nullptr; }
  template <class Function>
  Function* function(const char* name) const {
    void* found = handle_ == nullptr ? nullptr : dlsym(handle_, name);
    if (found == nullptr && handle_ != nullptr) std::abort();
    Function* typed;
    static_assert(sizeof typed == sizeof found);
    std::memcpy(&typed, &found, sizeof typed);
    return typed;
  }

 private:
  void* handle_;
};

struct State {
  explicit State(size_t bytes) : lines(bytes / sizeof(Line) + 1) {}
  struct alignas(codec::state_alignment) Line {
    unsigned char bytes[codec::state_alignment];
  };
  std::vector<Line> lines;
  void* at() { return lines.data(); }
};

void g711_equals_spandsp(test::Context& t) {
  const Library spandsp("libspandsp.so.2");
  if (!spandsp.there()) return;
  const auto init = spandsp.function<void*(void*, int)>("g711_init");
  const auto encode = spandsp.function<int(void*, uint8_t*, const int16_t*, int)>("g711_encode");
  const auto decode = spandsp.function<int(void*, int16_t*, const uint8_t*, int)>("g711_decode");
  Pcm all(65536);
  for (int i = 0; i < 65536; i++) all[static_cast<size_t>(i)] = static_cast<int16_t>(i - 32768);
  Bytes codes(256);
  for (int i = 0; i < 256; i++) codes[static_cast<size_t>(i)] = static_cast<uint8_t>(i);
  for (const bool alaw : {true, false}) {
    const dsp::Kernels& kernels = dsp::select_kernels();
    void* state = init(nullptr, alaw ? 0 : 1);
    Pcm theirs(256), ours(256);
    decode(state, theirs.data(), codes.data(), 256);
    (alaw ? kernels.decode_alaw : kernels.decode_ulaw)(ours.data(), codes.data(), 256);
    EXPECT(t, theirs == ours);
    Bytes their_codes(all.size()), our_codes(all.size());
    encode(state, their_codes.data(), all.data(), 65536);
    (alaw ? kernels.encode_alaw : kernels.encode_ulaw)(our_codes.data(), all.data(), 65536);
    // Both may take either neighbour at a decision value, and the two codes of silence.
    int differing = 0;
    for (size_t i = 0; i < all.size(); i++) {
      if (their_codes[i] == our_codes[i]) continue;
      differing++;
      int16_t pair[2];
      const uint8_t two[2] = {their_codes[i], our_codes[i]};
      (alaw ? kernels.decode_alaw : kernels.decode_ulaw)(pair, two, 2);
      EXPECT_EQUAL(t, std::abs(pair[0] - all[i]), std::abs(pair[1] - all[i]));
    }
    std::printf("  g711: %s-law, %d of 65536 inputs rounded the other way\n", alaw ? "A" : "mu",
                differing);
  }
}

/** The kinds of table II-2 and II-3 of G.722: 20 ms frames at 16 kHz. */
std::vector<Pcm> g722_inputs() {
  std::vector<Pcm> inputs;
  const auto add = [&](auto sample) {
    Pcm pcm(320 * 150);
    for (size_t n = 0; n < pcm.size(); n++) {
      pcm[n] = static_cast<int16_t>(std::lround(std::clamp(sample(n), -32768.0, 32767.0)));
    }
    inputs.push_back(std::move(pcm));
  };
  for (const double hz : {35.0, 300.0, 1000.0, 3504.0, 4000.0, 6000.0, 7900.0}) {
    for (const double amplitude : {32767.0, 8000.0, 300.0, 12.0}) {
      add([=](size_t n) {
        return amplitude * std::sin(2 * test::pi * hz * static_cast<double>(n) / 16000);
      });
    }
  }
  for (const double level : {0.0, 1.0, -1.0, 2000.0, -32768.0, 32767.0}) {
    add([=](size_t) { return level; });
  }
  for (const double amplitude : {32768.0, 4000.0, 200.0, 10.0}) {
    add([=, random = test::Random(static_cast<uint64_t>(amplitude))](size_t) mutable {
      return amplitude * (2 * random.unit() - 1);
    });
  }
  // Overflow: full scale, turned over at several rates, with silence in between.
  for (const size_t half : {1u, 2u, 3u, 8u, 50u}) {
    add([=](size_t n) {
      return (n / 2000) % 3 == 2 ? 0.0 : (n / half) % 2 == 0 ? 32767.0 : -32768.0;
    });
  }
  return inputs;
}

void g722_equals_spandsp(test::Context& t) {
  const Library spandsp("libspandsp.so.2");
  if (!spandsp.there()) return;
  const auto encode_init = spandsp.function<void*(void*, int, int)>("g722_encode_init");
  const auto decode_init = spandsp.function<void*(void*, int, int)>("g722_decode_init");
  const auto encode = spandsp.function<int(void*, uint8_t*, const int16_t*, int)>("g722_encode");
  const auto decode = spandsp.function<int(void*, int16_t*, const uint8_t*, int)>("g722_decode");
  const codec::Codec& ours = *codec::find(codec::Kind::g722);
  const auto decodes_alike = [&](const Bytes& payload) {
    void* theirs = decode_init(nullptr, 64000, 0);
    State state(ours.decoder_bytes);
    ours.init_decoder(state.at(), {});
    Pcm expected(payload.size() * 2), got(payload.size() * 2);
    for (size_t at = 0; at + 160 <= payload.size(); at += 160) {
      decode(theirs, expected.data() + 2 * at, payload.data() + at, 160);
      ours.decode(state.at(), payload.data() + at, 160, got.data() + 2 * at, 320);
    }
    for (size_t n = 0; n < got.size(); n++) {
      if (expected[n] == got[n]) continue;
      // The standard limits what leaves the receive filter (block LIMIT of section 4.4); spandsp
      // 0.0.6 wraps.
      EXPECT_EQUAL(t, got[n], got[n] > 0 ? 32767 : -32768);
    }
  };
  for (const Pcm& pcm : g722_inputs()) {
    void* theirs = encode_init(nullptr, 64000, 0);
    State state(ours.encoder_bytes);
    ours.init_encoder(state.at(), {});
    Bytes expected(pcm.size() / 2), got(pcm.size() / 2);
    for (size_t at = 0; at < pcm.size(); at += 320) {
      encode(theirs, expected.data() + at / 2, pcm.data() + at, 320);
      ours.encode(state.at(), pcm.data() + at, 320, got.data() + at / 2, 160);
    }
    EXPECT(t, expected == got);
    decodes_alike(expected);
  }
  // The artificial sequence of the appendix: codes that no encoder would send one after another.
  test::Random random(722);
  Bytes codes(160 * 400);
  for (size_t n = 0; n < codes.size(); n++) {
    const size_t part = n / (160 * 100);
    codes[n] = static_cast<uint8_t>(part == 0   ? n
                                    : part == 1 ? n * 37
                                    : part == 2 ? (n % 2 == 0 ? 0x3f : 0xc1)
                                                : random.next() >> 40);
  }
  decodes_alike(codes);
}

/** The other libopus. */
struct Opus {
  explicit Opus(const Library& library)
      : make_encoder(
            library.function<OpusEncoder*(opus_int32, int, int, int*)>("opus_encoder_create")),
        control(library.function<int(OpusEncoder*, int, ...)>("opus_encoder_ctl")),
        encode(library.function<opus_int32(OpusEncoder*, const opus_int16*, int, unsigned char*,
                                           opus_int32)>("opus_encode")),
        free_encoder(library.function<void(OpusEncoder*)>("opus_encoder_destroy")),
        make_decoder(library.function<OpusDecoder*(opus_int32, int, int*)>("opus_decoder_create")),
        decode(library.function<int(OpusDecoder*, const unsigned char*, opus_int32, opus_int16*,
                                    int, int)>("opus_decode")),
        free_decoder(library.function<void(OpusDecoder*)>("opus_decoder_destroy")) {}

  OpusEncoder* (*make_encoder)(opus_int32, int, int, int*);
  int (*control)(OpusEncoder*, int, ...);
  opus_int32 (*encode)(OpusEncoder*, const opus_int16*, int, unsigned char*, opus_int32);
  void (*free_encoder)(OpusEncoder*);
  OpusDecoder* (*make_decoder)(opus_int32, int, int*);
  int (*decode)(OpusDecoder*, const unsigned char*, opus_int32, opus_int16*, int, int);
  void (*free_decoder)(OpusDecoder*);
};

struct OpusCase {
  int application;
  int bandwidth;
  int bitrate;
  int frame_samples;
  int channels;
};

/** A voice-like signal: harmonics that glide, noise, pauses. */
Pcm speech_like(int channels, int seconds) {
  Pcm pcm(static_cast<size_t>(48000 * seconds * channels));
  test::Random random(48);
  double phase = 0;
  for (int n = 0; n < 48000 * seconds; n++) {
    phase += 2 * test::pi * (120 + 40 * std::sin(n / 9000.0)) / 48000;
    double sample = 0;
    for (int harmonic = 1; harmonic < 30; harmonic++) {
      sample += std::sin(phase * harmonic) / harmonic;
    }
    sample = 4000 * sample + 600 * (2 * random.unit() - 1);
    if ((n / 12000) % 4 == 3) sample *= 0.001;
    for (int c = 0; c < channels; c++) {
      pcm[static_cast<size_t>(n * channels + c)] =
          static_cast<int16_t>(std::lround(sample * (c == 0 ? 1.0 : 0.6)));
    }
  }
  return pcm;
}

/** Ratio of signal to difference in dB; 200 when there is none. */
double agreement_db(const Pcm& expected, const Pcm& got) {
  double signal = 0;
  double difference = 0;
  for (size_t n = 0; n < expected.size(); n++) {
    signal += static_cast<double>(expected[n]) * expected[n];
    difference += std::pow(static_cast<double>(expected[n]) - got[n], 2);
  }
  return difference == 0 ? 200 : 10 * std::log10(signal / difference);
}

double decode_both(test::Context& t, const Opus& other, const OpusCase& each) {
  int error = 0;
  OpusEncoder* encoder = other.make_encoder(48000, each.channels, each.application, &error);
  other.control(encoder, OPUS_SET_BITRATE_REQUEST, each.bitrate);
  other.control(encoder, OPUS_SET_BANDWIDTH_REQUEST, each.bandwidth);
  other.control(encoder, OPUS_SET_INBAND_FEC_REQUEST, 1);
  other.control(encoder, OPUS_SET_PACKET_LOSS_PERC_REQUEST, 10);
  OpusDecoder* theirs = other.make_decoder(48000, 1, &error);
  const codec::Codec& ours = *codec::find(codec::Kind::opus, 48000);
  State state(ours.decoder_bytes);
  ours.init_decoder(state.at(), {});
  const Pcm pcm = speech_like(each.channels, 3);
  Pcm expected, got;
  const auto step = static_cast<size_t>(each.frame_samples * each.channels);
  for (size_t at = 0; at + step <= pcm.size(); at += step) {
    unsigned char payload[1500];
    const int bytes =
        other.encode(encoder, pcm.data() + at, each.frame_samples, payload, sizeof payload);
    EXPECT(t, bytes > 0);
    opus_int16 one[5760], two[5760];
    const int samples = other.decode(theirs, payload, bytes, one, 5760, 0);
    EXPECT_EQUAL(t, ours.decode(state.at(), payload, bytes, two, 5760), samples);
    EXPECT_EQUAL(t, samples, each.frame_samples);
    expected.insert(expected.end(), one, one + samples);
    got.insert(got.end(), two, two + samples);
  }
  other.free_encoder(encoder);
  other.free_decoder(theirs);
  return agreement_db(expected, got);
}

void opus_equals_libopus(test::Context& t) {
  const Library library("libopus.so.0");
  if (!library.there()) return;
  const Opus other(library);
  constexpr int kVoip = OPUS_APPLICATION_VOIP;
  constexpr int kAudio = OPUS_APPLICATION_AUDIO;
  constexpr int kCelt = OPUS_APPLICATION_RESTRICTED_LOWDELAY;
  double worst = 200;
  int cases = 0;
  for (const int application : {kVoip, kAudio, kCelt}) {
    for (const int bandwidth : {OPUS_BANDWIDTH_NARROWBAND, OPUS_BANDWIDTH_WIDEBAND,
                                OPUS_BANDWIDTH_SUPERWIDEBAND, OPUS_BANDWIDTH_FULLBAND}) {
      for (const int frame : {120, 240, 480, 960, 1920, 2880}) {
        for (const int channels : {1, 2}) {
          const int bitrate = bandwidth <= OPUS_BANDWIDTH_WIDEBAND ? 16000 : 40000;
          worst = std::min(
              worst, decode_both(t, other, {application, bandwidth, bitrate, frame, channels}));
          cases++;
        }
      }
    }
  }
  std::printf("  opus: %d streams, worst agreement %.1f dB\n", cases, worst);
  // SILK is exact by the standard; CELT in floating point may round differently by an instruction
  // set.
  EXPECT(t, worst > 70);
}

constexpr test::Case cases[] = {
    {"reference: G.711 equals libspandsp over all inputs and codes", g711_equals_spandsp},
    {"reference: G.722 equals libspandsp bit for bit", g722_equals_spandsp},
    {"reference: Opus decodes as libopus in every mode and frame length", opus_equals_libopus},
};

}  // namespace

int main(int argc, char** argv) {
  return test::run(cases, static_cast<int>(sizeof cases / sizeof cases[0]),
                   argc > 1 ? argv[1] : nullptr);
}
