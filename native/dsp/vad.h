// Is somebody talking? By energy against a noise floor that adapts to the line. It answers for the
// very frame it is given: the start of a word is not lost if the caller keeps the frame that was
// just decoded. Hangover keeps word ends and short pauses in.
#pragma once

#include <cstdint>

namespace dsp {

class Vad {
 public:
  void init(int frame_ms, int hangover_ms = 300);
  // From the mean square of a frame. True: talking, hangover included.
  bool process(float mean_square);
  // Of this frame alone.
  bool voice() const { return voice_; }
  float noise_dbov() const;

 private:
  void follow_noise(float mean_square);
  static constexpr int history = 8;
  int frame_ms_ = 20;
  int hangover_frames_ = 15;
  int hangover_ = 0;
  bool voice_ = false;
  // The floor is the least smoothed power of the last two seconds, in eight parts.
  float smoothed_ = 0;
  float least_[history];
  int part_ = 0;
  int frames_in_part_ = 0;
  float noise_ = 0;
  bool started_ = false;
};

}  // namespace dsp
