#include "engine/mix.h"

#include <algorithm>
#include <cstring>

#include "engine/announcement.h"
#include "engine/codec_memory.h"
#include "engine/hearing.h"
#include "engine/leg_tick.h"
#include "engine/loudness.h"
#include "engine/mix_tick.h"
#include "engine/playout.h"
#include "engine/recording.h"
#include "engine/roster.h"
#include "engine/selection.h"
#include "engine/sending.h"
#include "engine/shared_encoder.h"
#include "engine/talk.h"
#include "engine/tones.h"

namespace engine {
namespace {

/** Below -50 dBov a conference pauses; a pause within 2 s is worth waiting for. */
constexpr uint8_t kPauseMinusDbov = 50;
constexpr uint8_t kLongestOwnWait = 100;

/** A prompt, a digit or a gain of its own: its stream is no copy of what others get. */
bool hears_own(const Context& context, const Leg& leg) {
  return leg.out_moves || leg.replace.active || leg.mixed.active || !leg.digits_out.idle() ||
         needs_own_encoder(context, leg);
}

void list_listener(Context& context, const Leg& leg, Tick& tick) {
  if (hears_own(context, leg)) {
    context.own_list[tick.own++] = leg.index;
  } else {
    context.listener_list[tick.listeners++] = leg.index;
  }
}

/** The frame of a member into the next slot, and before the gate into one more if it is recorded.
 */
bool decode(Context& context, const Conference& conference, Leg& leg, Tick& tick, int64_t now) {
  leg.mix.decoded = true;
  int16_t* pcm = slot_of(context, tick.slots);
  const bool heard = pull_tapped(context, leg, now, pcm);
  if (records_received(context, leg)) {
    leg.mix.raw_slot = tick.slots++;
    std::memcpy(slot_of(context, tick.slots), pcm, frame_samples(leg) * sizeof(int16_t));
    pcm = slot_of(context, tick.slots);
  }
  if (conference.noise_suppression) {
    dsp::NoiseSuppressor& suppressor = context.suppressors[leg.index];
    if (suppressor.rate_hz() != static_cast<int>(leg.out.rate_hz)) {
      suppressor.init(static_cast<int>(leg.out.rate_hz));
    }
    suppressor.process(pcm);
  }
  return heard;
}

/**
 * First half of the tick of a member: how loud its frame is and whether it asks to be heard. It is
 * decoded now unless its level is known without.
 */
void weigh(Context& context, const Conference& conference, Leg& leg, Tick& tick, int64_t now) {
  Contribution& mix = leg.mix;
  mix.contributes = mix.in_sum = mix.decoded = mix.wanted = false;
  mix.slot = mix.raw_slot = mix.additions = kNone;
  if (leg.row_pending && mix.gain == 0.0f) complete_row(leg);
  if (!leg.audio_wanted) {
    mix.gain = 0;
    mix.selected = false;
    leg.level_square = 0;
    mix.vad.pause();
    follow_talk(context, leg);
    list_listener(context, leg, tick);
    return;
  }
  bool heard = true;
  const bool must_decode =
      conference.noise_suppression || listens_inband(leg) || records_received(context, leg);
  float level_square = 0;
  if (!must_decode && foresee_level(context, leg, now, level_square)) {
    leg.level_square = level_square;
  } else {
    heard = decode(context, conference, leg, tick, now);
  }
  const bool open = opens(mix, heard, leg.level_square);
  mix.wanted = open && leg.route.speaks() && !leg.closing && !leg.rerouting && !leg.row_pending;
  if (mix.wanted || mix.gain > 0) {
    context.candidate_list[tick.candidates++] = leg.index;
    if (mix.decoded) mix.slot = tick.slots++;
    return;
  }
  if (!mix.decoded) skip_frame(context, leg, now);
  mix.selected = false;
  mix.loudness = 0;
  follow_talk(context, leg);
  list_listener(context, leg, tick);
}

/** Second half: who has a place, or fades from it, is shaped and goes into the sum. */
void contribute(Context& context, const Conference& conference, Leg& leg, Tick& tick, int64_t now) {
  Contribution& mix = leg.mix;
  // Also of one who is still too weak to be heard.
  if (conference.automatic_gain && mix.vad.voice()) leg.loudness.automatic.hear(leg.level_square);
  const float wanted_gain = input_gain(conference, leg);
  const bool heard = mix.selected && !falls_silent(mix, leg.level_square, wanted_gain);
  if (!heard && mix.gain == 0.0f) {
    if (!mix.decoded) skip_frame(context, leg, now);
    follow_talk(context, leg);
    list_listener(context, leg, tick);
    return;
  }
  if (!mix.decoded) {
    decode(context, conference, leg, tick, now);
    mix.slot = tick.slots++;
  }
  int16_t* pcm = slot_of(context, mix.slot);
  shape_contribution(context, leg, pcm, heard ? wanted_gain : 0.0f);
  mix.contributes = true;
  mix.in_sum = leg.route.audience != abi::Audience::only;
  if (mix.in_sum) {
    const uint32_t lane = lane_of(leg.out.rate_hz);
    const uint32_t samples = frame_samples(leg);
    int32_t* sum = context.scratch().sums[lane];
    if (!tick.sounds(lane)) {
      tick.lanes_used |= 1u << lane;
      std::memset(sum, 0, samples * sizeof(int32_t));
    }
    context.kernels.accumulate(sum, pcm, static_cast<int>(samples));
    tick.sources.add(leg.stream.ssrc(), leg.level_square);
    tick.contributors++;
  }
  address_named(context, conference, leg, tick);
  follow_talk(context, leg);
  // Who only whispers hears what all hear.
  if (mix.in_sum) {
    context.own_list[tick.own++] = leg.index;
  } else {
    list_listener(context, leg, tick);
  }
}

/** Listeners to whom something is said in private leave the list of those who share. */
void part_addressed(Context& context, Tick& tick) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < tick.listeners; i++) {
    const uint32_t index = context.listener_list[i];
    if (context.legs[index].mix.additions != kNone) {
      context.own_list[tick.own++] = index;
    } else {
      context.listener_list[kept++] = index;
    }
  }
  tick.listeners = kept;
}

