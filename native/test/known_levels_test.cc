// Aim: what is known to be quiet is not decoded, and nobody hears a difference; levels and
// contributors stand in what we send. Method: the same conference with and without levels.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "rtp/header_extension.h"
#include "test/engine_fixture.h"
#include "test/engine_tests.h"

namespace {

using test::Fixture;
using test::Peer;

constexpr uint8_t kLevelId = 3;
constexpr uint8_t kMixLevelsId = 5;
constexpr int kQuietFrames = 150;
constexpr int kFrames = 220;

enum class Tells : uint8_t { nothing, level, lies };

/** A peer that says what the test gives it, through its codec, and says how loud it is. */
struct Speaker {
  const codec::Codec* codec;
  uint8_t type;
  std::vector<uint64_t> encoder;
  std::vector<uint64_t> decoder;
  Peer peer;
  std::vector<int16_t> heard;

  Speaker(abi::CodecKind kind, uint32_t index)
      : codec(engine::codec_of(kind)),
        type(Fixture::type_of(kind)),
        encoder(codec->encoder_bytes / 8 + 8),
        decoder(codec->decoder_bytes / 8 + 8),
        peer(Fixture::peer_of(index)) {
    if (codec->encoder_bytes > 0) codec->init_encoder(encoder.data(), codec::Params{});
    if (codec->decoder_bytes > 0) codec->init_decoder(decoder.data(), codec::Params{});
  }
  int frame() const { return codec->sample_rate_hz / 50; }

  void say(Fixture& f, uint32_t index, const int16_t* pcm, Tells tells) {
    uint8_t payload[1440];
    const int bytes = codec->encode(encoder.data(), pcm, frame(), payload, sizeof payload);
    const auto units = static_cast<uint32_t>(codec->rtp_clock_hz) / 50;
    double square = 0;
    for (int i = 0; i < frame(); i++) square += static_cast<double>(pcm[i]) * pcm[i];
    const double dbov = 10 * std::log10(square / frame() / (32768.0 * 32768.0) + 1e-13);
    uint8_t extension[rtp::kMaxExtensionBytes];
    rtp::Levels levels;
    levels.own_id = tells == Tells::nothing ? rtp::kNoExtension : kLevelId;
    levels.own.minus_dbov =
        tells == Tells::lies ? 127 : static_cast<uint8_t>(std::clamp(-dbov, 0.0, 127.0));
    f.send_extended(index, peer, type, payload, static_cast<size_t>(bytes), units, extension,
                    rtp::write_levels(extension, levels));
  }
  void listen(Fixture& f, uint32_t index) {
    rtp::Packet packet{};
    while (f.sent(index, packet)) {
      int16_t pcm[codec::max_packet_samples];
      const int samples =
          codec->decode(decoder.data(), packet.payload, static_cast<int>(packet.payload_bytes), pcm,
                        codec::max_packet_samples);
      if (samples > 0) heard.insert(heard.end(), pcm, pcm + samples);
    }
  }
};

/** Line noise of some -66 dBov or softer, with a syllable of 20 ms or speech of 600 ms in it. */
std::vector<int16_t> sound(int rate, int loud_frames, int noise_peak = 28) {
  test::Random random(17);
  std::vector<int16_t> pcm(static_cast<size_t>(rate / 50 * kFrames));
  const int begin = rate / 50 * kQuietFrames + rate / 200;
  const int end = begin + rate / 50 * loud_frames;
  for (int i = 0; i < static_cast<int>(pcm.size()); i++) {
    double value = random.below(2 * static_cast<uint32_t>(noise_peak) + 1) - noise_peak;
    if (i >= begin && i < end) {
      // A voice: harmonics of 150 Hz that begin within two milliseconds.
      const double t = static_cast<double>(i - begin) / rate;
      const double rise = std::min(1.0, t / 0.002) * std::min(1.0, (end - i) / (0.002 * rate));
      for (int k = 1; k <= 12; k++) {
        value += rise * 2500.0 / k * std::sin(2 * M_PI * 150 * k * t + k * k);
      }
    }
    pcm[static_cast<size_t>(i)] = static_cast<int16_t>(std::lround(value));
  }
  return pcm;
}

struct Outcome {
  std::vector<int16_t> heard;  // by a listener of PCMU or L16, so that only one codec is judged
  uint64_t skipped = 0;
  uint64_t mixed = 0;  // frames that listeners share
  int talk_ends = 0;
};

Outcome converse(abi::CodecKind kind, const std::vector<int16_t>& pcm, Tells tells, bool skipping) {
  Fixture f;
  Speaker speaker(kind, 0);
  Speaker ear(kind == abi::CodecKind::opus ? abi::CodecKind::opus : abi::CodecKind::g722, 1);
  f.open_conference(0);
  abi::ConfigureCommand parameters = f.parameters(0, 20, abi::Direction::sendrecv, kind);
  parameters.audio_level_receive_id = skipping ? kLevelId : 0;
  f.open_leg(0);
  f.command(parameters);
  f.open_leg(1);
  f.configure(1, 20, abi::Direction::sendrecv,
              kind == abi::CodecKind::opus ? abi::CodecKind::opus : abi::CodecKind::g722);
  for (uint32_t i = 0; i < 2; i++) {
    f.route(i, abi::RouteKind::conference, Fixture::handle(0));
  }
  int talk_ends = 0;
  const auto frame = static_cast<size_t>(speaker.frame());
  for (size_t n = 0; n < kFrames; n++) {
    f.period([&] { speaker.say(f, 0, pcm.data() + n * frame, tells); });
    ear.listen(f, 1);
    abi::TalkingEvent talking{};
    while (f.event(talking)) talk_ends += talking.talking == 0 ? 1 : 0;
  }
  return {ear.heard, f.context().count.frames_skipped, f.context().count.frames_mixed, talk_ends};
}

double energy(const std::vector<int16_t>& pcm, size_t from, size_t to) {
  double sum = 0;
  for (size_t i = from; i < std::min(to, pcm.size()); i++) {
    sum += static_cast<double>(pcm[i]) * pcm[i];
  }
  return sum;
}

int largest_step(const std::vector<int16_t>& pcm) {
  int most = 0;
  for (size_t i = 1; i < pcm.size(); i++) most = std::max(most, std::abs(pcm[i] - pcm[i - 1]));
  return most;
}

}  // namespace

