// Aim: filled-in audio goes on as what came before, fades, and joins again without a step. Method:
// tones and voice-like pulses with losses; the largest step between samples is measured against the
// undisturbed signal.
#include "dsp/concealment.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "dsp/comfort_noise.h"
#include "dsp/time_stretch.h"
#include "test/audio_tests.h"
#include "test/signals.h"

namespace {

constexpr int rates[] = {8000, 16000, 48000};

struct Filler {
  explicit Filler(int rate) : memory(dsp::Concealment::bytes_for(rate) / sizeof(int16_t)) {
    concealment.init(memory.data(), rate);
  }
  std::vector<int16_t> memory;
  dsp::Concealment concealment;
};

// Runs the signal in 20 ms frames through a concealment that loses the frames for which lost()
// holds.
template <typename Lost>
std::vector<int16_t> with_losses(const std::vector<int16_t>& signal, int rate, Lost lost) {
  Filler filler(rate);
  std::vector<int16_t> out = signal;
  const int frame = rate / 50;
  const int frames = static_cast<int>(signal.size()) / frame;
  for (int i = 0; i < frames; i++) {
    int16_t* pcm = out.data() + i * frame;
    if (lost(i)) {
      filler.concealment.conceal(pcm, frame);
    } else {
      filler.concealment.good(pcm, frame);
    }
  }
  return out;
}

}  // namespace

void concealment_joins(test::Context& t) {
  for (const int rate : rates) {
    const std::vector<int16_t> tone = test::sine(rate, 210, 8000, rate);
    const std::vector<int16_t> out = with_losses(tone, rate, [](int i) { return i % 10 == 7; });
    // A tone of steady pitch goes on nearly undisturbed through one lost frame in ten.
    const int clean = test::largest_step(tone);
    EXPECT_BETWEEN(t, test::largest_step(out), clean / 2, clean * 1.35);
    EXPECT(t, test::snr_db(tone, out) > 14);
  }
}

void concealment_fades(test::Context& t) {
  for (const int rate : rates) {
    const int frame = rate / 50;
    const std::vector<int16_t> voice = test::pulses(rate, 120, 9000, rate);
    const std::vector<int16_t> out =
        with_losses(voice, rate, [](int i) { return i >= 20 && i < 30; });
    const auto level = [&](int i) { return test::rms(out.data() + i * frame, frame); };
    EXPECT(t, level(20) > level(19) * 0.6);
    EXPECT(t, level(21) < level(20));
    EXPECT(t, level(22) < level(21));
    // Silent from 60 ms on, back at once.
    for (int i = 23; i < 30; i++) EXPECT_EQUAL(t, level(i), 0.0);
    EXPECT(t, level(30) > level(19) * 0.7);
    EXPECT_EQUAL(t, std::equal(out.begin() + 31 * frame, out.end(), voice.begin() + 31 * frame),
                 true);
  }
}

void concealment_transparent(test::Context& t) {
  // Without loss nothing is changed; loss before any audio gives zeros.
  test::Random random(3);
  std::vector<int16_t> noise(8000);
  for (int16_t& sample : noise) sample = random.sample();
  const std::vector<int16_t> out = with_losses(noise, 8000, [](int) { return false; });
  EXPECT(t, out == noise);
  Filler filler(8000);
  int16_t pcm[160];
  std::fill(pcm, pcm + 160, int16_t{5});
  filler.concealment.conceal(pcm, 160);
  EXPECT(t, std::all_of(pcm, pcm + 160, [](int16_t sample) { return sample == 0; }));
  EXPECT(t, !filler.concealment.sounding());
}

void concealment_any_length(test::Context& t) {
  // Random loss patterns and lengths, full scale noise: no step beyond what the samples allow, no
  // overflow.
  for (uint64_t seed = 1; seed <= 30; seed++) {
    test::Random random(seed);
    const int rate = rates[seed % 3];
    Filler filler(rate);
    std::vector<int16_t> pcm(static_cast<size_t>(rate));
    for (int i = 0; i < 200; i++) {
      const int count = 1 + random.below(rate / 10);
      for (int j = 0; j < count; j++) pcm[static_cast<size_t>(j)] = random.sample();
      if (random.below(3) == 0) {
        filler.concealment.conceal(pcm.data(), count);
      } else if (random.below(5) == 0) {
        filler.concealment.note(pcm.data(), count);
      } else {
        filler.concealment.good(pcm.data(), count);
      }
    }
  }
  EXPECT(t, true);
}

void stretch_keeps_pitch(test::Context& t) {
  for (const int rate : rates) {
    const int frame = rate / 50;
    std::vector<int16_t> in = test::sine(rate, 300, 8000, rate);
    std::vector<int16_t> out;
    for (int at = 0; at + frame <= static_cast<int>(in.size()); at += frame) {
      std::vector<int16_t> part(in.begin() + at, in.begin() + at + frame);
      const dsp::Compressed done = dsp::compress(part.data(), frame, frame, rate, false, false);
      EXPECT_EQUAL(t, done.samples + done.removed, frame);
      out.insert(out.end(), part.begin(), part.begin() + done.samples);
    }
    // Half of the time is gone, the tone is where it was, and there is no step.
    EXPECT_BETWEEN(t, out.size(), in.size() / 2, in.size() * 3 / 4);
    EXPECT(t, test::largest_step(out) <= test::largest_step(in) * 1.3);
    EXPECT_BETWEEN(t, test::tone_share(out, rate, 300), 0.95, 1.01);
    // Noise does not repeat itself: left alone unless quiet.
    test::Random random(1);
    std::vector<int16_t> noise(static_cast<size_t>(frame));
    for (int16_t& sample : noise) sample = random.sample();
    EXPECT_EQUAL(t, dsp::compress(noise.data(), frame, frame, rate, false, false).removed, 0);
    EXPECT_EQUAL(t, dsp::compress(noise.data(), frame, frame, rate, true, false).removed,
                 frame / 2);
    EXPECT_EQUAL(t, dsp::compress(noise.data(), frame / 2, 3, rate, true, false).removed, 0);
  }
}

void comfort_noise_level(test::Context& t) {
  for (const int level : {30, 45, 60}) {
    for (const int order : {0, 3}) {
      dsp::ComfortNoise noise;
      noise.init(7);
      // Reflection coefficients 0.6, -0.3, 0.1 coded as in RFC 3389 section 3.2.
      const uint8_t payload[4] = {static_cast<uint8_t>(level), 127 + 76, 127 - 38, 127 + 13};
      EXPECT(t, noise.update(payload, 1 + order));
      std::vector<int16_t> pcm(80000);
      noise.generate(pcm.data(), 8000);
      noise.generate(pcm.data(), 80000);
      const double dbov = 20 * std::log10(test::rms(pcm.data(), 80000) / 32768);
      EXPECT_BETWEEN(t, dbov, -level - 0.7, -level + 0.7);
    }
  }
  dsp::ComfortNoise noise;
  noise.init(7);
  EXPECT(t, !noise.update(nullptr, 0));
  uint8_t descriptor[2];
  EXPECT_EQUAL(t, dsp::write_silence_descriptor(descriptor, 2, -52.4f), 1);
  EXPECT_EQUAL(t, descriptor[0], 52);
}
