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
    {"l16: round trip in network byte order at each rate", l16_round_trip},
    {"codecs: any payload of any length is decoded within bounds or refused",
     codecs_refuse_nonsense},
    {"jitter: clean loopback plays at the next tick (p50, p99)", jitter_clean_delay},
    {"jitter: a packet that came just before the tick plays in it", jitter_before_tick},
    {"jitter: 60 s of 300 ms jitter, then back to 60 ms within 5 s", jitter_shrinks},
    {"jitter: a day of +-200 ppm drift without under-run", jitter_drift},
    {"jitter: loss, reordering, duplicates, delay and drift together", jitter_hostile_network},
    {"jitter: lost packets are concealed once each and counted", jitter_loss_accounting},
    {"jitter: sequence and timestamp wrap", jitter_wraps},
    {"jitter: the sequence wraps twice under loss", jitter_sequence_wraps_often},
    {"jitter: pauses of the sender are not loss", jitter_dtx},
    {"jitter: timestamps that start over do not stop the audio", jitter_timestamp_restart},
    {"jitter: a new SSRC or sequence takes over, a stray packet does not", jitter_new_stream},
    {"jitter: packets of 10 to 60 ms against ticks of 20 ms", jitter_packet_lengths},
    {"jitter: a longer path, a shorter path, a standstill", jitter_path_change},
    {"jitter: one standstill costs no delay, two do", jitter_one_standstill},
    {"jitter: bounds of configuration, slots and payloads", jitter_bounds},
    {"concealment: a lost frame goes on as what came before", concealment_joins},
    {"concealment: fades out by 60 ms, comes back at once", concealment_fades},
    {"concealment: changes nothing without loss", concealment_transparent},
    {"concealment: any length, any pattern, full scale", concealment_any_length},
    {"time stretch: shorter, same pitch, no step", stretch_keeps_pitch},
    {"comfort noise: level within 0.7 dB, with and without spectrum", comfort_noise_level},
    {"playout: every packet length gives a continuous tone", playout_clean},
    {"playout: 5 % loss leaves no step", playout_losses},
    {"playout: gives back delay in the middle of a tone", playout_shrinks},
    {"playout: comfort noise fills a pause", playout_comfort_noise},
    {"playout: what cannot be decoded is filled in", playout_undecodable},
    {"playout: redundancy in the next Opus packet fills a hole", playout_opus_redundancy},
    {"dtmf: R1 every digit at 8, 16 and 48 kHz", dtmf_all_digits},
    {"dtmf: limits of Q.24 for frequency, twist, length, level, noise", dtmf_limits},
    {"dtmf: presses are told apart, a long press is one", dtmf_separates},
    {"dtmf: voices, noise and tones are no digits", dtmf_talk_off},
    {"tone: generated digits are detected, level and purity hold", tone_generator_digits},
    {"limiter: eight full-scale contributors stay below -1 dBFS", limiter_full_scale},
    {"limiter: bit-exact below the limit", limiter_transparent},
    {"limiter: a swelling tone has no step", limiter_no_steps},
    {"limiter: minus-one is exact before the limit", limiter_minus_one},
    {"gain ramp: a straight line across frames", gain_ramp_moves},
    {"level: dBov of known signals", level_dbov_values},
    {"vad: adapts to the noise, hangover, first frame", vad_follows_the_line},
    {"resampler: pass band, images and aliases", resampler_response},
    {"resampler: frame borders and full scale", resampler_borders},
};

}  // namespace

int main(int argc, char** argv) {
  return test::run(cases, static_cast<int>(sizeof cases / sizeof cases[0]),
                   argc > 1 ? argv[1] : nullptr);
}
