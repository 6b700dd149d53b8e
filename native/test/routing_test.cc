// Who hears whom, gains, and the choice of contributors: at the border of the engine, from packets
// in to packets out.
#include <set>

#include "test/engine_tests.h"
#include "test/room.h"

namespace {

using test::companded;
using test::Fixture;
using test::Frame;
using test::kFrame;
using test::noise;
using test::peak;
using test::Room;
using test::tone;

void set_row(Fixture& f, uint32_t leg, abi::Audience audience,
             const std::vector<uint32_t>& named = {}, bool hears = true, bool priority = false) {
  abi::HearCommand row{};
  row.leg = Fixture::handle(leg);
  row.audience = static_cast<uint8_t>(audience);
  row.hears = hears ? 1 : 0;
  row.priority = priority ? 1 : 0;
  row.count = static_cast<uint8_t>(named.size());
  for (size_t i = 0; i < named.size(); i++) {
    const uint32_t handle = Fixture::handle(named[i]);
    std::memcpy(row.named + 4 * i, &handle, sizeof handle);
  }
  f.command(row);
}

void set_gains(Fixture& f, uint32_t leg, double input_db, double output_db) {
  abi::GainCommand gain{};
  gain.leg = Fixture::handle(leg);
  gain.input = static_cast<float>(std::pow(10, input_db / 20));
  gain.output = static_cast<float>(std::pow(10, output_db / 20));
  f.command(gain);
}

abi::OpenConferenceCommand loudest(uint8_t contributors) {
  abi::OpenConferenceCommand open{};
  open.contributors = contributors;
  return open;
}

/** The largest change of slope: small for any smooth sound, large where it is cut. */
int roughest(const std::vector<int16_t>& pcm) {
  int most = 0;
  for (size_t i = 2; i < pcm.size(); i++) {
    most = std::max(most, std::abs(pcm[i] - 2 * pcm[i - 1] + pcm[i - 2]));
  }
  return most;
}

double level_db(const std::vector<int16_t>& pcm, size_t from, size_t to) {
  double sum = 1e-9;
  for (size_t i = from; i < to; i++) sum += static_cast<double>(pcm[i]) * pcm[i];
  return 10 * std::log10(sum / static_cast<double>(to - from));
}

struct Row {
  abi::Audience audience = abi::Audience::everybody;
  std::vector<uint32_t> named;
  bool hears = true;
  bool muted = false;

  bool reaches(uint32_t listener) const {
    if (muted) return false;
    const bool named_here = std::find(named.begin(), named.end(), listener) != named.end();
    switch (audience) {
      case abi::Audience::everybody:
        return true;
      case abi::Audience::nobody:
        return false;
      case abi::Audience::only:
        return named_here;
      case abi::Audience::except:
        return !named_here;
    }
    return false;
  }
};

Row random_row(test::Random& random, uint32_t members) {
  Row row;
  row.audience = static_cast<abi::Audience>(random.below(abi::kAudienceCount));
  row.hears = random.below(4) > 0;
  row.muted = random.below(5) == 0;
  const bool names = row.audience == abi::Audience::only || row.audience == abi::Audience::except;
  for (int i = names ? random.below(abi::kMaxNamed + 1) : 0; i > 0; i--) {
    row.named.push_back(static_cast<uint32_t>(random.below(static_cast<int>(members))));
  }
  std::sort(row.named.begin(), row.named.end());
  row.named.erase(std::unique(row.named.begin(), row.named.end()), row.named.end());
  return row;
}

}  // namespace