void extensions_hostile(test::Context& t) {
  // One-byte form with two elements and padding between them; then every truncation of it.
  uint8_t bytes[64] = {0x90,      0, 0,    1,    0, 0, 0,    0, 0, 0,
                       0,         1, 0xbe, 0xde, 0, 2, 0x20, 9, 0, (kLevelId << 4),
                       0x80 | 33, 0, 0,    0};
  for (size_t count = 0; count <= 24; count++) {
    rtp::Packet packet{};
    rtp::AudioLevel level{};
    const bool valid = rtp::parse(bytes, count, packet);
    EXPECT_EQUAL(t, valid, count == 24);
    if (valid) EXPECT(t, rtp::read_audio_level(packet, kLevelId, level));
    if (valid) EXPECT_EQUAL(t, level.minus_dbov, 33);
    if (valid) EXPECT(t, level.voice);
    if (valid) EXPECT(t, !rtp::read_audio_level(packet, 0, level));
    if (valid) EXPECT(t, !rtp::read_audio_level(packet, 7, level));
  }
  // The two-byte form says the same.
  uint8_t two[24] = {0x90, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0x10, 0x05, 0, 1, kLevelId, 1, 12, 0};
  rtp::Packet packet{};
  rtp::AudioLevel level{};
  EXPECT(t, rtp::parse(two, 20, packet) && rtp::read_audio_level(packet, kLevelId, level));
  EXPECT_EQUAL(t, level.minus_dbov, 12);
  EXPECT(t, !level.voice);
  // Anything at all is read without leaving the packet (under ASan the heap block says so).
  test::Random random(3);
  for (int round = 0; round < 20000; round++) {
    const auto count = static_cast<size_t>(12 + random.below(40));
    std::vector<uint8_t> wild(count);
    for (uint8_t& byte : wild) byte = static_cast<uint8_t>(random.next() >> 40);
    wild[0] = static_cast<uint8_t>(0x90 | (wild[0] & 3));
    if (count >= 16 && random.below(2) == 0) {
      wild[12] = random.below(2) == 0 ? 0xbe : 0x10;
      wild[13] = wild[12] == 0xbe ? 0xde : 0x03;
      wild[14] = 0;
      wild[15] = static_cast<uint8_t>(random.below(9));
    }
    if (!rtp::parse(wild.data(), count, packet)) continue;
    uint8_t all[rtp::kMaxCsrc];
    for (uint8_t id = 0; id < 16; id++) {
      rtp::read_audio_level(packet, id, level);
      EXPECT(t, rtp::read_contributor_levels(packet, id, all) <= packet.csrc_count);
    }
  }
  // What is written is read back, in words, whatever is in it.
  for (uint8_t sources = 0; sources <= rtp::kMaxCsrc; sources++) {
    uint8_t levels_in[rtp::kMaxCsrc];
    for (uint8_t i = 0; i < sources; i++) levels_in[i] = static_cast<uint8_t>(3 * i);
    rtp::Levels levels;
    levels.own_id = kLevelId;
    levels.contributors_id = kMixLevelsId;
    levels.own = {77, true};
    levels.contributors = levels_in;
    levels.count = sources;
    uint8_t raw[rtp::kHeaderBytes + 4 * rtp::kMaxCsrc + rtp::kMaxExtensionBytes] = {};
    rtp::write_header(raw, {1, 2, 3, 4, sources, false, true});
    uint8_t* at = raw + rtp::kHeaderBytes + 4 * sources;
    const size_t length = rtp::write_levels(at, levels);
    EXPECT(t, length % 4 == 0 && length <= rtp::kMaxExtensionBytes);
    EXPECT(t, rtp::parse(raw, static_cast<size_t>(at + length - raw), packet));
    EXPECT_EQUAL(t, packet.payload_bytes, 0u);
    EXPECT(t, rtp::read_audio_level(packet, kLevelId, level));
    EXPECT_EQUAL(t, level.minus_dbov, 77);
    uint8_t levels_out[rtp::kMaxCsrc];
    EXPECT_EQUAL(t, rtp::read_contributor_levels(packet, kMixLevelsId, levels_out), sources);
    EXPECT(t, std::equal(levels_in, levels_in + sources, levels_out));
  }
}

