// Unit tests of rtp/, net/ and engine/ without sockets or Node: `build/Release/engine_test [part of
// a name]`.
#include "test/engine_tests.h"

namespace {

constexpr test::Case cases[] = {
    {"rtp: no length in a packet is believed", rtp_parse_bounds},
    {"rtp: loss and sequence over a wrap", rtp_stats_wrap},
    {"rtp: a restarted sender keeps the totals", rtp_stats_restart},
    {"rtcp: what is written is read back, and gives the round trip", rtcp_round_trip},
    {"rtcp: malformed compounds are refused", rtcp_hostile},
    {"telephone-event: once each, whatever is lost or repeated", event_receiver},
    {"telephone-event: three ends, a pause, a full queue", event_sender},
    {"mix: everybody gets exactly the sum less its own part", mix_minus_one_exact},
    {"mix: noise stays out, speech comes in without a click", mix_gate_and_ramp},
    {"mix: a contributor that leaves, is muted or closed fades", mix_leave_fades},
    {"mix: listeners share one payload and name the contributors", mix_shared_packet},
    {"mix: every talk start has one stop", mix_talk_pairs},
    {"hearing: random rows, everybody gets exactly what they say", hearing_rows_exact},
    {"hearing: rows and gains change without a click", hearing_changes_fade},
    {"hearing: a coach is heard by the named only", hearing_whisper},
    {"hearing: on hold only prompts are heard", hearing_hold},
    {"hearing: private talk across rates", hearing_rates},
    {"gain: in and out, from -24 to +24 dB, limited", gains_in_and_out},
    {"selection: the loudest are heard, with hysteresis and priority", selection_loudest},
    {"selection: equal talkers take turns", selection_is_fair},
    {"selection: a switch is no click", selection_switch_is_smooth},
    {"selection: the first syllable survives", selection_word_onset},
    {"automatic gain: talkers come to one level, noise stays", automatic_gain_levels},
    {"leg: one line of numbers over wraps, from configure to close", leg_line_wraps},
    {"leg: a stranger cannot take over a running stream", leg_latching},
    {"leg: packets of 10 to 60 ms", leg_ptime},
    {"leg: nothing is sent while the direction forbids it", leg_hold},
    {"leg: a stall is made up for without a burst", leg_stall},
    {"leg: prompts follow one another without a gap", leg_prompts},
    {"leg: a recording whose reader stalls tells the gap", leg_recording_gap},
    {"leg: silence of the peer is told once", leg_silence_event},
    {"leg: an address that never answers gets only so much", leg_unheard_peer},
    {"arrival: stamps of the kernel are believed when they can be true", arrival_clock_stamps},
    {"arrival: late ticks make no packet look fast", arrival_late_ticks},
    {"arrival: a wall clock that is set moves no delay", arrival_clock_set},
    {"arrival: packets that the kernel holds back count from when they are there",
     arrival_held_back},
    {"relay: packets pass with our numbers, silence fills in", relay_passes_packets},
    {"rates: 8, 16 and 48 kHz hear each other within a decibel", rates_hear_each_other},
    {"rates: a relay between codecs decodes and encodes", rates_relay_transcodes},
    {"rates: the peer may change its codec within a stream", rates_codec_changes},
    {"rates: from the shared stream to an own one without a change in sound", rates_shared_to_own},
    {"rates: silence is encoded once, then sent again and again", rates_silence_settles},
    {"digits: tones are found, taken out of the mix, and sent", tones_in_and_out},
    {"churn: random commands leave nothing behind", churn_random_commands},
    {"hostile: random datagrams change nothing for others", hostile_packets},
    {"tick: allocates nothing", tick_does_not_allocate},
};

}  // namespace

int main(int argc, char** argv) {
  return test::run(cases, static_cast<int>(sizeof cases / sizeof cases[0]),
                   argc > 1 ? argv[1] : nullptr);
}
