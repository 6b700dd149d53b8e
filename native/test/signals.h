// Signals to test with, and measures of them.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace test {

inline constexpr double pi = 3.14159265358979323846;

inline std::vector<int16_t> sine(int rate_hz, double hz, double amplitude, int samples,
                                 double phase = 0) {
  std::vector<int16_t> pcm(static_cast<size_t>(samples));
  for (int i = 0; i < samples; i++) {
    pcm[static_cast<size_t>(i)] =
        static_cast<int16_t>(std::lrint(amplitude * std::sin(2 * pi * hz * i / rate_hz + phase)));
  }
  return pcm;
}

// Decaying resonance at 500 Hz, struck at the pitch: like a vowel.
inline std::vector<int16_t> pulses(int rate_hz, double pitch_hz, double amplitude, int samples) {
  std::vector<int16_t> pcm(static_cast<size_t>(samples));
  const double period = rate_hz / pitch_hz;
  for (int i = 0; i < samples; i++) {
    const double seconds = std::fmod(i, period) / rate_hz;
    pcm[static_cast<size_t>(i)] = static_cast<int16_t>(amplitude * std::exp(-seconds * 300) *
                                                       std::sin(2 * pi * 500 * seconds));
  }
  return pcm;
}

inline double rms(const int16_t* pcm, int samples) {
  double sum = 0;
  for (int i = 0; i < samples; i++) sum += static_cast<double>(pcm[i]) * pcm[i];
  return std::sqrt(sum / samples);
}

inline int largest_step(const std::vector<int16_t>& pcm) {
  int largest = 0;
  for (size_t i = 1; i < pcm.size(); i++) {
    const int step = std::abs(pcm[i] - pcm[i - 1]);
    if (step > largest) largest = step;
  }
  return largest;
}

// Amplitude of the tone in the span, through a Hann window so that a louder one beside it does not
// leak in.
inline double tone_amplitude(const int16_t* pcm, int samples, int rate_hz, double hz) {
  double s = 0;
  double c = 0;
  for (int i = 0; i < samples; i++) {
    const double window = 1 - std::cos(2 * pi * (i + 0.5) / samples);
    s += window * pcm[i] * std::sin(2 * pi * hz * i / rate_hz);
    c += window * pcm[i] * std::cos(2 * pi * hz * i / rate_hz);
  }
  return 2 * std::sqrt(s * s + c * c) / samples;
}

// Share of the power that lies in the tone.
inline double tone_share(const std::vector<int16_t>& pcm, int rate_hz, double hz) {
  const int samples = static_cast<int>(pcm.size());
  const double level = rms(pcm.data(), samples);
  const double tone = tone_amplitude(pcm.data(), samples, rate_hz, hz);
  return tone * tone / 2 / (level * level);
}

inline double snr_db(const std::vector<int16_t>& wanted, const std::vector<int16_t>& got) {
  double signal = 0;
  double noise = 1e-9;
  for (size_t i = 0; i < wanted.size(); i++) {
    const double error = static_cast<double>(wanted[i]) - got[i];
    signal += static_cast<double>(wanted[i]) * wanted[i];
    noise += error * error;
  }
  return 10 * std::log10(signal / noise);
}

// What of a stretch is not the tone, in dB below the tone: the best sinusoid of that frequency
// taken out.
inline double residue_db(const int16_t* pcm, int samples, double hz, int rate_hz) {
  double in_phase = 0, quadrature = 0, energy = 0;
  for (int n = 0; n < samples; n++) {
    const double angle = 2 * pi * hz * n / rate_hz;
    in_phase += pcm[n] * std::cos(angle) * 2 / samples;
    quadrature += pcm[n] * std::sin(angle) * 2 / samples;
    energy += static_cast<double>(pcm[n]) * pcm[n];
  }
  const double tone = (in_phase * in_phase + quadrature * quadrature) * samples / 2;
  return 10 * std::log10(std::fmax(energy - tone, 1.0) / tone);
}

}  // namespace test
