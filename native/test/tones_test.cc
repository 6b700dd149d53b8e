// Aim: digits go out and come in by Q.23 and Q.24. Method: every digit at each rate, then one limit
// after the other: frequency, twist, length, pause, level, noise; and signals that are no digits.
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "dsp/dtmf_detector.h"
#include "dsp/tone.h"
#include "test/audio_tests.h"
#include "test/signals.h"

namespace {

constexpr char digits[] = "123A456B789C*0#D";
constexpr int rates[] = {8000, 16000, 48000};

struct Press {
  double low_offset = 0;  // Relative.
  double high_offset = 0;
  double low_db = -10;  // Below a full-scale sine.
  double high_db = -10;
  int tone_ms = 70;
  int pause_ms = 70;
  double noise_db = -200;
  int gap_at_ms = -1;  // An interruption.
  int gap_ms = 0;
};

void append(std::vector<int16_t>& pcm, int rate, char digit, const Press& press,
            test::Random& random) {
  float low = 0;
  float high = 0;
  dsp::dtmf_frequencies(digit, low, high);
  const double amplitude_low = 32767 * std::pow(10, press.low_db / 20);
  const double amplitude_high = 32767 * std::pow(10, press.high_db / 20);
  const double noise = 32767 * std::sqrt(1.5) * std::pow(10, press.noise_db / 20);
  const double phase = random.unit() * 6;
  for (int i = 0; i < rate / 1000 * (press.tone_ms + press.pause_ms); i++) {
    const double seconds = static_cast<double>(i) / rate;
    const double ms = seconds * 1000;
    double value = noise * (random.unit() * 2 - 1);
    const bool gap = ms >= press.gap_at_ms && ms < press.gap_at_ms + press.gap_ms;
    if (ms < press.tone_ms && !gap) {
      value += amplitude_low *
               std::sin(2 * test::pi * static_cast<double>(low) * (1 + press.low_offset) * seconds +
                        phase);
      value += amplitude_high * std::sin(2 * test::pi * static_cast<double>(high) *
                                             (1 + press.high_offset) * seconds +
                                         phase / 2);
    }
    pcm.push_back(static_cast<int16_t>(std::lrint(std::fmin(std::fmax(value, -32768), 32767))));
  }
}

std::vector<dsp::DtmfDigit> detect(const std::vector<int16_t>& pcm, int rate) {
  dsp::DtmfDetector detector;
  detector.init(rate);
  std::vector<dsp::DtmfDigit> found;
  const size_t frame = static_cast<size_t>(rate / 50);
  std::vector<int16_t> padded = pcm;
  padded.resize(pcm.size() + 5 * frame);
  for (size_t at = 0; at + frame <= padded.size(); at += frame) {
    dsp::DtmfDigit out[4];
    const int count = detector.process(padded.data() + at, static_cast<int>(frame), out, 4);
    for (int i = 0; i < count; i++) found.push_back(out[i]);
  }
  return found;
}

std::string text_of(const std::vector<dsp::DtmfDigit>& found) {
  std::string text;
  for (const dsp::DtmfDigit& digit : found) text.push_back(digit.digit);
  return text;
}

// How many of 16 digits times 4 alignments are heard under these conditions; each must be heard
// once.
int heard(const Press& press, int rate = 8000) {
  test::Random random(17);
  int count = 0;
  for (int shift = 0; shift < 4; shift++) {
    for (int i = 0; i < 16; i++) {
      std::vector<int16_t> pcm(static_cast<size_t>(shift * 26 * (rate / 8000)));
      append(pcm, rate, digits[i], press, random);
      if (text_of(detect(pcm, rate)) == std::string(1, digits[i])) count++;
    }
  }
  return count;
}

}  // namespace

void dtmf_all_digits(test::Context& t) {
  for (const int rate : rates) {
    std::vector<int16_t> pcm;
    test::Random random(1);
    for (int i = 0; i < 16; i++) append(pcm, rate, digits[i], {}, random);
    const auto found = detect(pcm, rate);
    EXPECT(t, text_of(found) == digits);
    for (const dsp::DtmfDigit& digit : found) EXPECT_BETWEEN(t, digit.duration_ms, 60, 80);
  }
}

