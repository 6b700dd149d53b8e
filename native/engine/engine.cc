#include "engine/engine.h"

#include "base/published_record.h"
#include "engine/commands.h"
#include "engine/leg_tick.h"
#include "engine/mix.h"
#include "engine/relay.h"
#include "engine/roster.h"
#include "engine/sending.h"

namespace engine {
namespace {

/** Relays are looked at every second phase: 4 ms of delay at most, 2 ms in the mean. */
constexpr uint32_t kRelayPhases = 2;

void tick_legs(Context& context, uint32_t first, int64_t now) {
  for (uint32_t index = first; index != kNone;) {
    Leg& leg = context.legs[index];
    index = leg.next;
    context.prefetch(index);
    if (leg.last_period == context.period) continue;
    if (Leg* peer = context.peer_of(leg); peer != nullptr) {
      tick_relay(context, leg, *peer, now);
    } else {
      tick_single(context, leg, now);
    }
  }
}

}  // namespace

void Engine::advance_phase() {
  context_.phase_count++;
  if (++context_.phase == kPhases) {
    context_.phase = 0;
    context_.period++;
  }
}

bool Engine::tick(int64_t now_ns) {
  context_.flush_events();
  if (!apply_commands(context_, now_ns)) return false;
  send_halves(context_);
  if (context_.phase % kRelayPhases == 0) poll_relays(context_, now_ns);
  const PhaseLists& lists = context_.phases[context_.phase];
  for (uint32_t index = lists.first_conference; index != kNone;) {
    Conference& conference = context_.conferences[index];
    index = conference.next;
    // Left the list here and not with its last member, who may leave while the list is walked.
    if (conference.size > 0) {
      tick_conference(context_, conference, now_ns);
    } else {
      park_conference(context_, conference);
    }
  }
  tick_legs(context_, lists.first_leg, now_ns);
  advance_phase();
  return true;
}

void Engine::skip_idle_phases(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) advance_phase();
}

void Engine::skip_phases(uint32_t count) {
  skip_idle_phases(count);
  context_.count.ticks_skipped += count;
}

void Engine::publish(const LoadMeter& meter, bool realtime, int64_t wall_ns) {
  abi::WorkerRecord record{};
  const Counters& count = context_.count;
  const auto number = [](uint64_t value) { return static_cast<double>(value); };
  record.realtime = realtime ? 1 : 0;
  record.busy_share = meter.busy_share();
  record.cpu_share = meter.cpu_share();
  record.lateness_p99_ms = meter.lateness_p99_ms();
  record.mean_legs = meter.mean_legs();
  record.legs = context_.leg_count;
  record.conferences = context_.conference_count;
  record.ticks_on_time = number(count.ticks_on_time);
  record.ticks_late1_ms = number(count.ticks_late_1ms);
  record.ticks_late5_ms = number(count.ticks_late_5ms);
  record.ticks_skipped = number(count.ticks_skipped);
  record.packets_received = number(count.packets_received);
  record.packets_sent = number(count.packets_sent);
  record.packets_rejected = number(count.packets_rejected);
  record.packets_foreign = number(count.packets_foreign);
  record.packets_forwarded = number(count.packets_forwarded);
  record.send_errors = number(count.send_errors);
  record.packets_unheard = number(count.packets_unheard);
  record.frames_concealed = number(count.frames_concealed);
  record.frames_skipped = number(count.frames_skipped);
  record.frames_mixed = number(count.frames_mixed);
  record.frames_encoded = number(count.frames_encoded);
  record.frames_shared = number(count.frames_shared);
  record.talkers_waiting = number(count.talkers_waiting);
  record.contributors_displaced = number(count.contributors_displaced);
  record.rtcp_received = number(count.rtcp_received);
  record.rtcp_malformed = number(count.rtcp_malformed);
  record.rtcp_sent = number(count.rtcp_sent);
  record.commands = number(count.commands);
  record.commands_stale = number(count.commands_stale);
  record.events_dropped = number(count.events_dropped);
  record.recording_gaps = number(count.recording_gaps);
  record.packets_held_back = number(count.packets_held_back);
  record.clock_steps = number(context_.arrival_clock.steps());
  record.wall_ms = static_cast<double>(wall_ns) / 1e6;
  base::publish(reinterpret_cast<abi::WorkerRecord*>(context_.memory.statistics), record);
}

}  // namespace engine
