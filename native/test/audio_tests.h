// The tests that audio_test.cc lists, by file.
#pragma once

#include "test/test.h"

// kernels_test.cc
void kernels_equal(test::Context& t);
void kernels_extremes(test::Context& t);
void kernels_ramp(test::Context& t);

// g711_test.cc
void g711_ulaw_exhaustive(test::Context& t);
void g711_alaw_exhaustive(test::Context& t);
void g711_codes_survive(test::Context& t);
void g711_codec_bounds(test::Context& t);
