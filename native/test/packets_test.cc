// Aim: packets of every length leave when they should, silence is left out where the peer agreed,
// and noise and redundancy that the peer sends are used. Method: peers in memory, virtual time.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "codec/opus_packet.h"
#include "test/engine_fixture.h"
#include "test/engine_tests.h"

namespace {

using test::Fixture;
using test::Peer;

struct Memory {
  std::vector<uint64_t> words;
  explicit Memory(size_t bytes) : words(bytes / 8 + 8) {}
  void* state() { return words.data(); }
};

/** A voice-like signal at 48 kHz: harmonics that come and go. */
std::vector<int16_t> voice(int frames, int rate = 48000) {
  std::vector<int16_t> pcm(static_cast<size_t>(frames * rate / 50));
  for (size_t i = 0; i < pcm.size(); i++) {
    const double t = static_cast<double>(i) / rate;
    const double envelope = 0.55 - 0.45 * std::cos(2 * M_PI * 3 * t);
    const double pitch = 2 * M_PI * (140 * t - 8 * std::cos(2 * M_PI * 1.3 * t));
    double value = 0;
    for (int k = 1; k <= 14; k++) value += std::sin(k * pitch + k * k) / k;
    pcm[i] = static_cast<int16_t>(std::lround(4500 * envelope * value));
  }
  return pcm;
}

}  // namespace

void packets_opus_lengths(test::Context& t) {
  for (const int ptime : {10, 20, 40, 60}) {
    Fixture f;
    f.open_leg(0);
    f.configure(0, static_cast<uint8_t>(ptime), abi::Direction::sendrecv, abi::CodecKind::opus);
    f.route(0, abi::RouteKind::echo);
    const codec::Codec* opus = engine::codec_of(abi::CodecKind::opus);
    Memory encoder(opus->encoder_bytes);
    opus->init_encoder(encoder.state(), codec::Params{});
    Peer peer = Fixture::peer_of(0);
    const std::vector<int16_t> pcm = voice(100);
    rtp::Packet packet{};
    rtp::Packet last{};
    std::vector<int64_t> times;
    int odd = 0;
    for (size_t n = 0; n < 100; n++) {
      uint8_t payload[1440];
      const int bytes = opus->encode(encoder.state(), pcm.data() + n * 960, 960, payload, 1440);
      f.send(0, peer, 111, payload, static_cast<size_t>(bytes), 960);
      for (uint32_t phase = 0; phase < engine::kPhases; phase++) {
        const int64_t now = f.now;
        f.step();
        while (f.sent(0, packet)) {
          const int samples =
              opus->packet_samples(packet.payload, static_cast<int>(packet.payload_bytes));
          // Where the encoder changes its mode, what was held goes earlier.
          if (samples != ptime * 48) odd++;
          if (!times.empty()) {
            EXPECT_EQUAL(t, static_cast<uint16_t>(packet.sequence - last.sequence), 1);
            EXPECT(t, packet.timestamp - last.timestamp <= static_cast<uint32_t>(ptime) * 48);
          }
          last = packet;
          times.push_back(now);
        }
      }
    }
    EXPECT_BETWEEN(t, odd, 0, 6);
    EXPECT_BETWEEN(t, times.size(), 2000 / ptime - 7, 2000 / ptime + 6);
    for (size_t i = 1; i < times.size() && odd == 0; i++) {
      EXPECT_EQUAL(t, times[i] - times[i - 1], int64_t{ptime} * 1'000'000);
    }
  }
}

void packets_linear_48k(test::Context& t) {
  Fixture f;
  f.open_leg(0);
  abi::ConfigureCommand parameters =
      f.parameters(0, 20, abi::Direction::sendrecv, abi::CodecKind::l16);
  parameters.send_rate_khz = 48;
  parameters.send_payload_type = 97;
  parameters.receive_count = 1;
  parameters.receive_codecs[0] = static_cast<uint8_t>(abi::CodecKind::l16);
  parameters.receive_rates_khz[0] = 48;
  parameters.receive_payload_types[0] = 97;
  f.command(parameters);
  f.route(0, abi::RouteKind::echo);
  Peer peer = Fixture::peer_of(0);
  const std::vector<int16_t> pcm = voice(60);
  std::vector<int16_t> heard;
  for (size_t n = 0; n < 120; n++) {
    uint8_t payload[960];
    for (size_t i = 0; i < 480; i++) {
      base::store_be16(payload + 2 * i, static_cast<uint16_t>(pcm[n * 480 + i]));
    }
    f.send(0, peer, 97, payload, sizeof payload, 480);
    for (uint32_t phase = 0; phase < engine::kPhases / 2; phase++) f.step();
    rtp::Packet packet{};
    int packets = 0;
    while (f.sent(0, packet)) {
      EXPECT_EQUAL(t, packet.payload_bytes, 960u);
      packets++;
      for (size_t i = 0; i < 480; i++) {
        heard.push_back(static_cast<int16_t>(base::load_be16(packet.payload + 2 * i)));
      }
    }
    EXPECT_BETWEEN(t, packets, 0, 1);
  }
  // After the start, sample for sample what was said.
  const auto begin = std::find_if(heard.begin(), heard.end(), [](int16_t s) { return s != 0; });
  EXPECT(t, heard.end() - begin > 48000);
  const auto place = std::search(pcm.begin(), pcm.end(), heard.end() - 9600, heard.end());
  EXPECT(t, place != pcm.end());
}