void hearing_rows_exact(test::Context& t) {
  test::Random random(3);
  for (int round = 0; round < 20; round++) {
    const auto count = static_cast<uint32_t>(2 + random.below(9));
    Room room(count);
    std::vector<Row> rows(count);
    std::vector<Frame> arriving(count);
    for (uint32_t i = 0; i < count; i++) {
      if (random.below(5) == 0) continue;
      room.frames[i] = noise(random, 300 + random.below(1500));
      arriving[i] = companded(room.f, room.frames[i]);
    }
    // Several sets of rows one after the other, in the middle of talk.
    for (int change = 0; change < 3; change++) {
      for (uint32_t i = 0; i < count; i++) {
        rows[i] = random_row(random, count);
        set_row(room.f, i, rows[i].audience, rows[i].named, rows[i].hears);
        abi::MuteCommand mute{};
        mute.leg = Fixture::handle(i);
        mute.muted = rows[i].muted ? 1 : 0;
        room.f.command(mute);
      }
      room.run(12);
      room.forget();
      room.run(1);
      for (uint32_t i = 0; i < count; i++) {
        int32_t sum[kFrame] = {};
        for (uint32_t j = 0; j < count; j++) {
          if (j == i || arriving[j].empty() || !rows[i].hears || !rows[j].reaches(i)) continue;
          for (int k = 0; k < kFrame; k++) sum[k] += arriving[j][static_cast<size_t>(k)];
        }
        int16_t expected[kFrame];
        for (int k = 0; k < kFrame; k++) expected[k] = static_cast<int16_t>(sum[k]);
        uint8_t codes[kFrame];
        room.f.context().kernels.encode_ulaw(codes, expected, kFrame);
        rtp::Packet packet{};
        EXPECT(t, room.f.sent(i, packet));
        EXPECT(t, std::equal(codes, codes + kFrame, packet.payload));
      }
    }
  }
}

void hearing_changes_fade(test::Context& t) {
  // Leg 0 says something constant, in which any step is a click; legs 1 and 2 listen.
  const std::vector<void (*)(Fixture&)> changes = {
      [](Fixture& f) { set_row(f, 0, abi::Audience::nobody); },
      [](Fixture& f) { set_row(f, 0, abi::Audience::only, {1}); },
      [](Fixture& f) { set_row(f, 0, abi::Audience::except, {1}); },
      [](Fixture& f) { set_row(f, 1, abi::Audience::everybody, {}, false); },
      [](Fixture& f) { set_gains(f, 0, -20, 0); },
      [](Fixture& f) { set_gains(f, 1, 0, -20); },
      [](Fixture& f) { set_gains(f, 1, 0, 9); },
      [](Fixture& f) {
        set_row(f, 0, abi::Audience::only, {1});
        abi::MuteCommand mute{};
        mute.leg = Fixture::handle(0);
        mute.muted = 1;
        f.command(mute);
      },
  };
  for (size_t way = 0; way < changes.size(); way++) {
    Room room(3);
    room.frames[0] = Frame(kFrame, 8000);
    room.run(30);
    room.forget();
    changes[way](room.f);
    room.run(6);
    set_row(room.f, 0, abi::Audience::everybody);
    set_row(room.f, 1, abi::Audience::everybody);
    set_gains(room.f, 0, 0, 0);
    set_gains(room.f, 1, 0, 0);
    room.run(6);
    for (uint32_t listener = 1; listener < 3; listener++) {
      const std::vector<int16_t> pcm = room.heard(listener);
      EXPECT(t, pcm.size() >= 11 * kFrame);
      int step = 0;
      for (size_t i = 1; i < pcm.size(); i++) step = std::max(step, std::abs(pcm[i] - pcm[i - 1]));
      // Companding alone steps by 256 here, and by 1024 at the level of +9 dB.
      EXPECT(t, step < (way == 6 ? 1700 : 700));
    }
  }
}

void hearing_whisper(test::Context& t) {
  // A client, an agent, a coach whom only the agent hears; then a tone of each is looked for.
  Room room(3);
  room.frames[0] = tone(500, 3000);
  room.frames[1] = tone(850, 3000);
  room.frames[2] = tone(1750, 3000);
  set_row(room.f, 2, abi::Audience::only, {1});
  room.run(20);
  room.forget();
  room.run(50);
  const std::vector<int16_t> heard[] = {room.heard(0), room.heard(1), room.heard(2)};
  const double tones[] = {500, 850, 1750};
  const bool audible[3][3] = {{false, true, false}, {true, false, true}, {true, true, false}};
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      const double amplitude =
          test::tone_amplitude(heard[i].data(), static_cast<int>(heard[i].size()), 8000, tones[j]);
      // Companding leaves some of everything.
      EXPECT_BETWEEN(t, amplitude, audible[i][j] ? 2900 : 0, audible[i][j] ? 3100 : 8);
    }
  }
  // No talk event tells that the coach is there; the list of contributors names it to the agent
  // only.
  abi::TalkingEvent talking{};
  std::set<uint32_t> told;
  while (room.f.event(talking)) told.insert(talking.leg);
  EXPECT_EQUAL(t, told.count(Fixture::handle(2)), 0u);
  EXPECT_EQUAL(t, told.size(), 2u);
  room.run(1);
  for (uint32_t i = 0; i < 2; i++) {
    rtp::Packet packet{};
    const net::SimDatagram* raw = nullptr;
    EXPECT(t, room.f.sent(i, packet, &raw));
    if (raw == nullptr) return;
    EXPECT_EQUAL(t, raw->data[0] & 0x0f, i == 0 ? 1 : 2);
  }
  // Names of legs that are gone or elsewhere have no effect.
  room.f.close_leg(1);
  room.run(3);
  room.f.open_leg(1, 2);
  room.f.configure(1, 20, abi::Direction::sendrecv, abi::CodecKind::pcmu, 2);
  room.f.route(1, abi::RouteKind::conference, Fixture::handle(0), false, 2);
  room.frames[1].clear();
  room.run(5);
  room.forget();
  room.run(20);
  const std::vector<int16_t> newcomer = room.heard(1);
  EXPECT(t,
         test::tone_amplitude(newcomer.data(), static_cast<int>(newcomer.size()), 8000, 1750) < 8);
  EXPECT(t, newcomer.size() > 10 * kFrame);
}

