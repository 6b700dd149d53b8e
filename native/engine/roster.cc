#include "engine/roster.h"

#include <algorithm>
#include <cstring>

#include "engine/announcement.h"
#include "engine/codec_memory.h"
#include "engine/leg_tick.h"
#include "engine/player.h"
#include "engine/recording.h"
#include "engine/rtcp_session.h"
#include "engine/talk.h"

namespace engine {
namespace {

uint8_t lightest_phase(const Context& context) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < kPhases; i++) {
    if (context.phases[i].load < context.phases[best].load) best = i;
  }
  return static_cast<uint8_t>(best);
}

void push_front(Context& context, Leg& leg, uint32_t& first) {
  leg.previous = kNone;
  leg.next = first;
  if (first != kNone) context.legs[first].previous = leg.index;
  first = leg.index;
}

void unlink(Context& context, Leg& leg, uint32_t& first) {
  if (leg.previous == kNone) {
    first = leg.next;
  } else {
    context.legs[leg.previous].next = leg.next;
  }
  if (leg.next != kNone) context.legs[leg.next].previous = leg.previous;
  leg.next = leg.previous = kNone;
}

void enter_phase(Context& context, Leg& leg, uint8_t phase) {
  leg.phase = phase;
  push_front(context, leg, context.phases[phase].first_leg);
  context.phases[phase].load++;
}

void leave_phase(Context& context, Leg& leg) {
  unlink(context, leg, context.phases[leg.phase].first_leg);
  context.phases[leg.phase].load--;
}

void remove_relay(Context& context, Leg& leg) {
  if (leg.relay_position == kNone) return;
  const uint32_t last = context.relays[--context.relay_count];
  context.relays[leg.relay_position] = last;
  context.legs[last].relay_position = leg.relay_position;
  leg.relay_position = kNone;
}

void add_relay(Context& context, Leg& leg, Leg& peer) {
  leg.route.kind = abi::RouteKind::relay;
  leg.route.target = peer.index;
  leg.forwarding = Forwarding{};
  leg.relay_position = context.relay_count;
  context.relays[context.relay_count++] = leg.index;
}

void leave_conference(Context& context, Leg& leg) {
  Conference& conference = context.conferences[leg.route.target];
  stop_talking(context, leg);
  release_reserve(context, leg);
  unlink(context, leg, conference.first);
  conference.size--;
  context.phases[conference.phase].load--;
}

/** Out of every list. The other leg of a relay becomes idle. */
void detach(Context& context, Leg& leg) {
  if (leg.route.kind == abi::RouteKind::conference) {
    leave_conference(context, leg);
  } else {
    if (Leg* peer = context.peer_of(leg); peer != nullptr) {
      remove_relay(context, *peer);
      peer->route = Route{};
    }
    remove_relay(context, leg);
    leave_phase(context, leg);
  }
  leg.route = Route{};
}

void unlink_conference(Context& context, Conference& conference) {
  if (!conference.ticks) return;
  conference.ticks = false;
  uint32_t& first = context.phases[conference.phase].first_conference;
  if (conference.previous == kNone) {
    first = conference.next;
  } else {
    context.conferences[conference.previous].next = conference.next;
  }
  if (conference.next != kNone) {
    context.conferences[conference.next].previous = conference.previous;
  }
  conference.next = conference.previous = kNone;
}

void link_conference(Context& context, Conference& conference, uint8_t phase) {
  conference.phase = phase;
  conference.ticks = true;
  uint32_t& first = context.phases[phase].first_conference;
  conference.previous = kNone;
  conference.next = first;
  if (first != kNone) context.conferences[first].previous = conference.index;
  first = conference.index;
}

void join_conference(Context& context, Leg& leg, const Route& route) {
  Conference& conference = context.conferences[route.target];
  // Phases fill as conferences start, so the choice is made with the first member.
  if (!conference.ticks) link_conference(context, conference, lightest_phase(context));
  leg.route = route;
  std::memcpy(leg.named, leg.named_pending, sizeof leg.named);
  leg.loudness.automatic.init(conference.speech_dbov);
  leg.phase = conference.phase;
  push_front(context, leg, conference.first);
  if (conference.contributors == 0 || conference.size < conference.contributors) {
    reserve_encoder(context, leg);
  }
  conference.size++;
  context.phases[conference.phase].load++;
}

