// Aim: what listeners share has a memory, and nobody hears when that memory stands still or who
// begins to share it. Method: a tone through codecs with memory, looked at frame by frame.
#include <cmath>

#include "test/engine_tests.h"
#include "test/signals.h"
#include "test/voice.h"

namespace {

using test::Fixture;
using test::Voice;

void join(Fixture& f, uint32_t index, abi::CodecKind kind) {
  f.open_leg(index);
  f.configure(index, 20, abi::Direction::sendrecv, kind);
  f.route(index, abi::RouteKind::conference, Fixture::handle(0));
}

/** A conference of two. */
struct Pair {
  Fixture f;
  Voice first;
  Voice second;

  Pair(abi::CodecKind kind, double first_hz, double second_hz)
      : first(kind, first_hz, 0), second(kind, second_hz, 1) {
    f.open_conference(0);
    join(f, 0, kind);
    join(f, 1, kind);
  }
};

/** Residue beside a tone, in dB below it, of the worst 20 ms from frame to frame. */
double worst_residue(const Voice& ear, double hz, int from, int to) {
  const int frame = ear.codec->sample_rate_hz / 50;
  double worst = -200;
  for (int at = from * frame; at + frame <= to * frame; at += frame / 4) {
    worst = std::fmax(
        worst, test::residue_db(ear.heard.data() + at, frame, hz, ear.codec->sample_rate_hz));
  }
  return worst;
}

}  // namespace

// A stream of silence must leave the decoder where the encoder is, or the next word is bent.
void sound_after_silence(test::Context& t) {
  for (const abi::CodecKind kind : {abi::CodecKind::g722, abi::CodecKind::opus}) {
    Pair pair(kind, 1000, 0);
    auto& [f, mouth, ear] = pair;
    constexpr int kBefore = 60, kPause = 100, kAfter = 30;
    for (int n = 0; n < kBefore + kPause + kAfter; n++) {
      const bool sounds = n < kBefore || n >= kBefore + kPause;
      f.period([&] { mouth.say(f, 0, sounds ? 7000 : 0); });
      ear.listen(f, 1);
    }
    const int frame = ear.codec->sample_rate_hz / 50;
    const auto level = [&](int at) {
      return test::rms(ear.heard.data() + static_cast<ptrdiff_t>(at) * frame, frame);
    };
    int begin = kBefore + kPause - 10;
    while (begin < kBefore + kPause + kAfter - 12 && level(begin) < 2000) begin++;
    const double steady = level(kBefore - 10);
    double worst_db = 0;
    for (int i = 1; i < 10; i++) {
      worst_db = std::fmax(worst_db, std::fabs(20 * std::log10(level(begin + i) / steady)));
    }
    std::printf("    %s: within %.1f dB of the steady tone\n", ear.codec->name, worst_db);
    EXPECT(t, steady > 4000);
    EXPECT_BETWEEN(t, worst_db, 0, 0.7);
  }
}

namespace {

struct Seam {
  double steady_db;  // residue of the stream beside the tone
  double seam_db;    // where it may have changed
  double word_db;    // in the first frames after the pause
};

/** One of two who talk stops at frame 100 and hears the other one, who pauses at frame 130. */
Seam stop_beside(abi::CodecKind kind, bool listener) {
  Pair pair(kind, 450, 500);
  auto& [f, stops, goes_on] = pair;
  if (listener) join(f, 2, kind);
  constexpr int kAlone = 40, kBoth = 100, kPause = 130, kOn = 136, kEnd = 180;
  for (int n = 0; n < kEnd; n++) {
    f.period([&] {
      stops.say(f, 0, n < kBoth ? 7000 : 0);
      goes_on.say(f, 1, n < kAlone || (n >= kPause && n < kOn) ? 0 : 7000);
    });
    stops.listen(f, 0);
  }
  return {worst_residue(stops, 500, kBoth - 30, kBoth - 5),
          std::fmax(worst_residue(stops, 500, kBoth - 5, kPause - 5),
                    worst_residue(stops, 500, kOn + 10, kEnd - 5)),
          // The frame in which the word begins is no whole tone.
          worst_residue(stops, 500, kOn + 1, kOn + 12)};
}

}  // namespace