/**
 * Members of other rates hear this rate too: its sum is resampled once for each other rate at which
 * there are members. Own parts are not touched by this, so that minus-one stays exact.
 */
void cross_rates(Context& context, Conference& conference, Tick& tick) {
  if ((tick.lanes_present & (tick.lanes_present - 1)) == 0) return;
  Scratch& scratch = context.scratch();
  const uint32_t sources = tick.lanes_used;
  // All sums are taken before any is added to.
  for (uint32_t lane = 0; lane < kLanes; lane++) {
    if ((sources & (1u << lane)) == 0) continue;
    context.kernels.narrow(scratch.listener[lane], scratch.sums[lane],
                           static_cast<int>(kLaneRates[lane] / kTicksPerSecond));
  }
  for (uint32_t pair = 0; pair < kLanes * kLanes; pair++) {
    const uint32_t from = pair / kLanes;
    const uint32_t to = pair % kLanes;
    if (from == to || (tick.lanes_present & (1u << to)) == 0) continue;
    const bool sounds = (sources & (1u << from)) != 0;
    // One frame of zeros more clears the history, so that it is silent when sound comes again.
    if (!sounds && (conference.resampling & (1u << pair)) == 0) continue;
    conference.resampling = (conference.resampling & ~(1u << pair)) | (sounds ? 1u << pair : 0u);
    resample(context, context.mix_resampler(conference.index, from, to), kLaneRates[from],
             kLaneRates[to], sounds ? scratch.listener[from] : scratch.zeros, scratch.frame_e);
    const uint32_t samples = kLaneRates[to] / kTicksPerSecond;
    if ((tick.lanes_used & (1u << to)) == 0) {
      tick.lanes_used |= 1u << to;
      std::memset(scratch.sums[to], 0, samples * sizeof(int32_t));
    }
    context.kernels.accumulate(scratch.sums[to], scratch.frame_e, static_cast<int>(samples));
  }
}

/** What everybody hears who contributes nothing; null when nobody contributes. */
const int16_t* listener_frame(Context& context, Conference& conference, Tick& tick, uint32_t lane) {
  if (!tick.sounds(lane)) return nullptr;
  Scratch& scratch = context.scratch();
  if ((tick.listeners_ready & (1u << lane)) == 0) {
    tick.listeners_ready |= 1u << lane;
    dsp::limited_minus_one(context.kernels, conference.limiters[lane], scratch.listener[lane],
                           scratch.sums[lane], nullptr, scratch.wide,
                           static_cast<int>(kLaneRates[lane] / kTicksPerSecond));
    context.count.frames_mixed++;
  }
  return scratch.listener[lane];
}

/** A member with a stream of its own. */
void send_minus_one(Context& context, Conference& conference, Leg& leg, Tick& tick) {
  const uint32_t lane = lane_of(leg.out.rate_hz);
  if (!leg.own_encoder) take_over_shared(context, conference, leg);
  const int16_t* heard = nullptr;
  Sources sources;
  if (!leg.mix.in_sum && !leg.out_moves && leg.mix.additions == kNone) {
    heard = listener_frame(context, conference, tick, lane);
    sources = tick.sources;
  } else {
    heard = hear_own(context, leg, tick, sources);
  }
  const int16_t* sent = send_own(context, leg, heard, sources);
  leg.own_encoder = true;
  if (leg.recording == kNone) return;
  const int16_t* raw = leg.mix.raw_slot == kNone ? nullptr : slot_of(context, leg.mix.raw_slot);
  record_frame(context, leg, raw, sent, frame_samples(leg));
}

