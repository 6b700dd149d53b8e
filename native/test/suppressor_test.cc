// Aim: noise suppression takes noise and leaves the voice. Method: a voice-like sound with pauses
// in white noise, whose clean version is known.
#include <algorithm>
#include <cmath>
#include <vector>

#include "dsp/fft.h"
#include "dsp/noise_suppressor.h"
#include "test/audio_tests.h"
#include "test/signals.h"

namespace {

/** Syllables of 200 ms with pauses of 100 ms and, each second, one of 400 ms. */
std::vector<int16_t> voice(int rate, int seconds) {
  std::vector<int16_t> pcm = test::pulses(rate, 120, 12000, rate * seconds);
  for (size_t i = 0; i < pcm.size(); i++) {
    const int ms = static_cast<int>(i * 1000 / static_cast<size_t>(rate)) % 1000;
    const double place = ms < 600 ? (ms % 300) / 200.0 : 2;
    const double envelope = place < 1 ? std::sin(test::pi * place) : 0;
    pcm[i] = static_cast<int16_t>(pcm[i] * envelope);
  }
  return pcm;
}

std::vector<int16_t> suppressed(const std::vector<int16_t>& in, int rate) {
  dsp::NoiseSuppressor suppressor;
  suppressor.init(rate);
  std::vector<int16_t> out = in;
  const auto frame = static_cast<size_t>(rate / 50);
  for (size_t at = 0; at + frame <= out.size(); at += frame) suppressor.process(out.data() + at);
  // The delay of 10 ms is taken off again.
  out.erase(out.begin(), out.begin() + rate / 100);
  return out;
}

/** Power of the difference to the clean sound over its power, after the first two seconds. */
double snr(const std::vector<int16_t>& clean, const std::vector<int16_t>& got, int rate) {
  const auto skip = static_cast<size_t>(2 * rate);
  const std::vector<int16_t> wanted(clean.begin() + static_cast<long>(skip),
                                    clean.begin() + static_cast<long>(got.size()));
  return test::snr_db(wanted, {got.begin() + static_cast<long>(skip), got.end()});
}

}  // namespace

void fft_inverse(test::Context& t) {
  for (int order = 1; order <= dsp::fft_most_order; order++) {
    const int count = 1 << order;
    std::vector<float> re(static_cast<size_t>(count));
    std::vector<float> im(re.size());
    test::Random random(static_cast<uint64_t>(order));
    for (float& value : re) value = static_cast<float>(random.sample());
    for (float& value : im) value = static_cast<float>(random.sample());
    const std::vector<float> re_before = re;
    const std::vector<float> im_before = im;
    dsp::fft(re.data(), im.data(), order, false);
    // One line against its definition.
    const int line = count / 3;
    double x = 0;
    double y = 0;
    for (int i = 0; i < count; i++) {
      const double angle = -2 * test::pi * line * i / count;
      const auto at = static_cast<size_t>(i);
      x += re_before[at] * std::cos(angle) - im_before[at] * std::sin(angle);
      y += re_before[at] * std::sin(angle) + im_before[at] * std::cos(angle);
    }
    EXPECT(t, std::fabs(re[static_cast<size_t>(line)] - x) < 32768.0 * count * 1e-5);
    EXPECT(t, std::fabs(im[static_cast<size_t>(line)] - y) < 32768.0 * count * 1e-5);
    dsp::fft(re.data(), im.data(), order, true);
    for (size_t i = 0; i < re.size(); i++) {
      EXPECT(t, std::fabs(re[i] - re_before[i]) < 0.1f);
      EXPECT(t, std::fabs(im[i] - im_before[i]) < 0.1f);
    }
  }
}

void suppressor_takes_noise(test::Context& t) {
  for (const int rate : {8000, 16000, 48000}) {
    const std::vector<int16_t> clean = voice(rate, 8);
    std::vector<int16_t> noisy = clean;
    test::Random random(6);
    for (int16_t& sample : noisy) {
      sample = static_cast<int16_t>(std::clamp(sample + random.below(1601) - 800, -32768, 32767));
    }
    const std::vector<int16_t> out = suppressed(noisy, rate);
    const double before =
        snr(clean, std::vector<int16_t>(noisy.begin(), noisy.end() - rate / 100), rate);
    const double after = snr(clean, out, rate);
    // In the pauses: the last 200 ms of each second.
    double noise_in = 0;
    double noise_out = 0;
    for (int second = 3; second < 7; second++) {
      const int at = second * rate + rate * 8 / 10;
      noise_in += test::rms(noisy.data() + at, rate / 10);
      noise_out += test::rms(out.data() + at, rate / 10);
    }
    const double pauses = 20 * std::log10(noise_in / noise_out);
    std::printf("  noise suppression %d Hz: SNR %.1f -> %.1f dB, in pauses %.1f dB less\n", rate,
                before, after, pauses);
    EXPECT(t, after > before + 3);
    EXPECT(t, pauses > 10);
  }
}

void suppressor_keeps_voice(test::Context& t) {
  for (const int rate : {8000, 16000, 48000}) {
    const std::vector<int16_t> clean = voice(rate, 8);
    const double kept = snr(clean, suppressed(clean, rate), rate);
    std::printf("  noise suppression %d Hz: a clean voice comes out at %.1f dB SNR\n", rate, kept);
    EXPECT(t, kept > 15);
  }
}
