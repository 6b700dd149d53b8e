// Fills lost audio after any decoder by repeating the last pitch periods, in the manner of G.711
// Appendix I, but without its 3.75 ms of added delay: the seam at the start is closed by an offset
// that dies away instead of an overlap with samples that have been played already. Fades out by 60
// ms; the first good samples are blended with what the repetition would have gone on with.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dsp {

class Concealment {
 public:
  // Memory for init: history and pitch buffer.
  static size_t bytes_for(int sample_rate_hz);
  // `memory` is aligned to 4. Rates from 8 to 48 kHz in whole kHz times 4.
  void init(void* memory, int sample_rate_hz);
  void reset();

  // Received audio passes through; after a loss its beginning is blended.
  void good(int16_t* pcm, int samples);
  // Audio that something else filled in (the codec's own concealment): remembered, not changed.
  void note(const int16_t* pcm, int samples);
  void conceal(int16_t* pcm, int samples);

  // Asks for the memory that the next so many samples are remembered in.
  void prefetch(int samples) const;

  // Something is being filled in and has not faded out.
  bool sounding() const { return concealing_ && made_ < fade_end_; }

 private:
  void remember(const int16_t* pcm, int samples);
  void begin();
  int find_pitch() const;
  void use_periods(int periods);
  int16_t repeat();
  void generate(int16_t* pcm, int samples);

  // Given.
  int16_t* history_ = nullptr;  // A ring; newest before `next_`.
  int16_t* pitch_buffer_ = nullptr;
  int rate_hz_ = 8000;
  int history_length_ = 0;
  int next_ = 0;
  int fade_end_ = 0;  // 60 ms.

  // Owned.
  bool heard_ = false;  // History holds audio.
  bool concealing_ = false;
  int made_ = 0;  // Samples since the loss began.
  int pitch_ = 0;
  int overlap_ = 0;         // A quarter of a period.
  int periods_ = 0;         // Repeated in a row: 1, then 2, then 3, against a buzzing tone.
  int position_ = 0;        // In the repeated stretch.
  int16_t tail_[180] = {};  // The last quarter period as it was; 3.75 ms at 48 kHz.
  int32_t offset_ = 0;      // Of the seam, dies away over `overlap_`.
  int blend_from_ = 0;      // Where the repetition stood before the number of periods changed.
  int blend_periods_ = 0;
  int blend_left_ = 0;
};

}  // namespace dsp