void hearing_hold(test::Context& t) {
  // On hold: neither heard nor hearing, but a prompt is heard.
  Room room(3);
  room.frames[0] = tone(500, 3000);
  room.frames[1] = tone(900, 3000);
  room.run(20);
  set_row(room.f, 1, abi::Audience::nobody, {}, false);
  room.run(5);
  const std::vector<int16_t> music = test::sine(8000, 1500, 2000, 8000);
  uint32_t entry[2] = {64, 8000};
  std::memcpy(room.f.prompts(), entry, sizeof entry);
  std::memcpy(room.f.prompts() + 64, music.data(), music.size() * 2);
  abi::PlayCommand play{};
  play.leg = Fixture::handle(1);
  play.playback = 1;
  play.count = 1;
  play.gain = 1;
  play.mode = static_cast<uint8_t>(abi::PlayMode::mix);
  room.f.command(play);
  room.run(2);
  room.forget();
  room.run(40);
  const std::vector<int16_t> held = room.heard(1);
  const std::vector<int16_t> other = room.heard(0);
  const auto find = [](const std::vector<int16_t>& pcm, double hz) {
    return test::tone_amplitude(pcm.data(), static_cast<int>(pcm.size()), 8000, hz);
  };
  EXPECT_BETWEEN(t, find(held, 1500), 1900, 2100);
  EXPECT(t, find(held, 500) < 3);
  EXPECT(t, find(other, 900) < 3);
  EXPECT(t, find(other, 1500) < 3);
}

void hearing_rates(test::Context& t) {
  // A coach at 8 kHz is heard by an agent at 16 and one at 48 kHz, and left out for them again.
  Room room(4);
  room.f.configure(1, 20, abi::Direction::sendrecv, abi::CodecKind::g722);
  room.f.configure(2, 20, abi::Direction::sendrecv, abi::CodecKind::opus);
  room.frames[0] = tone(900, 4000);
  const auto decoded_level = [&](uint32_t leg, abi::CodecKind kind) {
    const codec::Codec* codec = engine::codec_of(kind);
    std::vector<uint8_t> state(codec->decoder_bytes + codec::state_alignment);
    void* memory = reinterpret_cast<void*>(
        (reinterpret_cast<uintptr_t>(state.data()) + codec::state_alignment - 1) /
        codec::state_alignment * codec::state_alignment);
    codec->init_decoder(memory, codec::Params{});
    std::vector<int16_t> pcm;
    rtp::Packet packet{};
    while (room.f.sent(leg, packet)) {
      int16_t frame[960];
      const int samples =
          codec->decode(memory, packet.payload, static_cast<int>(packet.payload_bytes), frame, 960);
      if (samples > 0) pcm.insert(pcm.end(), frame, frame + samples);
    }
    const auto half = pcm.size() / 2;
    return test::tone_amplitude(pcm.data() + half, static_cast<int>(pcm.size() - half),
                                codec->sample_rate_hz, 900);
  };
  for (int round = 0; round < 2; round++) {
    const bool only = round == 0;
    set_row(room.f, 0, only ? abi::Audience::only : abi::Audience::except, {1, 2});
    room.run(20);
    room.forget();
    room.run(60);
    const double g722 = decoded_level(1, abi::CodecKind::g722);
    const double opus = decoded_level(2, abi::CodecKind::opus);
    const std::vector<int16_t> other = room.heard(3);
    const double pcmu =
        test::tone_amplitude(other.data(), static_cast<int>(other.size()), 8000, 900);
    // Not exact across rates: what is left of the difference of two roundings.
    EXPECT_BETWEEN(t, g722, only ? 3500 : 0, only ? 4500 : 8);
    EXPECT_BETWEEN(t, opus, only ? 3500 : 0, only ? 4500 : 8);
    EXPECT_BETWEEN(t, pcmu, only ? 0 : 3900, only ? 3 : 4100);
  }
}

