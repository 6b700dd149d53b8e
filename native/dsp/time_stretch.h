// Shortens decoded audio without changing its pitch: one period is blended into the next one. The
// way in which a jitter buffer gives delay back in the middle of speech.
#pragma once

#include <cstdint>

namespace dsp {

struct Compressed {
  int samples;  // Now in the span.
  int removed;
};

// Takes out up to `most` samples, at most half of the span. Quiet audio may be cut anywhere; else
// one period of 2.5 to 10 ms goes, if the audio repeats itself well enough (or `urgent`).
Compressed compress(int16_t* pcm, int samples, int most, int sample_rate_hz, bool quiet,
                    bool urgent);

}  // namespace dsp
