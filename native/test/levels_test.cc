// Aim: gain, limiter, level and voice activity do what their headers say. Method: tones, full-scale
// sums and noisy lines, measured.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "dsp/amplify.h"
#include "dsp/gain_ramp.h"
#include "dsp/level.h"
#include "dsp/limiter.h"
#include "dsp/vad.h"
#include "test/audio_tests.h"
#include "test/signals.h"

namespace {

// The sum of some contributors through a limiter, in 20 ms frames.
std::vector<int16_t> limited(const std::vector<int32_t>& sum, int rate, int frame) {
  dsp::Limiter limiter;
  limiter.init(rate);
  std::vector<int16_t> out(sum.size());
  std::vector<int32_t> scratch(static_cast<size_t>(frame));
  for (int at = 0; at + frame <= static_cast<int>(sum.size()); at += frame) {
    dsp::limited_minus_one(dsp::select_kernels(), limiter, out.data() + at, sum.data() + at,
                           nullptr, scratch.data(), frame);
  }
  return out;
}

int loudest(const std::vector<int16_t>& pcm) {
  int most = 0;
  for (const int16_t sample : pcm) most = std::max(most, std::abs(int{sample}));
  return most;
}

}  // namespace

void limiter_full_scale(test::Context& t) {
  // Eight contributors at full scale: noise, equal tones, different tones; no sample over -1 dBFS.
  for (const int rate : {8000, 16000, 48000}) {
    for (int kind = 0; kind < 3; kind++) {
      test::Random random(static_cast<uint64_t>(kind + rate));
      std::vector<int32_t> sum(static_cast<size_t>(rate * 2));
      for (int i = 0; i < 8; i++) {
        const double hz = kind == 1 ? 440 : 300 + 90 * i;
        for (size_t j = 0; j < sum.size(); j++) {
          sum[j] += kind == 0
                        ? random.sample()
                        : static_cast<int32_t>(std::lrint(
                              32767 * std::sin(2 * test::pi * hz * static_cast<double>(j) / rate)));
        }
      }
      const std::vector<int16_t> out = limited(sum, rate, rate / 50);
      EXPECT(t, loudest(out) <= dsp::limit_peak);
      EXPECT(t, loudest(out) >= dsp::limit_peak * 8 / 10);
      if (kind != 1) continue;
      // Distortion of the tone: what is not 440 Hz, after the first 100 ms.
      const std::vector<int16_t> settled(out.begin() + rate / 10, out.end());
      const double share = test::tone_share(settled, rate, 440);
      EXPECT(t, 1 - share < 1e-4);
      if (rate == 8000) {
        std::printf("  limiter: 8 equal full-scale tones, %.1f dB of distortion\n",
                    10 * std::log10(std::fmax(1 - share, 1e-9)));
      }
    }
  }
}

void limiter_transparent(test::Context& t) {
  // Below the limit, bit for bit; also again some time after a loud moment.
  test::Random random(5);
  std::vector<int32_t> sum(160 * 200);
  for (int32_t& sample : sum) sample = random.below(2 * dsp::limit_peak + 1) - dsp::limit_peak;
  const std::vector<int16_t> out = limited(sum, 8000, 160);
  EXPECT(t, std::equal(sum.begin(), sum.end(), out.begin()));
  for (int i = 1600; i < 1760; i++) sum[static_cast<size_t>(i)] *= 5;
  const std::vector<int16_t> after = limited(sum, 8000, 160);
  EXPECT(t, std::equal(sum.begin(), sum.begin() + 1600, after.begin()));
  EXPECT(t, !std::equal(sum.begin() + 1600, sum.begin() + 4000, after.begin() + 1600));
  EXPECT(t, std::equal(sum.begin() + 1760 + 8000, sum.end(), after.begin() + 1760 + 8000));
}

void limiter_no_steps(test::Context& t) {
  // A tone that swells to 12 dB over the limit and back: the gain moves without a step.
  const int rate = 8000;
  std::vector<int32_t> sum(static_cast<size_t>(rate * 4));
  for (size_t i = 0; i < sum.size(); i++) {
    const double at = static_cast<double>(i) / rate;
    const double amplitude = 110000 * std::pow(std::sin(test::pi * at / 4), 2);
    sum[i] = static_cast<int32_t>(amplitude * std::sin(2 * test::pi * 200 * at));
  }
  const std::vector<int16_t> out = limited(sum, rate, 160);
  // A tone of 200 Hz at the limit moves by 4580 between samples.
  EXPECT(t, test::largest_step(out) <= 4700);
  EXPECT(t, loudest(out) <= dsp::limit_peak);
}

void limiter_minus_one(test::Context& t) {
  // minus one through the limiter equals the exact difference while that is below the limit.
  test::Random random(6);
  int32_t sum[160];
  int16_t own[160];
  int16_t out[160];
  int32_t scratch[160];
  dsp::Limiter limiter;
  limiter.init(8000);
  for (int i = 0; i < 160; i++) {
    own[i] = random.sample();
    sum[i] = own[i] + random.below(50000) - 25000;
  }
  const int32_t peak =
      dsp::limited_minus_one(dsp::select_kernels(), limiter, out, sum, own, scratch, 160);
  EXPECT(t, peak <= 25000);
  for (int i = 0; i < 160; i++) EXPECT_EQUAL(t, out[i], sum[i] - own[i]);
}