void levels_first_syllable(test::Context& t) {
  for (const abi::CodecKind kind : {abi::CodecKind::opus, abi::CodecKind::g722}) {
    const int rate = engine::codec_of(kind)->sample_rate_hz;
    for (const int loud_frames : {1, 30}) {
      const std::vector<int16_t> pcm = sound(rate, loud_frames);
      const Outcome all = converse(kind, pcm, Tells::level, false);
      const Outcome some = converse(kind, pcm, Tells::level, true);
      // Of three seconds before the sound nearly nothing is decoded, but a frame each second.
      EXPECT_BETWEEN(t, some.skipped, 140, 200);
      EXPECT_EQUAL(t, all.heard.size(), some.heard.size());
      const auto frame = static_cast<size_t>(rate / 50);
      const size_t from = frame * kQuietFrames;
      const size_t to = from + frame * static_cast<size_t>(loud_frames + 4);
      std::vector<int16_t> difference(all.heard.size());
      for (size_t i = 0; i < difference.size(); i++) {
        difference[i] =
            static_cast<int16_t>(std::clamp(all.heard[i] - some.heard[i], -32768, 32767));
      }
      const double reference = energy(all.heard, from, to);
      EXPECT(t, reference > 1e6);
      const double ratio_db = 10 * std::log10(reference / (energy(difference, from, to) + 1));
      std::printf("    %s %d ms: %.1f dB, level %+.2f dB, steps %d and %d\n",
                  kind == abi::CodecKind::opus ? "opus" : "g722", loud_frames * 20, ratio_db,
                  10 * std::log10(energy(some.heard, from, to) / reference),
                  largest_step(all.heard), largest_step(some.heard));
      EXPECT_BETWEEN(t, 10 * std::log10(energy(some.heard, from, to) / reference), -0.8, 0.8);
      EXPECT(t, largest_step(some.heard) <= largest_step(all.heard) * 11 / 10);
    }
  }
}

