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

// jitter_test.cc
void jitter_clean_delay(test::Context& t);
void jitter_before_tick(test::Context& t);
void jitter_shrinks(test::Context& t);
void jitter_drift(test::Context& t);
void jitter_hostile_network(test::Context& t);
void jitter_loss_accounting(test::Context& t);
void jitter_wraps(test::Context& t);
void jitter_sequence_wraps_often(test::Context& t);
void jitter_dtx(test::Context& t);
void jitter_timestamp_restart(test::Context& t);
void jitter_new_stream(test::Context& t);
void jitter_packet_lengths(test::Context& t);
void jitter_path_change(test::Context& t);
void jitter_one_standstill(test::Context& t);
void jitter_bounds(test::Context& t);
void jitter_payload_ring(test::Context& t);

// concealment_test.cc
void concealment_joins(test::Context& t);
void concealment_fades(test::Context& t);
void concealment_transparent(test::Context& t);
void concealment_any_length(test::Context& t);
void stretch_keeps_pitch(test::Context& t);
void comfort_noise_level(test::Context& t);

// playout_test.cc
void playout_clean(test::Context& t);
void playout_losses(test::Context& t);
void playout_shrinks(test::Context& t);
void playout_comfort_noise(test::Context& t);
void playout_undecodable(test::Context& t);
void playout_opus_redundancy(test::Context& t);

// tones_test.cc
void dtmf_all_digits(test::Context& t);
void dtmf_limits(test::Context& t);
void dtmf_separates(test::Context& t);
void dtmf_talk_off(test::Context& t);
void tone_generator_digits(test::Context& t);

// levels_test.cc
void limiter_full_scale(test::Context& t);
void limiter_transparent(test::Context& t);
void limiter_no_steps(test::Context& t);
void limiter_minus_one(test::Context& t);
void gain_ramp_moves(test::Context& t);
void level_dbov_values(test::Context& t);
void vad_follows_the_line(test::Context& t);
void vad_first_word(test::Context& t);
void amplify_exact(test::Context& t);

// suppressor_test.cc
void fft_inverse(test::Context& t);
void suppressor_takes_noise(test::Context& t);
void suppressor_keeps_voice(test::Context& t);

// resampler_test.cc
void resampler_response(test::Context& t);
void resampler_borders(test::Context& t);

// codec_test.cc
void l16_round_trip(test::Context& t);
void codecs_refuse_nonsense(test::Context& t);
