#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "dsp/dtmf_detector.h"
#include "dsp/tone.h"
#include "test/engine_fixture.h"
#include "test/engine_tests.h"
#include "test/voice.h"

namespace {

using test::Fixture;
using test::Peer;
using test::Voice;

}  // namespace

void rates_hear_each_other(test::Context& t) {
  Fixture f;
  std::vector<Voice> voices;
  voices.emplace_back(abi::CodecKind::pcmu, 600, 0);
  voices.emplace_back(abi::CodecKind::g722, 1000, 1);
  voices.emplace_back(abi::CodecKind::opus, 1700, 2);
  voices.emplace_back(abi::CodecKind::pcma, 2300, 3);
  f.open_conference(0);
  for (uint32_t i = 0; i < voices.size(); i++) {
    f.open_leg(i);
    f.configure(i, 20, abi::Direction::sendrecv, voices[i].kind);
    f.route(i, abi::RouteKind::conference, Fixture::handle(0));
  }
  for (int n = 0; n < 100; n++) {
    f.period([&] {
      for (uint32_t i = 0; i < voices.size(); i++) voices[i].say(f, i);
    });
    for (uint32_t i = 0; i < voices.size(); i++) voices[i].listen(f, i);
  }
  for (const Voice& ear : voices) {
    for (const Voice& mouth : voices) {
      const double amplitude = ear.amplitude(mouth.hz);
      // Opus is no waveform codec: three decibels for it, one for the others.
      const bool opus = ear.kind == abi::CodecKind::opus || mouth.kind == abi::CodecKind::opus;
      const double within = std::pow(10.0, (opus ? 3.0 : 1.0) / 20.0);
      if (&ear == &mouth) {
        // Of itself everybody hears at most the noise that Opus adds to the others.
        EXPECT_BETWEEN(t, amplitude, 0.0, opus ? 60.0 : 30.0);
      } else {
        EXPECT_BETWEEN(t, amplitude, 5000 / within, 5000 * within);
      }
    }
  }
}

// RFC 7587 section 6.1: a peer's maxaveragebitrate holds although the others share an encoder.
void low_bitrate_is_kept(test::Context& t) {
  Fixture f;
  Voice talker(abi::CodecKind::opus, 700, 0);
  f.open_conference(0);
  for (uint32_t i = 0; i < 3; i++) {
    f.open_leg(i);
    abi::ConfigureCommand parameters =
        f.parameters(i, 20, abi::Direction::sendrecv, abi::CodecKind::opus);
    if (i == 2) parameters.send_bitrate = 16000;
    f.command(parameters);
    f.route(i, abi::RouteKind::conference, Fixture::handle(0));
  }
  uint32_t bytes[3] = {};
  for (int n = 0; n < 150; n++) {
    f.period([&] { talker.say(f, 0); });
    for (uint32_t i = 0; i < 3; i++) {
      rtp::Packet packet{};
      while (f.sent(i, packet)) {
        if (n >= 50) bytes[i] += packet.payload_bytes;
      }
    }
  }
  // Two seconds.
  EXPECT_BETWEEN(t, bytes[1] * 4.0, 40000.0, 60000.0);
  EXPECT_BETWEEN(t, bytes[2] * 4.0, 8000.0, 20000.0);
}

void rates_relay_transcodes(test::Context& t) {
  Fixture f;
  Voice a(abi::CodecKind::pcmu, 700, 0);
  Voice b(abi::CodecKind::g722, 1500, 1);
  f.open_leg(0);
  f.configure(0);
  f.open_leg(1);
  f.configure(1, 20, abi::Direction::sendrecv, abi::CodecKind::g722);
  f.route(0, abi::RouteKind::relay, Fixture::handle(1));
  for (int n = 0; n < 80; n++) {
    f.period([&] {
      a.say(f, 0);
      b.say(f, 1);
    });
    a.listen(f, 0);
    b.listen(f, 1);
  }
  EXPECT_BETWEEN(t, a.amplitude(1500), 4450, 5600);
  EXPECT_BETWEEN(t, b.amplitude(700), 4450, 5600);
  EXPECT_BETWEEN(t, a.amplitude(700), 0, 20);
}

void rates_codec_changes(test::Context& t) {
  // The peer changes its codec within a stream, as an SDP with several formats allows.
  Fixture f;
  Voice narrow(abi::CodecKind::pcmu, 500, 0);
  Voice wide(abi::CodecKind::g722, 500, 0);
  f.open_leg(0);
  f.configure(0);
  f.route(0, abi::RouteKind::echo);
  for (int n = 0; n < 120; n++) {
    f.period([&] {
      Voice& now = n / 40 == 1 ? wide : narrow;
      Voice& other = n / 40 == 1 ? narrow : wide;
      now.say(f, 0);
      other.peer = now.peer;
    });
    narrow.listen(f, 0);
    if (n % 40 == 39) EXPECT_BETWEEN(t, narrow.amplitude(500), 4450, 5600);
  }
}

