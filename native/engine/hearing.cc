#include "engine/hearing.h"

#include <algorithm>
#include <cstring>

#include "dsp/amplify.h"
#include "engine/loudness.h"
#include "engine/playout.h"

namespace engine {
namespace {

/** +24 dB; what the other side may ask for at most. */
constexpr float kMostGain = 15.85f;

float sane_gain(float gain) {
  return gain >= 0 ? std::min(gain, kMostGain) : 1.0f;  // not a number: unity
}

void name(uint32_t* named, const abi::HearCommand& command) {
  std::memcpy(named, command.named, abi::kMaxNamed * sizeof(uint32_t));
}

void set_row(Route& route, const Route& row) {
  route.audience = row.audience;
  route.named = row.named;
}

/** The frame of a leg at the rate of a listener; made once a tick for each rate. */
uint32_t slot_at(Context& context, Leg& leg, uint32_t lane, Tick& tick, uint32_t* slots) {
  const uint32_t own_lane = lane_of(leg.out.rate_hz);
  if (lane == own_lane) return leg.mix.slot;
  if (slots[lane] == kNone) {
    slots[lane] = tick.slots++;
    resample(context, context.private_resampler(leg.index, lane), kLaneRates[own_lane],
             kLaneRates[lane], slot_of(context, leg.mix.slot), slot_of(context, slots[lane]));
  }
  return slots[lane];
}

}  // namespace

void change_row(Leg& leg, const abi::HearCommand& command) {
  if (command.audience >= abi::kAudienceCount) return;
  Route row;
  row.audience = static_cast<abi::Audience>(command.audience);
  row.named = std::min<uint8_t>(command.count, abi::kMaxNamed);
  Route& concerned = leg.rerouting ? leg.pending : leg.route;
  concerned.hears = command.hears != 0;
  concerned.priority = command.priority != 0;
  leg.out_moves = true;
  if (leg.rerouting) {
    set_row(leg.pending, row);
    name(leg.named_pending, command);
    return;
  }
  const bool silenced = row.audience == abi::Audience::nobody && leg.route.named == 0;
  if (leg.mix.gain > 0 && !silenced) {
    // The same row again, or one that is pending already, changes nothing that is heard.
    leg.pending = leg.route;
    set_row(leg.pending, row);
    name(leg.named_pending, command);
    const bool same = row.audience == leg.route.audience && row.named == leg.route.named &&
                      std::equal(leg.named, leg.named + row.named, leg.named_pending);
    leg.row_pending = !same;
    return;
  }
  leg.row_pending = false;
  set_row(leg.route, row);
  name(leg.named, command);
}

void change_gains(Leg& leg, const abi::GainCommand& command) {
  leg.loudness.input = sane_gain(command.input);
  leg.loudness.output = sane_gain(command.output);
  leg.out_moves = true;
}

void complete_row(Leg& leg) {
  leg.row_pending = false;
  set_row(leg.route, leg.pending);
  std::memcpy(leg.named, leg.named_pending, sizeof leg.named);
}

void address_named(Context& context, const Conference& conference, Leg& leg, Tick& tick) {
  const bool minus = leg.route.audience == abi::Audience::except;
  if (!minus && leg.route.audience != abi::Audience::only) return;
  uint32_t slots[kLanes] = {kNone, kNone, kNone};
  for (uint32_t i = 0; i < leg.route.named; i++) {
    Leg* listener = context.leg_of(leg.named[i]);
    if (listener == nullptr || listener == &leg || !listener->configured ||
        listener->last_period != context.period ||
        listener->route.kind != abi::RouteKind::conference ||
        listener->route.target != conference.index) {
      continue;
    }
    Addition& addition = context.additions[tick.additions];
    addition.next = listener->mix.additions;
    addition.slot = slot_at(context, leg, lane_of(listener->out.rate_hz), tick, slots);
    addition.ssrc = leg.stream.ssrc();
    addition.level_square = leg.level_square;
    addition.minus = minus;
    listener->mix.additions = tick.additions++;
  }
}

const int16_t* hear_own(Context& context, Leg& leg, const Tick& tick, Sources& sources) {
  float& heard = leg.loudness.heard;
  const float from = heard;
  const float target = output_gain(leg);
  heard = target;
  leg.out_moves = target != 1.0f;
  sources.count = 0;
  if (from == 0.0f && target == 0.0f) return nullptr;
  const uint32_t lane = lane_of(leg.out.rate_hz);
  const auto samples = static_cast<int>(frame_samples(leg));
  const bool own = leg.mix.contributes && leg.mix.in_sum;
  const bool others = tick.sounds(lane) && (!own || tick.contributors > 1 || tick.announcing);
  if (!others && leg.mix.additions == kNone) return nullptr;
  if (others) {
    sources = tick.sources;
    if (own) sources.remove(leg.stream.ssrc());
  }
  Scratch& scratch = context.scratch();
  const int16_t* own_part = own ? slot_of(context, leg.mix.slot) : nullptr;
  const bool plain = from == 1.0f && target == 1.0f && leg.mix.additions == kNone;
  if (plain) {
    dsp::limited_minus_one(context.kernels, leg.mix.limiter, scratch.frame_b, scratch.sums[lane],
                           own_part, scratch.wide, samples);
    context.count.frames_mixed++;
    return scratch.frame_b;
  }
  int32_t* wide = scratch.wide;
  if (others) {
    std::memcpy(wide, scratch.sums[lane], static_cast<size_t>(samples) * sizeof(int32_t));
    if (own) {
      for (int i = 0; i < samples; i++) wide[i] -= own_part[i];
    }
  } else {
    std::memset(wide, 0, static_cast<size_t>(samples) * sizeof(int32_t));
  }
  for (uint32_t at = leg.mix.additions; at != kNone; at = context.additions[at].next) {
    const Addition& addition = context.additions[at];
    const int16_t* voice = slot_of(context, addition.slot);
    if (!addition.minus) {
      context.kernels.accumulate(wide, voice, samples);
      sources.add(addition.ssrc, addition.level_square);
      continue;
    }
    for (int i = 0; i < samples; i++) wide[i] -= voice[i];
    sources.remove(addition.ssrc);
  }
  const float step = (target - from) / static_cast<float>(samples);
  const int32_t peak = dsp::amplify(wide, wide, samples, from, step);
  if (peak == 0 && sources.count == 0) return nullptr;
  leg.mix.limiter.process(context.kernels, scratch.frame_b, wide, samples, peak);
  context.count.frames_mixed++;
  return scratch.frame_b;
}

}  // namespace engine