void levels_pause_between_words(test::Context& t) {
  // Two words with 200 ms of next to nothing in between: less than a gate holds open.
  constexpr int kWord = 15, kPause = 10;
  for (const abi::CodecKind kind : {abi::CodecKind::opus, abi::CodecKind::g722}) {
    const int rate = engine::codec_of(kind)->sample_rate_hz;
    const auto frame = static_cast<size_t>(rate / 50);
    std::vector<int16_t> pcm = sound(rate, kWord, 12);
    const auto word = pcm.begin() + static_cast<std::ptrdiff_t>(frame * kQuietFrames);
    const auto length = static_cast<std::ptrdiff_t>(frame * (kWord + 1));
    std::copy(word, word + length, word + length + static_cast<std::ptrdiff_t>(frame * kPause));
    const Outcome all = converse(kind, pcm, Tells::level, false);
    const Outcome some = converse(kind, pcm, Tells::level, true);
    // Alone in a conference, who pauses makes no mix either.
    std::printf("    mixed %llu and %llu\n", static_cast<unsigned long long>(all.mixed),
                static_cast<unsigned long long>(some.mixed));
    EXPECT_BETWEEN(t, some.mixed, 2 * kWord, 2 * kWord + 20);
    EXPECT_EQUAL(t, some.talk_ends, 1);
    for (const size_t at : {frame * kQuietFrames, frame * (kQuietFrames + kWord + 1 + kPause)}) {
      const size_t to = at + frame * (kWord + 3);
      const double reference = energy(all.heard, at, to);
      EXPECT(t, reference > 1e6);
      EXPECT_BETWEEN(t, 10 * std::log10(energy(some.heard, at, to) / reference), -0.8, 0.8);
    }
    EXPECT(t, largest_step(some.heard) <= largest_step(all.heard) * 11 / 10);
  }
}

void levels_codec_flag(test::Context& t) {
  // Without any extension: SILK marks frames without voice.
  const std::vector<int16_t> pcm = sound(48000, 30);
  const Outcome outcome = converse(abi::CodecKind::opus, pcm, Tells::nothing, true);
  std::printf("    skipped %llu\n", static_cast<unsigned long long>(outcome.skipped));
  EXPECT_BETWEEN(t, outcome.skipped, 60, 200);
  const size_t from = 960 * kQuietFrames;
  EXPECT(t, energy(outcome.heard, from, from + 960 * 30) > 1e9);
}

void levels_liar_is_heard(test::Context& t) {
  const std::vector<int16_t> pcm = sound(16000, 60);
  const Outcome outcome = converse(abi::CodecKind::g722, pcm, Tells::lies, true);
  // A frame each second shows it; from there on nothing that it says counts.
  const size_t later = 320 * (kQuietFrames + 52);
  EXPECT(t, energy(outcome.heard, later, later + 320 * 5) > 1e8);
}

