// Aim: whole frames of continuous audio from packets, whatever is lost, late or paused. Method: a
// tone in PCMU packets through jitter::Playout in virtual time; steps and tone share of what comes
// out.
#include "jitter/playout.h"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <map>

#include "codec/codec.h"
#include "test/audio_tests.h"
#include "test/signals.h"

namespace {

constexpr int64_t ms = 1'000'000;

int decode(void* self, uint8_t payload_type, const uint8_t* payload, int bytes, int16_t* pcm,
           int capacity) {
  if (payload_type != 0) return -1;
  ++*static_cast<int*>(self);
  return codec::find(codec::Kind::pcmu)->decode(nullptr, payload, bytes, pcm, capacity);
}

struct Line {
  explicit Line(int packet_ms) : packet_samples(packet_ms * 8) {
    jitter::PlayoutConfig config;
    config.buffer.slot_bytes = 480;
    memory.resize(jitter::Playout::bytes_for(config) / 16 + 1);
    valid = playout.init(memory.data(), config, {&decoded, decode, nullptr, nullptr, nullptr}, 1);
    tone = test::sine(8000, 200, 8000, 8000 * 40);
  }

  // Sends for this long; delay(i) < 0 loses packet i.
  template <typename Delay>
  void run(int64_t duration_ms, Delay delay) {
    const int64_t end_ns = now_ns + duration_ms * ms;
    while (now_ns < end_ns) {
      now_ns += 20 * ms;
      while (int64_t{sent} * packet_samples * 125'000 + 3 * ms <= now_ns) {
        send(int64_t{sent} * packet_samples * 125'000 + 3 * ms, delay(sent));
        sent++;
      }
      while (!in_flight.empty() && in_flight.begin()->first <= now_ns) {
        jitter::Packet packet = in_flight.begin()->second.packet;
        packet.payload = in_flight.begin()->second.payload.data();
        packet.arrival_ns = in_flight.begin()->first;
        playout.insert(packet);
        in_flight.erase(in_flight.begin());
      }
      int16_t frame[160];
      const jitter::FrameKind kind = playout.frame(now_ns, frame);
      kinds[static_cast<size_t>(kind)]++;
      out.insert(out.end(), frame, frame + 160);
    }
  }

  void send(int64_t at_ns, int64_t delay_ms) {
    if (delay_ms < 0) return;
    Flight flight;
    flight.packet.sequence = static_cast<uint16_t>(sent);
    flight.packet.timestamp = static_cast<uint32_t>(sent * packet_samples);
    flight.packet.ssrc = 5;
    flight.packet.bytes = packet_samples;
    flight.payload.resize(static_cast<size_t>(packet_samples));
    const size_t at = static_cast<size_t>(sent * packet_samples) % (tone.size() - 480);
    codec::find(codec::Kind::pcmu)
        ->encode(nullptr, tone.data() + at, packet_samples, flight.payload.data(), packet_samples);
    in_flight.emplace(at_ns + delay_ms * ms, flight);
  }

  std::vector<int16_t> tail(int64_t last_ms) const {
    return std::vector<int16_t>(out.end() - last_ms * 8, out.end());
  }

  struct Flight {
    jitter::Packet packet{};
    std::vector<uint8_t> payload;
  };
  struct alignas(16) Block {
    char bytes[16];
  };
  int packet_samples;
  bool valid = false;
  int decoded = 0;
  int sent = 0;
  int64_t now_ns = 0;
  int64_t kinds[4] = {};
  std::vector<Block> memory;
  std::vector<int16_t> tone;
  std::vector<int16_t> out;
  std::multimap<int64_t, Flight> in_flight;
  jitter::Playout playout;
};

}  // namespace

void playout_clean(test::Context& t) {
  // R11: the tone comes through without a single step, for every packet length.
  for (const int packet_ms : {10, 20, 30, 40, 60}) {
    Line line(packet_ms);
    EXPECT(t, line.valid);
    line.run(20'000, [](int) { return 0; });
    const std::vector<int16_t> heard = line.tail(19'000);
    EXPECT(t, test::largest_step(heard) <= 1700);
    EXPECT(t, test::tone_share(heard, 8000, 200) > 0.998);
    EXPECT_EQUAL(t, line.kinds[1], 0);
    EXPECT_BETWEEN(t, line.kinds[3], 0, 3);
  }
}

void playout_losses(test::Context& t) {
  test::Random random(4);
  Line line(20);
  line.run(20'000, [&](int) { return random.below(20) == 0 ? -1 : random.below(4); });
  const std::vector<int16_t> heard = line.tail(19'000);
  EXPECT(t, test::largest_step(heard) <= 2000);
  EXPECT(t, test::tone_share(heard, 8000, 200) > 0.97);
  EXPECT_BETWEEN(t, line.kinds[1], 30, 70);
}

void playout_shrinks(test::Context& t) {
  // Delay that a bad minute left behind is squeezed out of a steady tone, without a step.
  test::Random random(8);
  Line line(20);
  line.run(10'000, [&](int) { return random.below(100); });
  const auto before = line.playout.statistics();
  EXPECT(t, before.delay_ns > 25 * ms);
  line.run(5'000, [](int) { return 0; });
  const auto after = line.playout.statistics();
  EXPECT(t, after.delay_ns <= 26 * ms);
  EXPECT_EQUAL(t, after.discarded - before.discarded, 0u);
  const std::vector<int16_t> heard = line.tail(4'900);
  EXPECT(t, test::largest_step(heard) <= 2200);
  EXPECT(t, test::tone_share(line.tail(1'000), 8000, 200) > 0.998);
}

void playout_comfort_noise(test::Context& t) {
  Line line(20);
  line.run(1'000, [](int) { return 0; });
  jitter::Packet packet{};
  const uint8_t descriptor[1] = {40};
  packet.sequence = static_cast<uint16_t>(line.sent);
  packet.timestamp = static_cast<uint32_t>(line.sent * 160);
  packet.ssrc = 5;
  packet.comfort_noise = true;
  packet.payload_type = 13;
  packet.payload = descriptor;
  packet.bytes = 1;
  packet.arrival_ns = line.now_ns;
  line.playout.insert(packet);
  int noise = 0;
  std::vector<int16_t> heard;
  for (int i = 0; i < 100; i++) {
    line.now_ns += 20 * ms;
    int16_t frame[160];
    if (line.playout.frame(line.now_ns, frame) == jitter::FrameKind::noise) noise++;
    if (i >= 10) heard.insert(heard.end(), frame, frame + 160);
  }
  EXPECT(t, noise >= 98);
  const double dbov =
      20 * std::log10(test::rms(heard.data(), static_cast<int>(heard.size())) / 32768);
  EXPECT_BETWEEN(t, dbov, -41, -39);
}

void playout_undecodable(test::Context& t) {
  // A payload type that the decoder refuses is filled in like a loss; nothing stops.
  Line line(20);
  line.run(1'000, [](int) { return 0; });
  const int decoded = line.decoded;
  const uint8_t payload[160] = {};
  for (int i = 0; i < 50; i++) {
    jitter::Packet packet{};
    packet.sequence = static_cast<uint16_t>(line.sent + i);
    packet.timestamp = static_cast<uint32_t>((line.sent + i) * 160);
    packet.ssrc = 5;
    packet.payload_type = 99;
    packet.payload = payload;
    packet.bytes = 160;
    packet.arrival_ns = line.now_ns + 3 * ms;
    line.playout.insert(packet);
    line.now_ns += 20 * ms;
    int16_t frame[160];
    line.playout.frame(line.now_ns, frame);
  }
  EXPECT(t, line.decoded <= decoded + 1);
  EXPECT(t, line.playout.queued_samples() < 160);
}

namespace {

struct OpusLine {
  const codec::Codec* codec = codec::find(codec::Kind::opus, 16000);
  std::vector<std::max_align_t> decoder{codec->decoder_bytes / sizeof(std::max_align_t) + 1};
  int recovered = 0;
  int concealed = 0;

  static OpusLine* of(void* self) { return static_cast<OpusLine*>(self); }
  static int decode(void* self, uint8_t, const uint8_t* payload, int bytes, int16_t* pcm,
                    int capacity) {
    return of(self)->codec->decode(of(self)->decoder.data(), payload, bytes, pcm, capacity);
  }
  static int conceal(void* self, int16_t* pcm, int samples) {
    of(self)->concealed++;
    return of(self)->codec->conceal(of(self)->decoder.data(), pcm, samples);
  }
  static int recover(void* self, uint8_t, const uint8_t* payload, int bytes, int16_t* pcm,
                     int samples) {
    const int made =
        of(self)->codec->recover(of(self)->decoder.data(), payload, bytes, pcm, samples);
    if (made > 0) of(self)->recovered++;
    return made;
  }
  static void restart(void* self) {
    of(self)->codec->init_decoder(of(self)->decoder.data(), codec::Params{});
  }
};

}  // namespace

namespace {

// Speech-like audio through Opus with every seventh packet lost (or none); all that was heard.
std::vector<int16_t> through_opus(test::Context& t, OpusLine& line, bool loses, bool recovers) {
  jitter::PlayoutConfig config;
  config.sample_rate_hz = 16000;
  config.frame_samples = 320;
  config.buffer.clock_hz = 48000;
  config.buffer.slot_bytes = 400;
  std::vector<Line::Block> memory(jitter::Playout::bytes_for(config) / 16 + 1);
  jitter::Playout playout;
  EXPECT(t, playout.init(memory.data(), config,
                         {&line, OpusLine::decode, OpusLine::conceal,
                          recovers ? OpusLine::recover : nullptr, OpusLine::restart},
                         1));
  std::vector<std::max_align_t> encoder(line.codec->encoder_bytes / sizeof(std::max_align_t) + 1);
  line.codec->init_encoder(encoder.data(),
                           {.bitrate_bps = 32000, .fec = true, .expected_loss_percent = 25});
  // Words with pauses; pitch and loudness change from one to the next.
  std::vector<int16_t> voice;
  for (int word = 0; voice.size() < 320 * 1000; word++) {
    const auto part = test::pulses(16000, 100 + word * 37 % 90, 3000 + word * 53 % 9000,
                                   3200 + word * 997 % 3200);
    voice.insert(voice.end(), part.begin(), part.end());
    voice.resize(voice.size() + 2400);
  }
  std::vector<int16_t> heard;
  for (int i = 0; i < 990; i++) {
    uint8_t payload[400];
    jitter::Packet packet{};
    packet.bytes = line.codec->encode(encoder.data(), voice.data() + i * 320, 320, payload, 400);
    packet.sequence = static_cast<uint16_t>(i);
    packet.timestamp = static_cast<uint32_t>(i * 960);
    packet.payload = payload;
    packet.arrival_ns = i * 20 * ms;
    if (!loses || i % 7 != 5) playout.insert(packet);
    int16_t frame[320];
    playout.frame(i * 20 * ms + 10 * ms, frame);
    heard.insert(heard.end(), frame, frame + 320);
  }
  return heard;
}

// Mean difference of the levels of frames in dB, over the second half, at the best delay of up to
// 80 ms.
double level_difference(const std::vector<int16_t>& a, const std::vector<int16_t>& b) {
  double best = 1e9;
  for (int delay = 0; delay <= 1280; delay += 16) {
    double sum = 0;
    int count = 0;
    for (size_t at = a.size() / 2; at + 320 < a.size(); at += 320) {
      const double x = test::rms(a.data() + at - delay, 320);
      const double y = test::rms(b.data() + at, 320);
      sum += std::fabs(20 * std::log10((x + 10) / (y + 10)));
      count++;
    }
    best = std::fmin(best, sum / count);
  }
  return best;
}

}  // namespace

void playout_opus_redundancy(test::Context& t) {
  // Under loss the delay grows by a packet; then redundancy fills the holes better than
  // concealment.
  OpusLine clean;
  OpusLine concealing;
  OpusLine recovering;
  const std::vector<int16_t> wanted = through_opus(t, clean, false, false);
  const double concealed = level_difference(wanted, through_opus(t, concealing, true, false));
  const double recovered = level_difference(wanted, through_opus(t, recovering, true, true));
  std::printf("  opus, one packet of seven lost: levels off by %.2f dB, with redundancy %.2f dB\n",
              concealed, recovered);
  EXPECT_EQUAL(t, clean.concealed, 0);
  EXPECT(t, concealing.concealed >= 139);
  EXPECT(t, recovering.recovered > 60);
  EXPECT(t, recovered < concealed * 0.7);
}
