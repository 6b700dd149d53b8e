#include "dsp/noise_suppressor.h"

#include <algorithm>
#include <cmath>

#include "dsp/fft.h"

namespace dsp {
namespace {

constexpr float pi = 3.14159265f;
constexpr int most_points = 1 << fft_most_order;
// Edges of the bands in Hz, about as wide as hearing resolves.
constexpr int edges[] = {0,    100,  200,  300,  400,  510,   630,  770,  920,
                         1080, 1270, 1480, 1720, 2000, 2320,  2700, 3150, 3700,
                         4400, 5300, 6400, 7700, 9500, 12000, 24000};
// Powers are of windows of 10 ms; 2 s make a part of the least power, two of them are
// looked at: speech leaves every band for a moment within that time.
constexpr int part_windows = 200;
constexpr int first_windows = 10;
constexpr float smoothing = 0.2f;
// Above so many times the least smoothed power somebody talks, and the noise is left alone.
constexpr float talk_ratio = 2.0f;
constexpr float noise_rate = 0.06f;
// Ephraim and Malah: how much of the SNR is that of the window before.
constexpr float memory = 0.85f;
// Noise is taken for more than its mean, so that its swings stay down too.
constexpr float caution = 1.2f;
constexpr float least_gain = 0.2f;  // -14 dB
constexpr float tiny = 1.0f;

}  // namespace

bool NoiseSuppressor::init(int sample_rate_hz) {
  *this = NoiseSuppressor{};
  if (sample_rate_hz != 8000 && sample_rate_hz != 16000 && sample_rate_hz != 48000) return false;
  rate_hz_ = sample_rate_hz;
  half_ = sample_rate_hz / 100;
  order_ = sample_rate_hz == 8000 ? 8 : sample_rate_hz == 16000 ? 9 : 10;
  size_ = 1 << order_;
  const int nyquist = sample_rate_hz / 2;
  for (const int edge : edges) {
    if (bands_ == most_bands) break;
    band_[bands_].begin = edge * size_ / sample_rate_hz;
    if (edge >= nyquist) break;
    bands_++;
  }
  band_[bands_].begin = size_ / 2 + 1;
  for (int i = 0; i < half_; i++) {
    window_[i] = std::sin(pi * (static_cast<float>(i) + 0.5f) / static_cast<float>(2 * half_));
  }
  return true;
}

void NoiseSuppressor::follow_noise(Band& band, float power) {
  if (windows_ < first_windows) {
    // What is heard first is taken for noise until something quieter comes.
    band.smoothed = windows_ == 0 ? power : std::min(band.smoothed, power);
    band.least = band.least_before = band.noise = band.smoothed;
    return;
  }
  band.smoothed += smoothing * (power - band.smoothed);
  if (in_part_ == 0) {
    band.least_before = band.least;
    band.least = band.smoothed;
  }
  band.least = std::min(band.least, band.smoothed);
  const float least = std::min(band.least, band.least_before);
  if (band.smoothed <= least * talk_ratio) band.noise += noise_rate * (power - band.noise);
  // A line that became quieter, and one whose noise grew for good.
  band.noise = std::clamp(band.noise, least, least * talk_ratio);
}

void NoiseSuppressor::set_gains(const float* power, float* gains) {
  for (int b = 0; b < bands_; b++) {
    Band& band = band_[b];
    float sum = 0;
    const int end = band_[b + 1].begin;
    for (int k = band.begin; k < end; k++) sum += power[k];
    const float mean = sum / static_cast<float>(std::max(1, end - band.begin));
    follow_noise(band, mean);
    const float snr = mean / (band.noise * caution + tiny);
    const float prior = memory * band.kept + (1 - memory) * std::max(snr - 1, 0.0f);
    band.gain = std::max(least_gain, prior / (1 + prior));
    band.kept = band.gain * band.gain * snr;
  }
  windows_ = std::min(windows_ + 1, first_windows);
  in_part_ = (in_part_ + 1) % part_windows;
  // Lines between the middles of the bands.
  int at = 0;
  for (int b = 0; b < bands_; b++) {
    const int middle = (band_[b].begin + band_[b + 1].begin) / 2;
    const float from = b == 0 ? band_[0].gain : band_[b - 1].gain;
    const int begin = at;
    for (; at < middle; at++) {
      const float part = static_cast<float>(at - begin) / static_cast<float>(middle - begin);
      gains[at] = from + part * (band_[b].gain - from);
    }
  }
  for (; at <= size_ / 2; at++) gains[at] = band_[bands_ - 1].gain;
}

void NoiseSuppressor::process(int16_t* pcm) {
  float re[most_points] = {};
  float im[most_points] = {};
  // Rising over the first half of a window, falling over the second.
  for (int i = 0; i < half_; i++) {
    const auto first = static_cast<float>(pcm[i]);
    const auto second = static_cast<float>(pcm[half_ + i]);
    const float falling = window_[half_ - 1 - i];
    re[i] = before_[i] * window_[i];
    re[half_ + i] = first * falling;
    im[i] = first * window_[i];
    im[half_ + i] = second * falling;
    before_[i] = second;
  }
  fft(re, im, order_, false);
  // The two spectra are the even and the odd part; each gets its gains and they join again.
  float power[2][most_points / 2 + 1];
  float gains[2][most_points / 2 + 1];
  for (int k = 0; k <= size_ / 2; k++) {
    const int m = (size_ - k) % size_;
    const float ar = re[k] + re[m];
    const float ai = im[k] - im[m];
    const float br = im[k] + im[m];
    const float bi = re[m] - re[k];
    power[0][k] = (ar * ar + ai * ai) * 0.25f;
    power[1][k] = (br * br + bi * bi) * 0.25f;
  }
  set_gains(power[0], gains[0]);
  set_gains(power[1], gains[1]);
  for (int k = 0; k <= size_ / 2; k++) {
    const int m = (size_ - k) % size_;
    const float ga = gains[0][k] * 0.5f;
    const float gb = gains[1][k] * 0.5f;
    const float ar = (re[k] + re[m]) * ga;
    const float ai = (im[k] - im[m]) * ga;
    const float br = (im[k] + im[m]) * gb;
    const float bi = (re[m] - re[k]) * gb;
    re[k] = ar - bi;
    im[k] = ai + br;
    re[m] = ar + bi;
    im[m] = br - ai;
  }
  fft(re, im, order_, true);
  const auto put = [](float value) {
    return static_cast<int16_t>(std::lrintf(std::clamp(value, -32768.0f, 32767.0f)));
  };
  for (int i = 0; i < half_; i++) {
    const float falling = window_[half_ - 1 - i];
    pcm[i] = put(tail_[i] + re[i] * window_[i]);
    pcm[half_ + i] = put(re[half_ + i] * falling + im[i] * window_[i]);
    tail_[i] = im[half_ + i] * falling;
  }
}

}  // namespace dsp
