#include "dsp/tone.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace dsp {
namespace {

constexpr float rows[4] = {697, 770, 852, 941};
constexpr float columns[4] = {1209, 1336, 1477, 1633};
constexpr char keys[] = "123A456B789C*0#D";
constexpr double pi = 3.14159265358979323846;
constexpr int edge_ms = 2;

// Peak of a sine of this power.
float amplitude_of(float dbov) {
  return 32768.0f * 1.41421356f * std::pow(10.0f, dbov / 20);
}

}  // namespace

bool dtmf_frequencies(char digit, float& low_hz, float& high_hz) {
  const char* key = digit == '\0' ? nullptr : std::strchr(keys, digit);
  if (key == nullptr) return false;
  low_hz = rows[(key - keys) / 4];
  high_hz = columns[(key - keys) % 4];
  return true;
}

void ToneGenerator::start(int sample_rate_hz, float first_hz, float first_dbov, float second_hz,
                          float second_dbov) {
  const float hz[2] = {first_hz, second_hz};
  const float dbov[2] = {first_dbov, second_dbov};
  for (int i = 0; i < 2; i++) {
    Oscillator& oscillator = oscillators_[i];
    const double turn = 2 * pi * static_cast<double>(hz[i]) / sample_rate_hz;
    oscillator = Oscillator{};
    oscillator.turn_cosine = static_cast<float>(std::cos(turn));
    oscillator.turn_sine = static_cast<float>(std::sin(turn));
    oscillator.amplitude = hz[i] > 0 ? amplitude_of(dbov[i]) : 0;
  }
  envelope_ = 0;
  envelope_step_ = 1000.0f / static_cast<float>(edge_ms * sample_rate_hz);
  stopping_ = false;
}

bool ToneGenerator::start_digit(int sample_rate_hz, char digit, float dbov) {
  float low_hz = 0;
  float high_hz = 0;
  if (!dtmf_frequencies(digit, low_hz, high_hz)) return false;
  // 4.12 and 2.12 dB below the sum of both.
  start(sample_rate_hz, low_hz, dbov - 4.12f, high_hz, dbov - 2.12f);
  return true;
}

void ToneGenerator::generate(int16_t* pcm, int samples) {
  if (!sounding()) {
    std::memset(pcm, 0, static_cast<size_t>(samples) * sizeof(int16_t));
    return;
  }
  for (int i = 0; i < samples; i++) {
    envelope_ = stopping_ ? std::max(0.0f, envelope_ - envelope_step_)
                          : std::min(1.0f, envelope_ + envelope_step_);
    float value = 0;
    for (Oscillator& o : oscillators_) {
      value += o.sine * o.amplitude;
      const float cosine = o.cosine * o.turn_cosine - o.sine * o.turn_sine;
      o.sine = o.cosine * o.turn_sine + o.sine * o.turn_cosine;
      o.cosine = cosine;
    }
    pcm[i] = static_cast<int16_t>(std::clamp(std::lrintf(value * envelope_), -32768L, 32767L));
  }
  // Rounding would let the circle grow or shrink over minutes.
  for (Oscillator& o : oscillators_) {
    const float correction = 1.5f - 0.5f * (o.cosine * o.cosine + o.sine * o.sine);
    o.cosine *= correction;
    o.sine *= correction;
  }
}

}  // namespace dsp
