// Unit tests of codec/, dsp/ and jitter/: `build/Release/audio_test [part of a name]`.
#include "test/audio_tests.h"

namespace {

constexpr test::Case cases[] = {
    {"kernels: every SIMD table equals scalar for lengths 0..257 and every alignment",
     kernels_equal},
    {"kernels: saturation and the extremes of the sums", kernels_extremes},
    {"kernels: a ramp at unity changes nothing, at zero gives silence", kernels_ramp},
    {"g711: mu-law equals the formula of the standard for all inputs", g711_ulaw_exhaustive},
    {"g711: A-law equals the formula of the standard for all inputs", g711_alaw_exhaustive},
    {"g711: decode then encode gives the code back", g711_codes_survive},
    {"g711: the codec table refuses what does not fit", g711_codec_bounds},
};

}  // namespace

int main(int argc, char** argv) {
  return test::run(cases, static_cast<int>(sizeof cases / sizeof cases[0]),
                   argc > 1 ? argv[1] : nullptr);
}