void gain_ramp_moves(test::Context& t) {
  dsp::GainRamp ramp;
  EXPECT(t, ramp.unity());
  std::vector<int16_t> pcm(480, 10000);
  const dsp::Kernels& kernels = dsp::select_kernels();
  ramp.move_to(0, 400);
  // In parts, as frames come.
  ramp.apply(kernels, pcm.data(), 160);
  EXPECT(t, ramp.moving());
  ramp.apply(kernels, pcm.data() + 160, 160);
  ramp.apply(kernels, pcm.data() + 320, 160);
  EXPECT(t, ramp.silent());
  for (size_t i = 0; i < 400; i++) {
    EXPECT_BETWEEN(t, pcm[i], 10000 - 25 * static_cast<int>(i) - 1,
                   10000 - 25 * static_cast<int>(i) + 1);
  }
  for (size_t i = 400; i < 480; i++) EXPECT_EQUAL(t, pcm[i], 0);
  ramp.set(dsp::gain_of_db(-6.0206));
  int16_t sample = 20000;
  ramp.apply(kernels, &sample, 1);
  EXPECT_BETWEEN(t, sample, 9999, 10001);
  EXPECT_EQUAL(t, dsp::gain_of_db(0), dsp::unity_gain);
  EXPECT_EQUAL(t, dsp::gain_of_db(60), dsp::max_gain);
}

void level_dbov_values(test::Context& t) {
  const dsp::Kernels& kernels = dsp::select_kernels();
  std::vector<int16_t> pcm(800, -32768);
  EXPECT_EQUAL(t, dsp::level_dbov(kernels.energy(pcm.data(), 800), 800), 0.0f);
  pcm = test::sine(8000, 1000, 32767, 800);
  EXPECT_BETWEEN(t, dsp::level_dbov(kernels.energy(pcm.data(), 800), 800), -3.02, -3.0);
  pcm.assign(800, 0);
  EXPECT_EQUAL(t, dsp::level_dbov(kernels.energy(pcm.data(), 800), 800), -127.0f);
  EXPECT_EQUAL(t, dsp::rfc6464_level(-30.4f), 30);
  EXPECT_EQUAL(t, dsp::rfc6464_level(-300), 127);
}

void vad_follows_the_line(test::Context& t) {
  // Talk 15 dB over the noise is found in its first frame, at every noise level; noise alone is not
  // talk.
  test::Random random(9);
  for (const double noise_dbov : {-75.0, -60.0, -50.0}) {
    dsp::Vad vad;
    vad.init(20);
    const double noise = std::pow(10, noise_dbov / 10) * 32768 * 32768;
    const auto frame = [&](double times) {
      return static_cast<float>(noise * times * (0.8 + 0.4 * random.unit()));
    };
    int talking = 0;
    for (int i = 0; i < 200; i++) talking += vad.process(frame(1)) ? 1 : 0;
    EXPECT_EQUAL(t, talking, 0);
    const bool audible = noise_dbov + 15 > -60;
    EXPECT_EQUAL(t, vad.process(frame(31.6)), audible);
    if (!audible) continue;
    // Hangover of 300 ms, then quiet again; seven seconds of talk with pauses do not lift the
    // floor.
    for (int i = 0; i < 15; i++) EXPECT(t, vad.process(frame(1)));
    EXPECT(t, !vad.process(frame(1)));
    for (int i = 0; i < 350; i++) vad.process(frame(i % 50 < 40 ? 100 : 1));
    EXPECT_BETWEEN(t, vad.noise_dbov(), noise_dbov - 2, noise_dbov + 2);
  }
  // A steady tone at talking level stays talk.
  dsp::Vad vad;
  vad.init(20);
  bool always = true;
  for (int i = 0; i < 1000; i++) always = vad.process(1e6f) && always;
  EXPECT(t, always);
}

void vad_first_word(test::Context& t) {
  // Somebody talks at once, without a pause to know the line by; even a quiet voice is heard until
  // the first pause tells.
  for (const double dbov : {-45.0, -35.0, -20.0}) {
    dsp::Vad vad;
    const auto square = static_cast<float>(std::pow(10, dbov / 10) * 32768 * 32768);
    for (int i = 0; i < 50; i++) EXPECT(t, vad.process(square * (i % 2 == 0 ? 1.2f : 0.9f)));
  }
  // What the line does not send says nothing of its noise.
  dsp::Vad vad;
  for (int i = 0; i < 200; i++) vad.process(20000);
  const float before = vad.noise_dbov();
  for (int i = 0; i < 200; i++) EXPECT(t, !vad.pause() || i < 20);
  EXPECT_EQUAL(t, vad.noise_dbov(), before);
}

void amplify_exact(test::Context& t) {
  test::Random random(8);
  for (int count = 0; count < 100; count++) {
    std::vector<int16_t> in(static_cast<size_t>(count));
    for (int16_t& sample : in) sample = random.sample();
    std::vector<int32_t> out(in.size() + 1);
    const float gain = static_cast<float>(random.unit() * 15);
    const float step = (1 - gain) / 100;
    const int32_t peak = dsp::amplify(out.data(), in.data(), count, gain, step);
    int32_t largest = 0;
    for (int i = 0; i < count; i++) {
      const double exact = static_cast<double>(in[static_cast<size_t>(i)]) *
                           (static_cast<double>(gain) + static_cast<double>(step) * i);
      EXPECT(t, std::fabs(out[static_cast<size_t>(i)] - exact) < 1.1);
      largest = std::max(largest, std::abs(out[static_cast<size_t>(i)]));
    }
    EXPECT_EQUAL(t, peak, largest);
  }
}