void levels_in_packets(test::Context& t) {
  Fixture f;
  f.open_conference(0);
  std::vector<Peer> peers;
  for (uint32_t i = 0; i < 4; i++) {
    f.open_leg(i);
    abi::ConfigureCommand parameters = f.parameters(i);
    parameters.audio_level_send_id = i == 3 ? 0 : kLevelId;
    parameters.mix_levels_send_id = i == 3 ? 0 : kMixLevelsId;
    f.command(parameters);
    f.route(i, abi::RouteKind::conference, Fixture::handle(0));
    peers.push_back(Fixture::peer_of(i));
  }
  int16_t loud[160], soft[160];
  for (int i = 0; i < 160; i++) {
    // Full-scale squares are at 0 dBov: these are at -20 and -40.
    loud[i] = static_cast<int16_t>(i / 8 % 2 == 0 ? 3277 : -3277);
    soft[i] = static_cast<int16_t>(i / 4 % 2 == 0 ? 328 : -328);
  }
  for (int n = 0; n < 30; n++) {
    if (n == 29) {
      for (uint32_t i = 0; i < 4; i++) f.drop_sent(i);
    }
    f.period([&] {
      f.send_frame(0, peers[0], loud);
      f.send_frame(1, peers[1], soft);
    });
  }
  rtp::Packet packet{};
  rtp::AudioLevel level{};
  uint8_t levels[rtp::kMaxCsrc];
  // A listener is told of both, the soft one of the loud one, and who did not ask of nothing.
  EXPECT(t, f.sent(2, packet));
  EXPECT_EQUAL(t, packet.payload_bytes, 160u);
  EXPECT_EQUAL(t, packet.csrc_count, 2);
  EXPECT_EQUAL(t, rtp::read_contributor_levels(packet, kMixLevelsId, levels), 2);
  for (uint8_t i = 0; i < 2; i++) {
    const bool is_loud = base::load_be32(packet.csrc + 4 * i) == 0x1000;
    EXPECT_BETWEEN(t, levels[i], is_loud ? 19 : 39, is_loud ? 21 : 41);
  }
  EXPECT(t, rtp::read_audio_level(packet, kLevelId, level));
  EXPECT_BETWEEN(t, level.minus_dbov, 19, 21);
  EXPECT(t, level.voice);
  EXPECT(t, f.sent(1, packet));
  EXPECT_EQUAL(t, packet.csrc_count, 1);
  EXPECT_EQUAL(t, rtp::read_contributor_levels(packet, kMixLevelsId, levels), 1);
  EXPECT_BETWEEN(t, levels[0], 19, 21);
  EXPECT(t, f.sent(3, packet));
  EXPECT_EQUAL(t, packet.csrc_count, 2);
  EXPECT(t, packet.extension == nullptr);
  EXPECT_EQUAL(t, packet.payload_bytes, 160u);
}

void levels_pass_relays(test::Context& t) {
  // What a caller tells passes to the mixer; of one who tells nothing, nothing is told: that it
  // were silent would keep it from being heard.
  for (const bool tells : {true, false}) {
    Fixture f;
    for (uint32_t i = 0; i < 2; i++) {
      f.open_leg(i);
      abi::ConfigureCommand parameters = f.parameters(i);
      const bool both = i == 1 || tells;
      parameters.audio_level_receive_id = both ? kLevelId : 0;
      parameters.mix_levels_receive_id = both ? kMixLevelsId : 0;
      parameters.audio_level_send_id = both ? kLevelId : 0;
      parameters.mix_levels_send_id = both ? kMixLevelsId : 0;
      f.command(parameters);
    }
    f.route(0, abi::RouteKind::relay, Fixture::handle(1));
    f.periods(5);
    const Peer from = Fixture::peer_of(0);
    for (uint16_t n = 0; n < 10; n++) {
      f.drop_sent(1);
      f.period([&] {
        uint8_t bytes[rtp::kHeaderBytes + 4 + rtp::kMaxExtensionBytes + 160] = {};
        rtp::write_header(bytes, {n * 160u, from.ssrc, n, 0, 1, false, tells});
        size_t count = rtp::kHeaderBytes;
        base::store_be32(bytes + count, 0x77);
        count += 4;
        if (tells) {
          const uint8_t contributor = 12;
          rtp::Levels levels;
          levels.own_id = kLevelId;
          levels.own = {33, true};
          levels.contributors_id = kMixLevelsId;
          levels.contributors = &contributor;
          levels.count = 1;
          count += rtp::write_levels(bytes + count, levels);
        }
        f.deliver(0, from.address, bytes, count + 160);
      });
    }
    rtp::Packet packet{};
    EXPECT(t, f.sent(1, packet));
    EXPECT_EQUAL(t, packet.payload_bytes, 160u);
    EXPECT_EQUAL(t, packet.csrc_count, 1);
    rtp::AudioLevel level{};
    uint8_t levels[rtp::kMaxCsrc];
    EXPECT_EQUAL(t, rtp::read_audio_level(packet, kLevelId, level), tells);
    EXPECT_EQUAL(t, rtp::read_contributor_levels(packet, kMixLevelsId, levels), tells ? 1 : 0);
    if (tells) EXPECT_EQUAL(t, level.minus_dbov, 33);
    if (tells) EXPECT_EQUAL(t, levels[0], 12);
  }
}
