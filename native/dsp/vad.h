// Is somebody talking? By energy against a noise floor that adapts to the line. It answers for the
// very frame it is given: the start of a word is not lost if the caller keeps the frame that was
// just decoded. Hangover keeps word ends and short pauses in.
#pragma once

#include <cstdint>

namespace dsp {

class Vad {
 public:
  // Usable without: frames of 20 ms, hangover of 400 ms.
  void init(int frame_ms, int hangover_ms = 300);
  // From the mean square of a frame. True: talking, hangover included.
  bool process(float mean_square);
  // A frame for which the line gave nothing: it says nothing of the noise. True as above.
  bool pause();
  // What process or pause said last.
  bool talking() const { return talking_; }
  // Of this frame alone.
  bool voice() const { return voice_; }
  // This frame stands out of the noise, be it as weakly as the first consonant of a word.
  bool sound() const { return sound_; }
  float noise_dbov() const;

 private:
  // -55 dBov: assumed before anything is known. The minimum of smoothed noise power lies below its
  // mean by the bias.
  static constexpr float first_noise = 3395.0f;
  static constexpr float bias = 1.4f;
  static constexpr float first_least = first_noise / bias;
  static constexpr int history = 8;

  bool hang_over();
  void follow_noise(float mean_square);

  uint8_t frame_ms_ = 20;
  uint8_t hangover_frames_ = 20;
  uint8_t hangover_ = 0;
  uint8_t part_ = 0;
  uint8_t frames_in_part_ = 0;
  bool voice_ = false;
  bool sound_ = false;
  bool talking_ = false;
  bool started_ = false;
  // The floor is the least smoothed power of the last two seconds, in eight parts. What is assumed
  // at first counts as one of them, so that a word at the very beginning is no noise.
  float smoothed_ = 0;
  float noise_ = first_noise;
  float least_before_ = first_least;  // of all parts but the present one
  float least_[history] = {first_least, first_least, first_least, first_least,
                           first_least, first_least, first_least, first_least};
};

}  // namespace dsp
