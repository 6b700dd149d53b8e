// Aim: rates change within the stated ripple and stop band, and frame borders are silent. Method: a
// tone at a time, swept over the band, measured at the output; what folds or mirrors is all that is
// not the tone.
#include "dsp/resampler.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "test/audio_tests.h"
#include "test/signals.h"

namespace {

std::vector<int16_t> resampled(const std::vector<int16_t>& in, int from, int to,
                               int frame_ms = 20) {
  dsp::Resampler resampler;
  resampler.init(from, to);
  std::vector<int16_t> out(in.size() * static_cast<size_t>(to) / static_cast<size_t>(from) + 16);
  const int frame = from / 1000 * frame_ms;
  int written = 0;
  for (int at = 0; at + frame <= static_cast<int>(in.size()); at += frame) {
    written +=
        resampler.process(dsp::select_kernels(), in.data() + at, frame, out.data() + written);
  }
  out.resize(static_cast<size_t>(written));
  return out;
}

constexpr int pairs[][2] = {{8000, 16000}, {16000, 8000},  {8000, 48000},
                            {48000, 8000}, {16000, 48000}, {48000, 16000}};

}  // namespace

void resampler_response(test::Context& t) {
  for (const auto& pair : pairs) {
    const int from = pair[0];
    const int to = pair[1];
    const int low = std::min(from, to);
    const double pass_hz = low == 8000 ? 3400 : 7100;
    const double stop_hz = low / 2.0;
    double least_db = 100;
    double most_db = -100;
    double image_db = -200;
    for (double hz = 20; hz <= pass_hz; hz += pass_hz / 97) {
      const std::vector<int16_t> in = test::sine(from, hz, 16000, from / 2);
      std::vector<int16_t> out = resampled(in, from, to);
      out.erase(out.begin(), out.begin() + to / 10);
      const int count = static_cast<int>(out.size());
      const double amplitude = test::tone_amplitude(out.data(), count, to, hz);
      const double db = 20 * std::log10(amplitude / 16000);
      least_db = std::fmin(least_db, db);
      most_db = std::fmax(most_db, db);
      // Going up, mirror images are where the tone is not.
      if (to > from) {
        for (int image = 1; image < to / from; image++) {
          const double mirrored = std::fabs(image * static_cast<double>(from) - hz);
          if (mirrored >= to / 2.0) continue;
          const double level = test::tone_amplitude(out.data(), count, to, mirrored);
          image_db = std::fmax(image_db, 20 * std::log10(std::fmax(level, 1e-3) / 16000));
        }
      }
    }
    double alias_db = -200;
    if (to < from) {
      for (double hz = stop_hz; hz < from / 2.0; hz += (from / 2.0 - stop_hz) / 97) {
        const std::vector<int16_t> in = test::sine(from, hz, 30000, from / 2);
        std::vector<int16_t> out = resampled(in, from, to);
        out.erase(out.begin(), out.begin() + to / 10);
        const double level = test::rms(out.data(), static_cast<int>(out.size())) * std::sqrt(2.0);
        alias_db = std::fmax(alias_db, 20 * std::log10(std::fmax(level, 1e-3) / 30000));
      }
    }
    dsp::Resampler resampler;
    resampler.init(from, to);
    std::printf("  %d -> %d: pass band %+.2f to %+.2f dB, worst %s %.1f dB, delay %.2f ms\n", from,
                to, least_db, most_db, to > from ? "image" : "alias",
                to > from ? image_db : alias_db, resampler.delay_us() / 1000.0);
    EXPECT(t, most_db - least_db <= 0.5);
    EXPECT(t, std::fabs(most_db) <= 0.3 && std::fabs(least_db) <= 0.3);
    EXPECT(t, image_db <= -60 && alias_db <= -60);
  }
}

void resampler_borders(test::Context& t) {
  // The result does not depend on how the stream is cut, and a full-scale square does not wrap.
  test::Random random(12);
  for (const auto& pair : pairs) {
    std::vector<int16_t> in(static_cast<size_t>(pair[0]));
    for (int16_t& sample : in) sample = random.sample();
    EXPECT(t, resampled(in, pair[0], pair[1], 20) == resampled(in, pair[0], pair[1], 10));
    EXPECT(t, resampled(in, pair[0], pair[1], 20) == resampled(in, pair[0], pair[1], 50));
    for (size_t i = 0; i < in.size(); i++) in[i] = i / 40 % 2 == 0 ? 32767 : -32768;
    const std::vector<int16_t> out = resampled(in, pair[0], pair[1]);
    // A wrapped sample would jump from one end to the other.
    int wrong = 0;
    for (size_t i = 1; i < out.size(); i++) {
      if (std::abs(out[i] - out[i - 1]) > 64000) wrong++;
    }
    EXPECT_EQUAL(t, wrong, 0);
  }
  dsp::Resampler resampler;
  EXPECT(t, !resampler.init(8000, 44100) && !resampler.init(44100, 44100));
  EXPECT(t, resampler.init(8000, 8000) && resampler.delay_us() == 0);
}
