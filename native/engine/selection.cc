#include "engine/selection.h"

#include <algorithm>

#include "engine/loudness.h"

namespace engine {
namespace {

/** Loudness follows a rise within two frames and a fall within 200 ms. */
constexpr float kRise = 0.5f;
constexpr float kFall = 0.1f;
/** A place is safe for 200 ms; after that others must be 3 dB louder. */
constexpr uint16_t kSafeTicks = 10;
constexpr float kSafe = 1e4f;
constexpr float kStay = 2.0f;
/** Waiting is worth 3 dB after 4 s and 6 dB after 12 s. */
constexpr uint16_t kLongestWait = 600;
constexpr float kWaitScale = 200.0f;
/** Above all that can come by loudness, safety and waiting. */
constexpr float kPriority = 1e20f;
constexpr uint16_t kMostTurn = 0xffff;

void give(Contribution& mix, bool place) {
  if (mix.selected != place) {
    mix.selected = place;
    mix.turn = 0;
  } else if (mix.turn < kMostTurn) {
    mix.turn++;
  }
}

/** How strong the claim of a talker is to one of the places. */
float claim_of(const Leg& leg, float gain) {
  const Contribution& mix = leg.mix;
  float claim = mix.loudness * gain * gain + 1.0f;
  if (mix.selected) {
    claim *= mix.turn < kSafeTicks ? kSafe : kStay;
  } else {
    claim *= 1.0f + static_cast<float>(std::min(mix.turn, kLongestWait)) / kWaitScale;
  }
  return leg.route.priority ? claim * kPriority : claim;
}

struct Place {
  float claim;
  uint32_t leg;
};

/** Keeps the strongest so many, strongest first. */
uint32_t enter(Place* places, uint32_t taken, uint32_t most, Place next) {
  if (taken == most && next.claim <= places[taken - 1].claim) return taken;
  uint32_t at = taken < most ? taken++ : taken - 1;
  for (; at > 0 && places[at - 1].claim < next.claim; at--) places[at] = places[at - 1];
  places[at] = next;
  return taken;
}

}  // namespace

void select_contributors(Context& context, const Conference& conference, const Tick& tick) {
  const uint32_t most = conference.contributors;
  uint32_t competing = 0;
  for (uint32_t i = 0; i < tick.candidates; i++) {
    Leg& leg = context.legs[context.candidate_list[i]];
    Contribution& mix = leg.mix;
    const float fresh = leg.level_square - mix.loudness;
    mix.loudness += fresh * (fresh > 0 ? kRise : kFall);
    // Private talk takes no place away.
    const bool competes = mix.wanted && leg.route.audience != abi::Audience::only;
    if (competes) competing++;
    if (most == 0 || !competes) give(mix, mix.wanted);
  }
  if (most == 0) return;
  Place places[abi::kMaxContributors];
  uint32_t taken = 0;
  const bool room = competing <= most;
  for (uint32_t i = 0; i < tick.candidates; i++) {
    Leg& leg = context.legs[context.candidate_list[i]];
    if (!leg.mix.wanted || leg.route.audience == abi::Audience::only) continue;
    if (room) {
      give(leg.mix, true);
    } else {
      taken = enter(places, taken, most, {claim_of(leg, input_gain(conference, leg)), leg.index});
    }
  }
  if (room) return;
  for (uint32_t i = 0; i < tick.candidates; i++) {
    Leg& leg = context.legs[context.candidate_list[i]];
    if (!leg.mix.wanted || leg.route.audience == abi::Audience::only) continue;
    const bool place = std::any_of(places, places + taken,
                                   [&leg](const Place& one) { return one.leg == leg.index; });
    if (!place) context.count.talkers_waiting++;
    if (!place && leg.mix.selected) context.count.contributors_displaced++;
    give(leg.mix, place);
  }
}

}  // namespace engine