void record_shared(Context& context, Leg& leg, const int16_t* heard) {
  const int16_t* raw = leg.mix.raw_slot == kNone ? nullptr : slot_of(context, leg.mix.raw_slot);
  record_frame(context, leg, raw, heard, frame_samples(leg));
}

/** Of what all listeners of a rate hear, as RFC 6464 tells it. */
uint8_t listener_level(Context& context, Conference& conference, Tick& tick, uint32_t lane) {
  uint8_t& level = tick.listener_minus_dbov[lane];
  if (level == kLevelUnknown) {
    level = minus_dbov_of(context, listener_frame(context, conference, tick, lane),
                          kLaneRates[lane] / kTicksPerSecond);
  }
  return level;
}

/**
 * A leg of G.722 with a stream of its own goes on with it until a pause, if one comes soon. One
 * quiet frame is none: it may be the first of a word.
 */
bool waits_for_pause(Context& context, Conference& conference, Leg& leg, Tick& tick) {
  if (!hears_seam(conference, leg) || leg.own_wait == kLongestOwnWait) return false;
  const bool quiet =
      listener_level(context, conference, tick, lane_of(leg.out.rate_hz)) >= kPauseMinusDbov;
  if (quiet && leg.in_pause) return false;
  leg.in_pause = quiet;
  leg.own_wait++;
  return true;
}

void send_shared(Context& context, Conference& conference, Leg& leg, Tick& tick) {
  if (waits_for_pause(context, conference, leg, tick)) {
    return send_minus_one(context, conference, leg, tick);
  }
  const uint32_t lane = lane_of(leg.out.rate_hz);
  const auto codec = static_cast<uint8_t>(leg.out.codec);
  uint8_t* buffer = context.scratch().shared[codec][lane];
  const int16_t* heard = listener_frame(context, conference, tick, lane);
  if (pauses(context, leg, heard == nullptr)) {
    stand_still(conference, leg);
    leg.in_pause = false;
    if (leg.recording != kNone) record_shared(context, leg, nullptr);
    return;
  }
  if (!leg.may_send) {
    leg.forwarding.epoch = false;
    if (leg.recording != kNone) record_shared(context, leg, heard);
    return;
  }
  if (!tick.shared_ready[codec][lane]) {
    tick.shared_ready[codec][lane] = true;
    tick.shared_bytes[codec][lane] = encode_frame(
        context, leg, use_shared_encoder(context, conference, leg),
        shared_silence_of(context, conference, leg), heard, frame_samples(leg), buffer + kHeadroom);
  } else {
    context.count.frames_shared++;
  }
  Sources sources;
  if (heard != nullptr && context.limits.csrc) sources = tick.sources;
  if (leg.out.level_id != 0) {
    sources.own_minus_dbov = listener_level(context, conference, tick, lane);
  }
  send_payload(context, leg, buffer, tick.shared_bytes[codec][lane], sources);
  leave_own_encoder(context, leg);
  if (leg.recording != kNone) record_shared(context, leg, heard);
}

}  // namespace

void tick_conference(Context& context, Conference& conference, int64_t now) {
  Tick tick;
  conference.period_before = conference.period;
  conference.period = context.period;
  for (uint32_t index = conference.first; index != kNone;) {
    Leg& leg = context.legs[index];
    index = leg.next;
    context.prefetch(index);
    // Came from another phase after it was served there: its next turn is in the next period.
    if (leg.last_period == context.period) continue;
    begin_tick(context, leg, now);
    if (leg.closing || leg.rerouting) context.leaving_list[tick.leaving++] = leg.index;
    if (!leg.configured) continue;
    tick.lanes_present |= 1u << lane_of(leg.out.rate_hz);
    weigh(context, conference, leg, tick, now);
  }
  if (tick.candidates > 0) {
    select_contributors(context, conference, tick);
    for (uint32_t i = 0; i < tick.candidates; i++) {
      contribute(context, conference, context.legs[context.candidate_list[i]], tick, now);
    }
    if (tick.additions > 0) part_addressed(context, tick);
  }
  cross_rates(context, conference, tick);
  tick.announcing = add_announcement(context, conference, tick.lanes_present, tick.lanes_used);
  for (uint32_t i = 0; i < tick.own; i++) {
    Leg& leg = context.legs[context.own_list[i]];
    leg.own_wait = 0;
    leg.in_pause = false;
    send_minus_one(context, conference, leg, tick);
  }
  for (uint32_t i = 0; i < tick.listeners; i++) {
    if (i + 1 < tick.listeners) context.prefetch_sending(context.listener_list[i + 1]);
    send_shared(context, conference, context.legs[context.listener_list[i]], tick);
  }
  for (uint32_t i = 0; i < tick.leaving; i++) {
    complete_leaving(context, context.legs[context.leaving_list[i]], now);
  }
}

}  // namespace engine
