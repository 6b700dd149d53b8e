// Takes steady noise (fans, hiss, hum) out of a voice: the spectrum in bands, each attenuated by
// how little it stands above the noise in it, by 14 dB at most. Adds 10 ms of delay. For one stream
// of 20 ms frames at 8, 16 or 48 kHz.
//
//   frame = two halves; each half with the one before it is a window of 20 ms (sine, half overlap)
//   both windows of a frame go through one complex FFT, as its real and its imaginary part
#pragma once

#include <cstdint>

namespace dsp {

class NoiseSuppressor {
 public:
  // False: a rate other than 8000, 16000, 48000.
  bool init(int sample_rate_hz);
  int rate_hz() const { return rate_hz_; }
  // A frame of 20 ms, in place.
  void process(int16_t* pcm);

 private:
  static constexpr int longest_half = 480;
  static constexpr int most_bands = 24;

  struct Band {
    int begin = 0;           // first bin
    float smoothed = 0;      // power
    float least = 0;         // of this window of time
    float least_before = 0;  // of the one before
    float noise = 0;
    float kept = 0;  // a posteriori SNR after the gain, of the last window
    float gain = 1;
  };
  struct Spectrum;

  void follow_noise(Band& band, float power);
  void set_gains(const float* power, float* gains);

  int rate_hz_ = 0;
  int half_ = 0;   // samples of 10 ms
  int size_ = 0;   // of the FFT
  int order_ = 0;  // its logarithm
  int bands_ = 0;
  int windows_ = 0;  // so far, up to what the first estimate needs
  int in_part_ = 0;
  Band band_[most_bands + 1];
  float window_[longest_half] = {};  // its rising half
  float before_[longest_half] = {};  // the second half of the frame before
  float tail_[longest_half] = {};    // of the output, not complete yet
};

}  // namespace dsp