void gains_in_and_out(test::Context& t) {
  for (const double db : {-24.0, -6.0, 6.0, 12.0, 24.0}) {
    Room room(3);
    room.frames[0] = tone(500, 800);
    set_gains(room.f, 0, db, 0);
    room.run(30);
    room.forget();
    room.run(50);
    const double times = std::pow(10, db / 20);
    for (uint32_t listener = 1; listener < 3; listener++) {
      const std::vector<int16_t> pcm = room.heard(listener);
      EXPECT_BETWEEN(t, test::tone_amplitude(pcm.data(), static_cast<int>(pcm.size()), 8000, 500),
                     800 * times * 0.96, 800 * times * 1.04);
    }
    set_gains(room.f, 0, 0, 0);
    set_gains(room.f, 1, 0, db);
    room.run(30);
    room.forget();
    room.run(50);
    for (uint32_t listener = 1; listener < 3; listener++) {
      const std::vector<int16_t> pcm = room.heard(listener);
      const double expected = listener == 1 ? 800 * times : 800;
      EXPECT_BETWEEN(t, test::tone_amplitude(pcm.data(), static_cast<int>(pcm.size()), 8000, 500),
                     expected * 0.96, expected * 1.04);
    }
  }
  // Too much of it meets a limiter, not the end of the number range.
  Room room(3);
  room.frames[0] = tone(500, 20000);
  set_gains(room.f, 0, 24, 0);
  set_gains(room.f, 1, 0, 24);
  room.run(30);
  room.forget();
  room.run(20);
  for (uint32_t listener = 1; listener < 3; listener++) {
    const std::vector<int16_t> pcm = room.heard(listener);
    // -1 dBFS and half a step of companding.
    EXPECT_BETWEEN(t, peak(pcm), 26000, 29204 + 512);
    const double tone_part =
        test::tone_amplitude(pcm.data(), static_cast<int>(pcm.size()), 8000, 500);
    EXPECT(t, tone_part > 26000);
  }
  // Not a number, or too much, is answered with what is sane.
  abi::GainCommand wild{};
  wild.leg = Fixture::handle(0);
  wild.input = NAN;
  wild.output = 1e30f;
  room.f.command(wild);
  room.run(5);
  EXPECT_EQUAL(t, room.f.context().legs[0].loudness.input, 1.0f);
  EXPECT_BETWEEN(t, room.f.context().legs[0].loudness.output, 15, 16);
}

void selection_loudest(test::Context& t) {
  // Five talk, the two loudest are heard; a louder one takes the place of the quieter at once, one
  // that is a little louder does not.
  Room room(6, loudest(2));
  const double amplitudes[] = {6000, 4000, 1000, 900, 800};
  const double pitches[] = {350, 650, 1150, 1900, 2850};
  for (uint32_t i = 0; i < 5; i++) room.frames[i] = tone(pitches[i], amplitudes[i]);
  room.run(20);
  room.forget();
  room.run(10);
  const auto amplitude = [&](const std::vector<int16_t>& pcm, uint32_t talker) {
    return test::tone_amplitude(pcm.data(), static_cast<int>(pcm.size()), 8000, pitches[talker]);
  };
  std::vector<int16_t> pcm = room.heard(5);
  EXPECT_BETWEEN(t, amplitude(pcm, 0), 5900, 6100);
  EXPECT_BETWEEN(t, amplitude(pcm, 1), 3900, 4100);
  for (uint32_t i = 2; i < 5; i++) EXPECT(t, amplitude(pcm, i) < 80);
  // Who has no place hears both, the contributors hear each other.
  pcm = room.heard(2);
  EXPECT_BETWEEN(t, amplitude(pcm, 0), 5900, 6100);
  EXPECT(t, amplitude(pcm, 2) < 80);

  room.frames[2] = tone(1150, 4800);
  room.run(20);
  room.forget();
  room.run(10);
  pcm = room.heard(5);
  EXPECT(t, amplitude(pcm, 2) < 80);
  room.frames[2] = tone(1150, 9000);
  room.run(4);
  room.forget();
  room.run(10);
  pcm = room.heard(5);
  EXPECT_BETWEEN(t, amplitude(pcm, 2), 8700, 9300);
  EXPECT(t, amplitude(pcm, 1) < 80);
  // Priority is above loudness.
  set_row(room.f, 4, abi::Audience::everybody, {}, true, true);
  room.run(4);
  room.forget();
  room.run(10);
  pcm = room.heard(5);
  EXPECT_BETWEEN(t, amplitude(pcm, 4), 650, 950);
  EXPECT(t, room.f.context().count.contributors_displaced >= 2);
  EXPECT(t, room.f.context().count.talkers_waiting > 0);
}