void dtmf_limits(test::Context& t) {
  EXPECT_EQUAL(t, heard({}), 64);
  // Frequency: 1.5 % passes, 3.5 % does not (Q.24).
  for (const double sign : {-1.0, 1.0}) {
    EXPECT_EQUAL(t, heard({.low_offset = sign * 0.015, .high_offset = sign * 0.015}), 64);
    EXPECT_EQUAL(t, heard({.low_offset = sign * 0.015, .high_offset = -sign * 0.015}), 64);
    EXPECT_EQUAL(t, heard({.low_offset = sign * 0.035}), 0);
    EXPECT_EQUAL(t, heard({.high_offset = sign * 0.035}), 0);
  }
  // Twist.
  EXPECT_EQUAL(t, heard({.low_db = -12, .high_db = -8}), 64);
  EXPECT_EQUAL(t, heard({.low_db = -8, .high_db = -16}), 64);
  EXPECT_EQUAL(t, heard({.low_db = -16, .high_db = -8}), 0);
  EXPECT_EQUAL(t, heard({.low_db = -8, .high_db = -22}), 0);
  // Length: 40 ms counts, 23 ms does not; a pause of 40 ms parts two presses.
  EXPECT_EQUAL(t, heard({.tone_ms = 40}), 64);
  EXPECT_EQUAL(t, heard({.tone_ms = 23}), 0);
  EXPECT_EQUAL(t, heard({.tone_ms = 1500}), 64);
  // An interruption of 10 ms does not part.
  EXPECT_EQUAL(t, heard({.tone_ms = 100, .gap_at_ms = 50, .gap_ms = 9}), 64);
  // Level: -36 dB below full scale passes, -55 does not; full scale passes.
  EXPECT_EQUAL(t, heard({.low_db = -36, .high_db = -36}), 64);
  EXPECT_EQUAL(t, heard({.low_db = -55, .high_db = -55}), 0);
  EXPECT_EQUAL(t, heard({.low_db = -6.1, .high_db = -6.1}), 64);
  // Noise 15 dB below each tone.
  EXPECT(t, heard({.noise_db = -25}) >= 63);
  EXPECT_EQUAL(t, heard({.noise_db = -30}), 64);
  EXPECT_EQUAL(t, heard({.tone_ms = 50, .noise_db = -30}, 16000), 64);
}

void dtmf_separates(test::Context& t) {
  // The same digit many times with the shortest pause; the same number must come out.
  for (int shift = 0; shift < 16; shift++) {
    std::vector<int16_t> pcm(static_cast<size_t>(shift * 7));
    test::Random random(static_cast<uint64_t>(shift));
    for (int i = 0; i < 50; i++) {
      append(pcm, 8000, digits[i % 16 / 2], {.tone_ms = 50, .pause_ms = 45}, random);
    }
    EXPECT_EQUAL(t, detect(pcm, 8000).size(), 50u);
  }
  // A long press is one digit with its length.
  std::vector<int16_t> pcm;
  test::Random random(2);
  append(pcm, 8000, '5', {.tone_ms = 2000}, random);
  const auto found = detect(pcm, 8000);
  EXPECT_EQUAL(t, found.size(), 1u);
  if (!found.empty()) EXPECT_BETWEEN(t, found[0].duration_ms, 1980, 2020);
}

void dtmf_talk_off(test::Context& t) {
  // Voice-like sounds of all pitches, noise, single tones, chords and sweeps are no digits.
  size_t wrong = 0;
  const auto count = [&](const char* what, size_t found) {
    if (found > 0) std::printf("  %s taken for %zu digits\n", what, found);
    wrong += found;
  };
  for (int pitch = 70; pitch < 400; pitch += 3) {
    count("voice", detect(test::pulses(8000, pitch, 20000, 8000), 8000).size());
  }
  test::Random random(3);
  std::vector<int16_t> noise(80000);
  for (int16_t& sample : noise) sample = random.sample();
  count("noise", detect(noise, 8000).size());
  for (int hz = 300; hz < 3400; hz += 10) {
    count("a tone", detect(test::sine(8000, hz, 12000, 1600), 8000).size());
  }
  // Two voices a while apart in pitch, and a low tone of a group with a voice.
  for (int pitch = 90; pitch < 300; pitch += 7) {
    std::vector<int16_t> both = test::pulses(8000, pitch, 9000, 8000);
    const std::vector<int16_t> other = test::pulses(8000, pitch * 1.37, 9000, 8000);
    const std::vector<int16_t> tone = test::sine(8000, 770, 3000, 8000);
    for (size_t i = 0; i < both.size(); i++) {
      both[i] = static_cast<int16_t>(both[i] + other[i] + tone[i]);
    }
    count("two voices", detect(both, 8000).size());
  }
  EXPECT_EQUAL(t, wrong, 0u);
}

void tone_generator_digits(test::Context& t) {
  for (const int rate : rates) {
    dsp::ToneGenerator generator;
    std::vector<int16_t> pcm;
    const auto generate = [&](int ms) {
      std::vector<int16_t> part(static_cast<size_t>(rate / 1000 * ms));
      generator.generate(part.data(), static_cast<int>(part.size()));
      pcm.insert(pcm.end(), part.begin(), part.end());
    };
    generate(20);
    for (int i = 0; i < 16; i++) {
      EXPECT(t, generator.start_digit(rate, digits[i]));
      generate(60);
      generator.stop();
      generate(60);
      EXPECT(t, !generator.sounding());
    }
    EXPECT(t, text_of(detect(pcm, rate)) == digits);
    EXPECT(t, !generator.start_digit(rate, 'x') && !generator.start_digit(rate, '\0'));
    // Level, purity over ten minutes, no click at the edges.
    generator.start(rate, 440, -10);
    std::vector<int16_t> second(static_cast<size_t>(rate));
    for (int i = 0; i < 600; i++) generator.generate(second.data(), rate);
    const double dbov = 20 * std::log10(test::rms(second.data(), rate) / 32768);
    EXPECT_BETWEEN(t, dbov, -10.02, -9.98);
    EXPECT(t, test::tone_share(second, rate, 440) > 0.9999);
  }
}