void silence_as_comfort_noise(test::Context& t) {
  Fixture f;
  f.open_conference(0);
  f.open_leg(0);
  f.configure(0);
  f.open_leg(1);
  abi::ConfigureCommand parameters = f.parameters(1);
  parameters.send_comfort_noise = 1;
  f.command(parameters);
  for (uint32_t i = 0; i < 2; i++) {
    f.route(i, abi::RouteKind::conference, Fixture::handle(0));
  }
  Peer talker = Fixture::peer_of(0);
  int16_t loud[160];
  for (int i = 0; i < 160; i++) loud[i] = static_cast<int16_t>(i / 8 % 2 == 0 ? 3000 : -3000);
  rtp::Packet packet{};
  int noise = 0, audio = 0, marked = 0;
  uint32_t first = 0, last = 0;
  uint16_t sequence = 0;
  for (int n = 0; n < 150; n++) {
    f.period([&] {
      if (n >= 100 && n < 110) f.send_frame(0, talker, loud);
    });
    while (f.sent(1, packet)) {
      if (noise + audio > 0) {
        EXPECT_EQUAL(t, static_cast<uint16_t>(packet.sequence - sequence), 1);
        EXPECT(t, static_cast<int32_t>(packet.timestamp - last) > 0);
      } else {
        first = packet.timestamp;
      }
      sequence = packet.sequence;
      last = packet.timestamp;
      if (packet.payload_type == 13) {
        noise++;
        EXPECT_EQUAL(t, packet.payload_bytes, 1u);
        EXPECT(t, !packet.marker);
        EXPECT(t, n < 100 || audio > 0);
      } else {
        audio++;
        if (packet.marker) marked++;
      }
    }
  }
  // One in 200 ms; then what was said and its tail, marked where it begins, on the same time line.
  EXPECT_BETWEEN(t, noise, 9, 15);
  EXPECT_BETWEEN(t, audio, 10, 40);
  EXPECT_EQUAL(t, marked, 1);
  EXPECT_BETWEEN(t, last - first, 130 * 160, 150 * 160);
}

void silence_as_dtx(test::Context& t) {
  Fixture f;
  f.open_leg(0);
  abi::ConfigureCommand parameters =
      f.parameters(0, 20, abi::Direction::sendrecv, abi::CodecKind::opus);
  parameters.send_dtx = 1;
  f.command(parameters);
  f.periods(20);
  f.drop_sent(0);
  f.periods(100);
  rtp::Packet packet{};
  int packets = 0;
  while (f.sent(0, packet)) packets++;
  EXPECT_EQUAL(t, packets, 5);
}

void noise_of_the_peer(test::Context& t) {
  // A peer that suppresses silence is heard as the noise that it describes, at its level.
  Fixture f;
  Peer peer = f.connect(0);
  f.route(0, abi::RouteKind::echo);
  int16_t loud[160];
  for (int i = 0; i < 160; i++) loud[i] = static_cast<int16_t>(i / 8 % 2 == 0 ? 3000 : -3000);
  double square = 0;
  int frames = 0;
  for (int n = 0; n < 100; n++) {
    f.period([&] {
      const uint8_t descriptor[3] = {45, 140, 120};
      if (n < 20) f.send_frame(0, peer, loud);
      if (n == 20) f.send(0, peer, 13, descriptor, sizeof descriptor, 0);
    });
    rtp::Packet packet{};
    while (f.sent(0, packet)) {
      int16_t pcm[160];
      f.decode(packet, pcm);
      if (n < 40) continue;
      frames++;
      for (const int16_t sample : pcm) square += static_cast<double>(sample) * sample;
    }
  }
  EXPECT_BETWEEN(t, frames, 58, 62);
  EXPECT_BETWEEN(t, 10 * std::log10(square / frames / 160 / (32768.0 * 32768.0)), -47, -43);
}