void selection_is_fair(test::Context& t) {
  // Two equal talkers, one place: both are heard, in turns of some seconds.
  Room room(3, loudest(1));
  room.frames[0] = tone(500, 5000);
  room.frames[1] = tone(900, 5000);
  room.run(20);
  int heard[2] = {0, 0};
  int turns = 0;
  int last = -1;
  for (int n = 0; n < 60 * 50; n++) {
    room.forget();
    room.run(1);
    for (uint32_t i = 0; i < 2; i++) {
      if (!room.f.context().legs[i].mix.selected) continue;
      heard[i]++;
      if (last != static_cast<int>(i)) turns++;
      last = static_cast<int>(i);
    }
  }
  EXPECT_EQUAL(t, heard[0] + heard[1], 60 * 50);
  EXPECT_BETWEEN(t, heard[0], 60 * 50 * 0.4, 60 * 50 * 0.6);
  EXPECT_BETWEEN(t, turns, 6, 20);
  std::printf("  selection: equal talkers share one place %d : %d, %d turns a minute\n", heard[0],
              heard[1], turns);
}

void selection_switch_is_smooth(test::Context& t) {
  // One place goes from a tone to a louder one and back: no sample stands out against a crossing
  // that is computed without any gate.
  Room room(3, loudest(1));
  room.frames[0] = tone(300, 3000);
  room.run(20);
  room.forget();
  room.frames[1] = tone(350, 9000);
  room.run(30);
  for (int i = 0; i < kFrame; i++) {
    int16_t& sample = room.frames[1][static_cast<size_t>(i)];
    sample = static_cast<int16_t>(sample * (kFrame - i) / kFrame);
  }
  room.run(1);
  room.frames[1] = Frame(kFrame, 0);
  room.run(60);
  const std::vector<int16_t> pcm = room.heard(2);
  // The sharpest bend of a sine is amplitude times the square of its angle per sample; opening in
  // 5 ms and companding add to it.
  const double bend = 9000 * std::pow(2 * test::pi * 350 / 8000, 2) * 1.2 + 3 * 256 + 200;
  EXPECT(t, roughest(pcm) < static_cast<int>(bend));
  EXPECT(t, room.f.context().count.contributors_displaced == 1);
  std::printf("  selection: sharpest bend at a switch %d, of the louder tone alone %d\n",
              roughest(pcm), static_cast<int>(9000 * std::pow(2 * test::pi * 350 / 8000, 2)));
}

void selection_word_onset(test::Context& t) {
  // After silence on a noisy line a word begins with a weak hiss: what is heard from its first
  // frame on is what was said, but for the 5 ms in which the gate opens.
  for (const int line_noise : {0, 28, 60}) {
    test::Random random(7);
    Room room(2, loudest(3));
    room.frames[0] = noise(random, std::max(1, line_noise));
    room.run(150);
    room.forget();
    std::vector<int16_t> said;
    for (int n = 0; n < 20; n++) {
      // 60 ms of hiss 7 dB over the noise, then a vowel.
      const int hiss = std::max(75, line_noise * 9 / 4);
      room.frames[0] = n < 3 ? noise(random, hiss) : tone(200 + 50 * (n % 4), 6000);
      const Frame arrived = companded(room.f, room.frames[0]);
      said.insert(said.end(), arrived.begin(), arrived.end());
      room.run(1);
    }
    room.run(2);
    const std::vector<int16_t> pcm = room.heard(1);
    size_t begin = 0;
    while (begin < pcm.size() && pcm[begin] == 0) begin++;
    // The frame borders of what is heard are those of what was said.
    begin = begin / kFrame * kFrame;
    EXPECT(t, begin + said.size() <= pcm.size() + 3 * kFrame);
    const size_t ramp = 40;
    const double hiss_lost =
        level_db(said, ramp, 3 * kFrame) - level_db(pcm, begin + ramp, begin + 3 * kFrame);
    const double word_lost = level_db(said, 3 * kFrame, 6 * kFrame) -
                             level_db(pcm, begin + 3 * kFrame, begin + 6 * kFrame);
    EXPECT_BETWEEN(t, hiss_lost, -0.1, 0.1);
    EXPECT_BETWEEN(t, word_lost, -0.1, 0.1);
  }
}