void apply_route(Context& context, Leg& leg, const Route& route) {
  const uint8_t phase =
      leg.route.kind == abi::RouteKind::conference ? lightest_phase(context) : leg.phase;
  detach(context, leg);
  switch (route.kind) {
    case abi::RouteKind::idle:
    case abi::RouteKind::echo:
      leg.route.kind = route.kind;
      enter_phase(context, leg, phase);
      return;
    case abi::RouteKind::conference:
      join_conference(context, leg, route);
      return;
    case abi::RouteKind::relay: {
      Leg& peer = context.legs[route.target];
      if (peer.closing) {
        enter_phase(context, leg, phase);
        return;
      }
      peer.rerouting = false;
      detach(context, peer);
      // Both are served together, as one may need the frame of the other.
      enter_phase(context, leg, phase);
      enter_phase(context, peer, phase);
      add_relay(context, leg, peer);
      add_relay(context, peer, leg);
      return;
    }
  }
}

void end_leg(Context& context, Leg& leg, int64_t now) {
  detach(context, leg);
  stop_players(context, leg, 0);
  stop_recording(context, leg);
  if (leg.configured) send_report(context, leg, now, true);
  publish_leg(context, leg);
  drop_memory(context, leg);
  abi::LegClosedEvent event{};
  event.leg = leg.handle;
  leg.open = false;
  leg.closing = false;
  context.leg_count--;
  context.post(event);
}

}  // namespace

void add_leg(Context& context, Leg& leg) {
  enter_phase(context, leg, lightest_phase(context));
  context.leg_count++;
}

void change_route(Context& context, Leg& leg, const Route& route) {
  if (leg.closing) return;
  if (leg.route.kind == route.kind && leg.route.target == route.target) {
    // Where it is already: only the mute may change, and a move not yet made is off.
    leg.rerouting = false;
    leg.route.muted = route.muted;
    return;
  }
  leg.row_pending = false;
  if (leg.route.kind == abi::RouteKind::conference && leg.mix.gain > 0) {
    leg.rerouting = true;
    leg.pending = route;
    return;
  }
  leg.rerouting = false;
  apply_route(context, leg, route);
}

void close_leg(Context& context, Leg& leg, int64_t now) {
  if (leg.closing) return;
  if (leg.route.kind == abi::RouteKind::conference && leg.mix.gain > 0) {
    leg.closing = true;
    return;
  }
  end_leg(context, leg, now);
}

void complete_leaving(Context& context, Leg& leg, int64_t now) {
  if (leg.closing) {
    end_leg(context, leg, now);
    return;
  }
  if (!leg.rerouting) return;
  leg.rerouting = false;
  const Route route = leg.pending;
  // The target may have gone meanwhile.
  const bool gone =
      (route.kind == abi::RouteKind::conference && !context.conferences[route.target].open) ||
      (route.kind == abi::RouteKind::relay && !context.legs[route.target].open);
  apply_route(context, leg, gone ? Route{} : route);
}

void open_conference(Context& context, const abi::OpenConferenceCommand& command) {
  const uint32_t index = command.conference & 0xffff;
  if (index >= context.limits.conferences || context.conferences[index].open) {
    context.count.commands_stale++;
    return;
  }
  Conference& conference = context.conferences[index];
  conference = Conference{};
  conference.index = index;
  conference.handle = command.conference;
  conference.open = true;
  conference.contributors = std::min<uint8_t>(command.contributors, abi::kMaxContributors);
  conference.automatic_gain = command.automatic_gain != 0;
  conference.noise_suppression = command.noise_suppression != 0;
  conference.speech_dbov = command.speech_dbov;
  for (uint32_t lane = 0; lane < kLanes; lane++) {
    conference.limiters[lane].init(static_cast<int>(kLaneRates[lane]));
    for (uint32_t to = 0; to < kLanes; to++) {
      context.resamplers[context.mix_resampler(index, lane, to)].reset();
    }
  }
  context.conference_count++;
}

void park_conference(Context& context, Conference& conference) {
  unlink_conference(context, conference);
}

void close_conference(Context& context, Conference& conference, int64_t now) {
  conference.open = false;
  stop_announcement(context, conference, 0);
  while (conference.first != kNone) {
    Leg& leg = context.legs[conference.first];
    if (leg.closing) {
      end_leg(context, leg, now);
      continue;
    }
    if (leg.rerouting) {
      complete_leaving(context, leg, now);
      continue;
    }
    apply_route(context, leg, Route{});
  }
  unlink_conference(context, conference);
  context.conference_count--;
  abi::ConferenceClosedEvent event{};
  event.conference = conference.handle;
  context.post(event);
}

}  // namespace engine
