#include "engine/mix.h"

#include <algorithm>
#include <cstring>

#include "engine/leg_tick.h"
#include "engine/recording.h"
#include "engine/roster.h"
#include "engine/sending.h"

namespace engine {
namespace {

// Levels are mean squares of a frame; full scale is 32768 squared.
/** -57 dBov: quieter than this nobody hears it in a mix; line noise of -66 dBov stays out. */
constexpr float kOpenSquare = 2142.0f;
/** -50 dBov: counts as talking. */
constexpr float kTalkSquare = 10737.0f;
/** A leg stays in the mix for 400 ms after it was loud, so that pauses and word ends survive. */
constexpr uint8_t kHangoverFrames = 20;
constexpr uint8_t kTalkHangoverFrames = 20;
/** Loud frames in a row that make a talker; one is a click. */
constexpr uint8_t kTalkFrames = 2;
/** Opening takes a 200th of a second: no click, and no syllable lost. Closing takes the whole
 * frame. */
constexpr uint32_t kOpenDivisor = 200;

/** What one conference tick works with. The large buffers are in Scratch. */
struct Tick {
  uint32_t contributors = 0;
  uint32_t slots = 0;
  uint32_t lanes_used = 0;       // bits: somebody contributes at this rate
  uint32_t lanes_present = 0;    // bits: there are members of this rate
  uint32_t listeners_ready = 0;  // bits: the listener frame of this rate is made
  uint32_t own = 0;
  uint32_t listeners = 0;
  uint32_t leaving = 0;
  uint32_t csrc_count = 0;
  uint32_t csrc[rtp::kMaxCsrc] = {};
  uint32_t shared_bytes[abi::kCodecKindCount][kLanes] = {};
  bool shared_ready[abi::kCodecKindCount][kLanes] = {};
};

int16_t* slot_of(Context& context, uint32_t slot) {
  return &context.contributions[static_cast<size_t>(slot) * kMaxFrameSamples];
}

void set_talking(Context& context, Leg& leg, bool talking) {
  leg.mix.talking = talking;
  abi::TalkingEvent event{};
  event.leg = leg.handle;
  event.talking = talking ? 1 : 0;
  context.post(event);
}

void follow_talk(Context& context, Leg& leg) {
  Contribution& mix = leg.mix;
  const bool loud = mix.contributes && leg.level_square >= kTalkSquare;
  if (loud) {
    if (mix.loud_run < kTalkFrames) mix.loud_run++;
    mix.talk_hangover = kTalkHangoverFrames;
    if (!mix.talking && mix.loud_run == kTalkFrames) set_talking(context, leg, true);
    return;
  }
  mix.loud_run = 0;
  if (!mix.talking) return;
  if (mix.contributes && mix.talk_hangover > 0) {
    mix.talk_hangover--;
  } else {
    set_talking(context, leg, false);
  }
}

/** Moves the gain of `pcm` towards `target` within this frame. */
void apply_gain(Context& context, Leg& leg, int16_t* pcm, uint32_t samples, int32_t target) {
  int32_t& gain = leg.mix.gain;
  if (gain == target) return;  // only unity comes here: zero does not contribute
  const uint32_t ramp = target > gain ? leg.out.rate_hz / kOpenDivisor : samples;
  const int32_t step = (target - gain) / static_cast<int32_t>(ramp);
  context.kernels.apply_ramp(pcm, pcm, static_cast<int>(ramp), gain, step);
  gain = target;
}

/** Decodes a member and decides whether it is heard in this tick. */
void weigh(Context& context, Leg& leg, Tick& tick, int64_t now) {
  Contribution& mix = leg.mix;
  mix.contributes = false;
  mix.slot = kNone;
  mix.raw_slot = kNone;
  if (!leg.audio_wanted) {
    mix.gain = 0;
    mix.hangover = 0;
    leg.level_square = 0;
    follow_talk(context, leg);
    return;
  }
  const uint32_t samples = leg.out.rate_hz / kTicksPerSecond;
  int16_t* pcm = slot_of(context, tick.slots);
  const bool heard = pull_tapped(context, leg, now, pcm);
  if (records_received(context, leg)) {
    mix.raw_slot = tick.slots++;
    std::memcpy(slot_of(context, tick.slots), pcm, samples * sizeof(int16_t));
    pcm = slot_of(context, tick.slots);
  }
  if (heard && leg.level_square >= kOpenSquare) {
    mix.hangover = kHangoverFrames;
  } else if (mix.hangover > 0) {
    mix.hangover--;
  }
  const bool wanted = mix.hangover > 0 && !leg.route.muted && !leg.closing && !leg.rerouting;
  const int32_t target = wanted ? dsp::unity_gain : 0;
  if (target != 0 || mix.gain != 0) {
    apply_gain(context, leg, pcm, samples, target);
    mix.contributes = true;
    mix.slot = tick.slots++;
    const uint32_t lane = lane_of(leg.out.rate_hz);
    int32_t* sum = context.scratch().sums[lane];
    if ((tick.lanes_used & (1u << lane)) == 0) {
      tick.lanes_used |= 1u << lane;
      std::memset(sum, 0, samples * sizeof(int32_t));
    }
    context.kernels.accumulate(sum, pcm, static_cast<int>(samples));
    if (tick.csrc_count < rtp::kMaxCsrc) tick.csrc[tick.csrc_count++] = leg.stream.ssrc();
    tick.contributors++;
  }
  follow_talk(context, leg);
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
  if ((tick.lanes_used & (1u << lane)) == 0) return nullptr;
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

/** By conference: for each codec with memory, then one for all the others, which keep nothing. */
size_t shared_slot(const Conference& conference, const Leg& leg) {
  const uint32_t which = leg.out.codec == abi::CodecKind::g722   ? 0
                         : leg.out.codec == abi::CodecKind::opus ? 1
                                                                 : kSharedEncoders;
  return static_cast<size_t>(conference.index) * (kSharedEncoders + 1) + which;
}

/** The memory of the encoder that listeners of one codec share; null when it needs none. */
void* shared_encoder(Context& context, Conference& conference, const Leg& leg) {
  const codec::Codec* codec = codec_of(leg.out.codec, leg.out.rate_hz);
  const size_t slot = shared_slot(conference, leg);
  const auto which = static_cast<uint32_t>(slot % (kSharedEncoders + 1));
  if (codec == nullptr || codec->encoder_bytes == 0 || which == kSharedEncoders) return nullptr;
  const size_t place = static_cast<size_t>(conference.index) * kSharedEncoders + which;
  void* state = &context.shared_encoder_states[place * context.encoder_stride];
  if ((conference.encoders_ready & (1u << which)) == 0) {
    conference.encoders_ready |= 1u << which;
    context.shared_silence[slot] = SilentPayload{};
    codec->init_encoder(state, codec::Params{});
  }
  return state;
}

/** Goes on from where the shared stream stands, which no listener hears as a change. */
void take_over_shared(Context& context, Conference& conference, Leg& leg) {
  leg.mix.limiter = conference.limiters[lane_of(leg.out.rate_hz)];
  const codec::Codec* codec = codec_of(leg.out.codec, leg.out.rate_hz);
  if (codec == nullptr || codec->encoder_bytes == 0) return;
  const void* shared = shared_encoder(context, conference, leg);
  if (shared != nullptr) std::memcpy(encoder_of(context, leg), shared, codec->encoder_bytes);
  leg.silent = SilentPayload{};
}

/** A member with a stream of its own: it contributes, or hears a prompt. */
void send_minus_one(Context& context, Conference& conference, Leg& leg, Tick& tick) {
  const uint32_t lane = lane_of(leg.out.rate_hz);
  const uint32_t samples = leg.out.rate_hz / kTicksPerSecond;
  Scratch& scratch = context.scratch();
  if (!leg.own_encoder) take_over_shared(context, conference, leg);
  const int16_t* heard = nullptr;
  uint32_t csrc[rtp::kMaxCsrc];
  uint32_t csrc_count = 0;
  if (!leg.mix.contributes) {
    heard = listener_frame(context, conference, tick, lane);
    csrc_count = tick.csrc_count;
    std::memcpy(csrc, tick.csrc, sizeof csrc);
  } else if (tick.contributors > 1) {
    dsp::limited_minus_one(context.kernels, leg.mix.limiter, scratch.frame_b, scratch.sums[lane],
                           slot_of(context, leg.mix.slot), scratch.wide, static_cast<int>(samples));
    heard = scratch.frame_b;
    context.count.frames_mixed++;
    for (uint32_t i = 0; i < tick.csrc_count; i++) {
      if (tick.csrc[i] != leg.stream.ssrc()) csrc[csrc_count++] = tick.csrc[i];
    }
  }
  const int16_t* sent = send_own(context, leg, heard, csrc, csrc_count);
  leg.own_encoder = true;
  if (leg.recording == kNone) return;
  const int16_t* raw = leg.mix.raw_slot == kNone ? nullptr : slot_of(context, leg.mix.raw_slot);
  record_frame(context, leg, raw, sent, samples);
}

void send_shared(Context& context, Conference& conference, Leg& leg, Tick& tick) {
  const uint32_t lane = lane_of(leg.out.rate_hz);
  const auto codec = static_cast<uint8_t>(leg.out.codec);
  uint8_t* buffer = context.scratch().shared[codec][lane];
  const int16_t* heard = listener_frame(context, conference, tick, lane);
  const uint32_t csrc_count = heard != nullptr && context.limits.csrc ? tick.csrc_count : 0;
  if (!tick.shared_ready[codec][lane]) {
    tick.shared_ready[codec][lane] = true;
    tick.shared_bytes[codec][lane] = encode_frame(
        context, leg, shared_encoder(context, conference, leg),
        context.shared_silence[shared_slot(conference, leg)], heard, buffer + kHeadroom);
    for (uint32_t i = 0; i < csrc_count; i++) {
      base::store_be32(buffer + kHeadroom - 4 * (csrc_count - i), tick.csrc[i]);
    }
  } else {
    context.count.frames_shared++;
  }
  send_payload(context, leg, buffer, tick.shared_bytes[codec][lane], csrc_count);
  leg.own_encoder = false;
  if (leg.recording == kNone) return;
  const int16_t* raw = leg.mix.raw_slot == kNone ? nullptr : slot_of(context, leg.mix.raw_slot);
  record_frame(context, leg, raw, heard, leg.out.rate_hz / kTicksPerSecond);
}

}  // namespace

void stop_talking(Context& context, Leg& leg) {
  if (leg.mix.talking) set_talking(context, leg, false);
  const dsp::Limiter limiter = leg.mix.limiter;
  leg.mix = Contribution{};
  leg.mix.limiter = limiter;
}

void tick_conference(Context& context, Conference& conference, int64_t now) {
  Tick tick;
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
    weigh(context, leg, tick, now);
    const bool own =
        leg.mix.contributes || leg.replace.active || leg.mixed.active || !leg.digits_out.idle();
    if (own) {
      context.own_list[tick.own++] = leg.index;
    } else {
      context.listener_list[tick.listeners++] = leg.index;
    }
  }
  cross_rates(context, conference, tick);
  for (uint32_t i = 0; i < tick.own; i++) {
    send_minus_one(context, conference, context.legs[context.own_list[i]], tick);
  }
  for (uint32_t i = 0; i < tick.listeners; i++) {
    if (i + 1 < tick.listeners) __builtin_prefetch(&context.legs[context.listener_list[i + 1]]);
    send_shared(context, conference, context.legs[context.listener_list[i]], tick);
  }
  for (uint32_t i = 0; i < tick.leaving; i++) {
    complete_leaving(context, context.legs[context.leaving_list[i]], now);
  }
}

}  // namespace engine