void automatic_gain_levels(test::Context& t) {
  // A quiet and a loud talker, with pauses, end up at the same level; noise alone is not raised.
  abi::OpenConferenceCommand open{};
  open.automatic_gain = 1;
  open.speech_dbov = -22;
  Room room(4, open);
  test::Random random(4);
  const double amplitudes[] = {900, 12000};
  for (int n = 0; n < 50 * 12; n++) {
    const bool talks = n % 50 < 35;
    for (uint32_t i = 0; i < 2; i++) {
      room.frames[i] = talks ? tone(300 + 100 * (n % 5), amplitudes[i]) : noise(random, 20);
    }
    room.frames[2] = noise(random, 28);
    room.run(1);
  }
  // -22 dBov is an amplitude of 32768 * sqrt(2) * 10^(-22/20) for a sine.
  const double wanted = 32768 * std::sqrt(2.0) * std::pow(10, -22.0 / 20);
  for (uint32_t i = 0; i < 2; i++) {
    const double got = amplitudes[i] * room.f.context().legs[i].loudness.automatic.gain();
    EXPECT_BETWEEN(t, 20 * std::log10(got / wanted), i == 0 ? -1.0 : -1.0, 1.0);
  }
  EXPECT_EQUAL(t, room.f.context().legs[2].loudness.automatic.gain(), 1.0f);
  // It never adds more than 15 dB.
  room.frames[0] = tone(400, 200);
  room.frames[1].clear();
  room.frames[2].clear();
  room.run(50 * 12);
  EXPECT_BETWEEN(t, 20 * std::log10(room.f.context().legs[0].loudness.automatic.gain()), 14.4,
                 15.01);
}

// So weak with the gain that was set that nobody would hear it: the gain that is found makes it
// heard all the same.
void automatic_gain_finds_the_weak(test::Context& t) {
  abi::OpenConferenceCommand open{};
  open.automatic_gain = 1;
  open.speech_dbov = -26;
  Room room(2, open);
  abi::GainCommand gain{};
  gain.leg = Fixture::handle(0);
  gain.input = 0.2f;
  gain.output = 1;
  room.f.command(gain);
  for (int n = 0; n < 50 * 20; n++) {
    room.frames[0] = tone(500, n % 25 < 15 ? 100 : 0);
    if (n == 50 * 19) room.forget();
    room.run(1);
  }
  EXPECT(t, room.f.context().legs[0].loudness.automatic.gain() > 4.0f);
  EXPECT(t, test::peak(room.heard(1)) > 60);
}

void noise_suppression_in_mix(test::Context& t) {
  // Talk in bursts on a noisy line: what is heard of the noise while the gate is still open.
  double left[2];
  for (int on = 0; on < 2; on++) {
    abi::OpenConferenceCommand open{};
    open.noise_suppression = on != 0 ? 1 : 0;
    Room room(2, open);
    test::Random random(4);
    for (int n = 0; n < 50 * 6; n++) {
      room.frames[0] = noise(random, 400);
      const bool talks = n % 50 < 25;
      for (size_t i = 0; talks && i < kFrame; i++) {
        room.frames[0][i] =
            static_cast<int16_t>(room.frames[0][i] + tone(300 + 50 * (n % 7), 6000)[i]);
      }
      room.run(1);
      if (n == 50 * 5 + 28) room.forget();
      if (n == 50 * 5 + 34) break;
    }
    const std::vector<int16_t> pcm = room.heard(1);
    left[on] = level_db(pcm, 0, pcm.size());
  }
  EXPECT_BETWEEN(t, left[0] - left[1], 10, 18);
}