void rates_shared_to_own(test::Context& t) {
  // A listener of the shared stream gets one of its own: its encoder goes on from the shared one's
  // state.
  Fixture f;
  std::vector<Voice> voices;
  for (uint32_t i = 0; i < 3; i++) voices.emplace_back(abi::CodecKind::g722, 700, i);
  f.open_conference(0);
  for (uint32_t i = 0; i < 3; i++) {
    f.open_leg(i);
    f.configure(i, 20, abi::Direction::sendrecv, abi::CodecKind::g722);
    f.route(i, abi::RouteKind::conference, Fixture::handle(0));
  }
  for (int n = 0; n < 80; n++) {
    if (n == 50) {
      // A second of silence on top of the mix: only the encoder changes.
      const uint32_t list[2] = {64, 16000};
      std::memcpy(f.prompts() + 65536, list, sizeof list);
      abi::PlayCommand play{};
      play.leg = Fixture::handle(1);
      play.playback = 1;
      play.list_offset = 65536;
      play.count = 1;
      play.gain = 1.0f;
      play.mode = static_cast<uint8_t>(abi::PlayMode::mix);
      f.command(play);
    }
    f.period([&] { voices[0].say(f, 0); });
    for (uint32_t i = 0; i < 3; i++) voices[i].listen(f, i);
    EXPECT_EQUAL(t, f.context().legs[1].own_encoder, n >= 50);
  }
  // The other listener stayed with the shared stream: both heard the same to the end.
  const std::vector<int16_t>& own = voices[1].heard;
  const std::vector<int16_t>& shared = voices[2].heard;
  EXPECT_EQUAL(t, own.size(), shared.size());
  int worst = 0;
  for (size_t i = 0; i < std::min(own.size(), shared.size()); i++) {
    worst = std::max(worst, std::abs(own[i] - shared[i]));
  }
  EXPECT_EQUAL(t, worst, 0);
}

void rates_silence_settles(test::Context& t) {
  Fixture f;
  f.open_leg(0);
  f.configure(0, 20, abi::Direction::sendrecv, abi::CodecKind::opus);
  f.periods(20);
  const uint64_t encoded = f.context().count.frames_encoded;
  f.drop_sent(0);
  f.periods(50);
  EXPECT_EQUAL(t, f.context().count.frames_encoded, encoded);
  rtp::Packet packet{};
  int packets = 0;
  while (f.sent(0, packet)) packets++;
  EXPECT_EQUAL(t, packets, 50);
}

void tones_in_and_out(test::Context& t) {
  Fixture f;
  abi::OpenLegCommand open{};
  open.leg = Fixture::handle(0);
  open.rtp_fd = 0;
  open.rtcp_fd = 1;
  open.inband_digits = 1;
  f.command(open);
  f.configure(0);
  f.open_conference(0);
  f.route(0, abi::RouteKind::conference, Fixture::handle(0));
  Peer listener = f.connect(1);
  f.route(1, abi::RouteKind::conference, Fixture::handle(0));
  (void)listener;
  Peer peer = Fixture::peer_of(0);
  dsp::ToneGenerator generator;
  int loud = 0;
  for (int n = 0; n < 60; n++) {
    if (n == 10) generator.start_digit(8000, '#');
    if (n == 20) generator.stop();
    f.period([&] {
      int16_t pcm[160] = {};
      generator.generate(pcm, 160);
      f.send_frame(0, peer, pcm);
    });
    rtp::Packet packet{};
    while (f.sent(1, packet)) {
      int16_t pcm[160];
      f.decode(packet, pcm);
      for (const int16_t sample : pcm) {
        if (std::abs(sample) > 1000) {
          loud++;
          break;
        }
      }
    }
  }
  abi::DigitEvent digit{};
  EXPECT(t, f.event(digit));
  EXPECT_EQUAL(t, digit.digit, 11);
  EXPECT_EQUAL(t, digit.source, static_cast<uint8_t>(abi::DigitSource::inband));
  EXPECT_BETWEEN(t, digit.duration_ms, 170, 230);
  EXPECT(t, !f.event(digit));
  // Of ten frames of tone the others hear at most the first two.
  EXPECT_BETWEEN(t, loud, 0, 2);

  // Without telephone-event our digits are tones.
  abi::SendDigitsCommand digits{};
  digits.leg = Fixture::handle(2);
  digits.count = 3;
  digits.duration_ms = 100;
  digits.digits[0] = 1;
  digits.digits[1] = 1;
  digits.digits[2] = 15;
  f.open_leg(2);
  f.configure(2, 20, abi::Direction::sendrecv, abi::CodecKind::pcmu, 1, abi::kNoPayloadType);
  f.periods(2);
  f.command(digits);
  dsp::DtmfDetector detector;
  detector.init(8000);
  std::vector<char> found;
  for (int n = 0; n < 40; n++) {
    f.period([] {});
    rtp::Packet packet{};
    while (f.sent(2, packet)) {
      int16_t pcm[160];
      f.decode(packet, pcm);
      dsp::DtmfDigit out[4];
      const int count = detector.process(pcm, 160, out, 4);
      for (int i = 0; i < count; i++) found.push_back(out[i].digit);
    }
  }
  EXPECT(t, (found == std::vector<char>{'1', '1', 'D'}));
  abi::DigitsSentEvent sent{};
  uint32_t total = 0;
  while (f.event(sent)) total += sent.count;
  EXPECT_EQUAL(t, total, 3u);
}