namespace {

/** Segmental distance of what came through 10 % loss from what comes through without, in dB SNR. */
double through_loss(bool redundancy, uint64_t& concealed) {
  const codec::Codec* opus = engine::codec_of(abi::CodecKind::opus);
  const std::vector<int16_t> pcm = voice(400);
  std::vector<int16_t> heard[2];
  for (const bool lossy : {false, true}) {
    Fixture f;
    f.open_leg(0);
    abi::ConfigureCommand parameters =
        f.parameters(0, 20, abi::Direction::sendrecv, abi::CodecKind::l16);
    parameters.send_payload_type = 97;
    f.command(parameters);
    f.route(0, abi::RouteKind::echo);
    Memory encoder(opus->encoder_bytes);
    codec::Params params;
    params.fec = redundancy;
    params.expected_loss_percent = redundancy ? 10 : 0;
    params.bitrate_bps = 32000;
    opus->init_encoder(encoder.state(), params);
    Peer peer = Fixture::peer_of(0);
    test::Random random(5);
    for (size_t n = 0; n < 400; n++) {
      uint8_t payload[1440];
      const int bytes = opus->encode(encoder.state(), pcm.data() + n * 960, 960, payload, 1440);
      // The first second settles the delay; the loss is the same in both runs of the codec.
      const bool lost = random.below(10) == 0;
      f.period([&] {
        if (lossy && lost) {
          peer.sequence++;
          peer.timestamp += 960;
        } else {
          f.send(0, peer, 111, payload, static_cast<size_t>(bytes), 960);
        }
      });
      rtp::Packet packet{};
      while (f.sent(0, packet)) {
        for (uint32_t i = 0; i + 1 < packet.payload_bytes; i += 2) {
          heard[lossy ? 1 : 0].push_back(static_cast<int16_t>(base::load_be16(packet.payload + i)));
        }
      }
    }
    if (lossy) concealed = f.context().playouts[0].buffer.statistics().concealed;
  }
  // The delay may differ, and grow under loss: each piece is compared where it fits best.
  const size_t piece = 16000 / 50 * 10;
  double sum = 0;
  int pieces = 0;
  for (size_t at = piece * 8; at + 2 * piece < heard[0].size(); at += piece) {
    double best = -100;
    for (size_t lag = 0; lag <= 1600 && at + lag + piece < heard[1].size(); lag++) {
      double signal = 1, noise = 1;
      for (size_t i = 0; i < piece; i++) {
        const double a = heard[0][at + i];
        const double d = a - heard[1][at + lag + i];
        signal += a * a;
        noise += d * d;
      }
      best = std::max(best, 10 * std::log10(signal / noise));
    }
    sum += std::min(best, 40.0);
    pieces++;
  }
  return sum / std::max(pieces, 1);
}

}  // namespace

void redundancy_against_loss(test::Context& t) {
  uint64_t concealed_without = 0, concealed_with = 0;
  const double without = through_loss(false, concealed_without);
  const double with = through_loss(true, concealed_with);
  std::printf("    10 %% loss: SNR %.1f dB without FEC, %.1f dB with it\n", without, with);
  EXPECT(t, concealed_without > 20);
  EXPECT(t, with > without + 2);
}

void opus_of_any_length(test::Context& t) {
  // Frames of 2.5 to 60 ms and packets up to 120 ms (RFC 6716 section 3.2).
  const codec::Codec* opus = engine::codec_of(abi::CodecKind::opus);
  for (const int length_us : {2500, 5000, 10000, 20000, 40000, 60000, 80000, 100000, 120000}) {
    Fixture f;
    f.open_leg(0);
    f.configure(0, 20, abi::Direction::sendrecv, abi::CodecKind::opus);
    f.route(0, abi::RouteKind::echo);
    Memory encoder(opus->encoder_bytes);
    opus->init_encoder(encoder.state(), codec::Params{});
    Peer peer = Fixture::peer_of(0);
    const std::vector<int16_t> pcm = voice(200);
    size_t at = 0;
    int64_t due_us = 0;
    Memory decoder(opus->decoder_bytes);
    opus->init_decoder(decoder.state(), codec::Params{});
    double heard = 0, said = 0;
    for (int64_t n = 0; n < 190; n++) {
      f.period([&] {
        for (; due_us <= n * 20000; due_us += length_us) {
          uint8_t payload[1440];
          // Longer than 60 ms: frames of 20 ms in one packet.
          const int frame = length_us > 60000 ? 960 : length_us * 48 / 1000;
          int bytes = 0;
          for (int left = length_us * 48 / 1000; left > 0; left -= frame) {
            uint8_t next[1440], joined[1440];
            const int more = opus->encode(encoder.state(), pcm.data() + at, frame, next, 1440);
            at += static_cast<size_t>(frame);
            if (bytes == 0) {
              std::memcpy(payload, next, static_cast<size_t>(more));
              bytes = more;
              continue;
            }
            const int both =
                codec::opus_packet::join(payload, bytes, next, more, joined, sizeof joined);
            if (both <= 0) continue;  // another mode
            std::memcpy(payload, joined, static_cast<size_t>(both));
            bytes = both;
          }
          f.send(0, peer, 111, payload, static_cast<size_t>(bytes),
                 static_cast<uint32_t>(length_us * 48 / 1000));
        }
      });
      rtp::Packet packet{};
      while (f.sent(0, packet)) {
        int16_t out[codec::max_packet_samples];
        const int samples =
            opus->decode(decoder.state(), packet.payload, static_cast<int>(packet.payload_bytes),
                         out, codec::max_packet_samples);
        for (int i = 0; i < samples && n >= 50; i++) heard += static_cast<double>(out[i]) * out[i];
      }
      for (size_t i = 0; i < 960 && n >= 50; i++) {
        const double sample = pcm[static_cast<size_t>(n - 12) * 960 + i];
        said += sample * sample;
      }
    }
    EXPECT_BETWEEN(t, 10 * std::log10(heard / said), -2.5, 1.5);
    EXPECT_EQUAL(t, f.context().count.packets_rejected, 0u);
  }
}