// Who stops talking goes from a stream of its own to the one that listeners share, and hears the
// others as if nothing had happened: also when nobody shared it before, so that it stood still.
void back_to_the_shared_stream(test::Context& t) {
  for (const abi::CodecKind kind : {abi::CodecKind::g722, abi::CodecKind::opus}) {
    for (const bool listener : {false, true}) {
      const Seam seam = stop_beside(kind, listener);
      std::printf("    %s%s: residue %.1f dB, at the seam %.1f dB, after the pause %.1f dB\n",
                  engine::codec_of(kind)->name, listener ? " beside a listener" : "",
                  seam.steady_db, seam.seam_db, seam.word_db);
      EXPECT(t, seam.seam_db < seam.steady_db + 3);
      // Encoders of G.722 do not agree: beside others who listened before, a frame of the next
      // word.
      const bool differs = kind == abi::CodecKind::g722 && listener;
      EXPECT(t, seam.word_db < (differs ? -10 : seam.steady_db + 3));
    }
  }
}

// They take turns, and get nothing in silence but a descriptor (RFC 3389): their decoders stand
// still, and so must what they followed.
void turns_with_comfort_noise(test::Context& t) {
  const abi::CodecKind kind = abi::CodecKind::g722;
  for (const uint32_t members : {2u, 3u}) {
    Fixture f;
    f.open_conference(0);
    std::vector<Voice> voices;
    for (uint32_t i = 0; i < members; i++) {
      voices.emplace_back(kind, 450 + 50 * i, i);
      f.open_leg(i);
      abi::ConfigureCommand parameters = f.parameters(i, 20, abi::Direction::sendrecv, kind);
      parameters.send_comfort_noise = 1;
      parameters.comfort_noise_payload_type = 13;
      f.command(parameters);
      f.route(i, abi::RouteKind::conference, Fixture::handle(0));
    }
    double worst = -200;
    for (uint32_t turn = 0; turn < 3 * members; turn++) {
      const uint32_t speaker = turn % members;
      for (Voice& voice : voices) voice.heard.clear();
      for (int n = 0; n < 120; n++) {
        f.period([&] {
          for (uint32_t i = 0; i < members; i++) {
            voices[i].say(f, i, i == speaker && n < 60 ? 7000 : 0);
          }
        });
        for (uint32_t i = 0; i < members; i++) voices[i].listen(f, i, 13);
      }
      if (turn < members) continue;
      for (uint32_t i = 0; i < members; i++) {
        // The first frames hold the beginning.
        const double residue =
            i == speaker ? -200 : worst_residue(voices[i], voices[speaker].hz, 2, 40);
        worst = std::fmax(worst, residue);
      }
    }
    std::printf("    %u in turns: residue %.1f dB\n", members, worst);
    // Of three, who spoke last finds no pause that is sent, and goes back after 2 s in a word.
    EXPECT(t, worst < (members == 2 ? -40 : -20));
  }
}

// Redundancy that one peer asked for makes no other listener's stream.
void parameters_of_one_stay_its_own(test::Context& t) {
  Fixture f;
  f.open_conference(0);
  Voice before(abi::CodecKind::pcmu, 450, 0);
  Voice stops(abi::CodecKind::opus, 450, 0);
  Voice goes_on(abi::CodecKind::opus, 500, 1);
  const auto configure = [&](abi::CodecKind kind) {
    abi::ConfigureCommand parameters = f.parameters(0, 20, abi::Direction::sendrecv, kind);
    parameters.send_fec = 1;
    f.command(parameters);
  };
  f.open_leg(0);
  configure(abi::CodecKind::pcmu);
  f.route(0, abi::RouteKind::conference, Fixture::handle(0));
  join(f, 1, abi::CodecKind::opus);
  uint8_t toc = 0;
  for (int n = 0; n < 250; n++) {
    if (n == 60) configure(abi::CodecKind::opus);
    if (n == 200) join(f, 2, abi::CodecKind::opus);
    f.period([&] {
      if (n < 60) {
        before.say(f, 0, 7000);
      } else {
        stops.say(f, 0, n < 120 ? 7000 : 0);
      }
      goes_on.say(f, 1, 7000);
    });
    rtp::Packet packet{};
    while (f.sent(2, packet)) toc = packet.payload[0];
  }
  // Configurations from 16 on are CELT (RFC 6716 section 3.1).
  EXPECT(t, toc >> 3 >= 16);
}
