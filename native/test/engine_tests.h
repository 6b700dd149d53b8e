// Every test of engine_test, so that none is forgotten without a warning.
#pragma once

#include "test/test.h"

// rtp_test.cc
void rtp_parse_bounds(test::Context& t);
void rtp_stats_wrap(test::Context& t);
void rtp_stats_restart(test::Context& t);
void rtcp_round_trip(test::Context& t);
void rtcp_hostile(test::Context& t);
void event_receiver(test::Context& t);
void event_sender(test::Context& t);
// burst_test.cc
void bursts_by_hand(test::Context& t);
void bursts_as_defined(test::Context& t);
void bursts_over_streams(test::Context& t);
void bursts_of_leg(test::Context& t);
// mix_test.cc
void mix_minus_one_exact(test::Context& t);
void mix_gate_and_ramp(test::Context& t);
void mix_leave_fades(test::Context& t);
void mix_shared_packet(test::Context& t);
void mix_talk_pairs(test::Context& t);
// routing_test.cc
void hearing_rows_exact(test::Context& t);
void hearing_changes_fade(test::Context& t);
void hearing_whisper(test::Context& t);
void hearing_hold(test::Context& t);
void hearing_rates(test::Context& t);
void gains_in_and_out(test::Context& t);
void selection_loudest(test::Context& t);
void selection_is_fair(test::Context& t);
void selection_switch_is_smooth(test::Context& t);
void selection_word_onset(test::Context& t);
void automatic_gain_levels(test::Context& t);
void automatic_gain_finds_the_weak(test::Context& t);
void noise_suppression_in_mix(test::Context& t);
// leg_test.cc
void leg_line_wraps(test::Context& t);
void leg_latching(test::Context& t);
void leg_ptime(test::Context& t);
void leg_hold(test::Context& t);
void leg_stall(test::Context& t);
void leg_prompts(test::Context& t);
void leg_recording_gap(test::Context& t);
void leg_silence_event(test::Context& t);
void leg_unheard_peer(test::Context& t);
void relay_passes_packets(test::Context& t);
// rates_test.cc
void rates_hear_each_other(test::Context& t);
void low_bitrate_is_kept(test::Context& t);
void rates_relay_transcodes(test::Context& t);
void rates_codec_changes(test::Context& t);
void rates_shared_to_own(test::Context& t);
void rates_silence_settles(test::Context& t);
void tones_in_and_out(test::Context& t);
// announcement_test.cc
void announcement_heard_by_all(test::Context& t);
void announcement_ends(test::Context& t);
// arrival_test.cc
void arrival_clock_stamps(test::Context& t);
void arrival_late_ticks(test::Context& t);
void arrival_clock_set(test::Context& t);
void arrival_held_back(test::Context& t);
// known_levels_test.cc
void extensions_hostile(test::Context& t);
void levels_first_syllable(test::Context& t);
void levels_pause_between_words(test::Context& t);
void levels_codec_flag(test::Context& t);
void levels_liar_is_heard(test::Context& t);
void levels_in_packets(test::Context& t);
void levels_pass_relays(test::Context& t);
// shared_encoder_test.cc
void sound_after_silence(test::Context& t);
void back_to_the_shared_stream(test::Context& t);
void turns_with_comfort_noise(test::Context& t);
void parameters_of_one_stay_its_own(test::Context& t);
// packets_test.cc
void packets_opus_lengths(test::Context& t);
void packets_linear_48k(test::Context& t);
void silence_as_comfort_noise(test::Context& t);
void silence_as_dtx(test::Context& t);
void noise_of_the_peer(test::Context& t);
void redundancy_against_loss(test::Context& t);
void opus_of_any_length(test::Context& t);
// sound_test.cc
void sound_as_good_as_the_codec(test::Context& t);
void sound_three_loud(test::Context& t);
void sound_eight_at_full_scale(test::Context& t);
void sound_never_breaks(test::Context& t);
void sound_delay_comes_back(test::Context& t);
void sound_golden(test::Context& t);
// churn_test.cc
void churn_random_commands(test::Context& t);
void hostile_packets(test::Context& t);
// allocation_test.cc
void tick_does_not_allocate(test::Context& t);
void memory_of_codecs(test::Context& t);
void memory_follows_codec(test::Context& t);
