#include "engine/leg_tick.h"

#include <cmath>

#include "base/published_record.h"
#include "engine/receiving.h"
#include "engine/recording.h"
#include "engine/relay.h"
#include "engine/rtcp_session.h"
#include "engine/sending.h"
#include "engine/tones.h"

namespace engine {
namespace {

/** RTCP, latching and time-outs are looked at every so many ticks, each leg at its own. */
constexpr uint32_t kHousekeepingTicks = 8;
/** The socket for RTCP more seldom: reports come once in seconds, and the kernel says when. */
constexpr uint32_t kRtcpTicks = 4 * kHousekeepingTicks;
/** Statistics of legs that talk, five times a second; of others once. */
constexpr uint32_t kTalkerPublishTicks = kTicksPerSecond / 5;
/** Of any codec here (RFC 7587 section 4.2). */
constexpr double kLongestPacketMs = 120;

bool wants_audio(Context& context, const Leg& leg) {
  if (!leg.configured || !leg.may_receive) return false;
  if (listens_inband(leg) || records_received(context, leg)) return true;
  switch (leg.route.kind) {
    case abi::RouteKind::idle:
      return false;
    case abi::RouteKind::echo:
      return true;
    case abi::RouteKind::relay: {
      const Leg* peer = context.peer_of(leg);
      return peer != nullptr && relay_decodes(context, leg, *peer);
    }
    case abi::RouteKind::conference:
      return leg.route.speaks() || leg.mix.gain > 0;
  }
  return false;
}

void housekeeping(Context& context, Leg& leg, int64_t now) {
  const bool look = (context.period + leg.index) % kRtcpTicks == 0;
  if (look && !leg.rtcp.mux) receive_rtcp(context, leg, now);
  if (!leg.configured) return;
  check_silence(context, leg, now);
  if (now >= leg.rtcp.next_ns) send_report(context, leg, now, false);
}

double packet_ms(const Leg& leg) {
  const double measured = static_cast<double>(leg.stream.packet_units()) * 1000.0 /
                          static_cast<double>(leg.out.clock_hz);
  return measured > 0 && measured <= kLongestPacketMs ? measured : leg.out.ptime_ms;
}

/** RFC 3611 section 4.7.2; lengths are estimated from packets, as a pause takes no numbers. */
void fill_bursts(const Leg& leg, abi::LegRecord& record) {
  const rtp::BurstReport report = leg.stream.bursts().report();
  const double each_ms = packet_ms(leg);
  record.packets_discarded = static_cast<double>(leg.stream.discarded());
  record.burst_density = report.burst_density;
  record.gap_density = report.gap_density;
  record.burst_ms = report.burst_packets * each_ms;
  record.gap_ms = report.gap_packets * each_ms;
}

}  // namespace

void begin_tick(Context& context, Leg& leg, int64_t now) {
  advance_time(context, leg);
  const bool wanted = wants_audio(context, leg);
  if (wanted && !leg.audio_wanted) reset_playout(context, leg);
  leg.audio_wanted = wanted;
  receive(context, leg, now);
  if (leg.digits_in.active()) check_digit(context, leg, now);
  if ((context.period + leg.index) % kHousekeepingTicks == 0) housekeeping(context, leg, now);
  const uint32_t publish_ticks = leg.mix.talking ? kTalkerPublishTicks : kTicksPerSecond;
  if ((context.period + leg.index) % publish_ticks == 0) publish_leg(context, leg);
}

bool pull_tapped(Context& context, Leg& leg, int64_t now, int16_t* out) {
  const bool heard = pull_frame(context, leg, now, out);
  return !(listens_inband(leg) && detect_inband(context, leg, out)) && heard;
}

void tick_single(Context& context, Leg& leg, int64_t now) {
  begin_tick(context, leg, now);
  if (!leg.configured) return;
  Scratch& scratch = context.scratch();
  const int16_t* heard = nullptr;
  if (leg.audio_wanted && pull_tapped(context, leg, now, scratch.frame_a)) heard = scratch.frame_a;
  const int16_t* source = leg.route.kind == abi::RouteKind::echo ? heard : nullptr;
  const int16_t* sent = send_own(context, leg, source, Sources{});
  // A decoder of G.722 goes on from here when the leg joins a conference (shared_encoder.h).
  if (leg.out.codec == abi::CodecKind::g722) leg.own_encoder = leg.encoder != nullptr;
  if (leg.recording != kNone) {
    record_frame(context, leg, heard, sent, leg.out.rate_hz / kTicksPerSecond);
  }
}

void publish_leg(Context& context, const Leg& leg) {
  auto* shared = reinterpret_cast<abi::LegRecord*>(
      context.memory.statistics + sizeof(abi::WorkerRecord) + leg.index * sizeof(abi::LegRecord));
  const Playout& playout = context.playouts[leg.index];
  jitter::Statistics buffer;
  if (playout.codec != nullptr) buffer = playout.buffer.statistics();
  abi::LegRecord record{};
  record.leg = leg.handle;
  record.packets_received = static_cast<double>(leg.packets_in);
  record.packets_sent = static_cast<double>(leg.out.packets);
  record.octets_received = static_cast<double>(leg.octets_in);
  record.octets_sent = static_cast<double>(leg.out.octets);
  record.packets_lost = static_cast<double>(leg.stream.lost());
  record.packets_late = static_cast<double>(buffer.late);
  record.packets_duplicate = static_cast<double>(buffer.duplicate);
  record.packets_rejected = static_cast<double>(leg.rejected);
  record.frames_concealed = static_cast<double>(buffer.concealed);
  record.remote_packets_lost = static_cast<double>(leg.rtcp.remote_lost);
  record.source_changes = static_cast<double>(leg.source_changes);
  record.jitter_ms = static_cast<double>(leg.stream.jitter_units()) * 1000.0 /
                     static_cast<double>(leg.out.clock_hz);
  record.delay_ms = static_cast<double>(buffer.delay_ns) / 1e6;
  record.round_trip_ms = leg.rtcp.round_trip_ms;
  record.level_dbov =
      leg.level_square > 0.0f
          ? 10.0 * std::log10(static_cast<double>(leg.level_square) / (32768.0 * 32768.0))
          : -127.0;
  record.noise_dbov = leg.mix.vad.noise_dbov();
  record.automatic_gain_db = 20.0 * std::log10(static_cast<double>(leg.loudness.automatic.gain()));
  record.frames_skipped = static_cast<double>(leg.frames_skipped);
  record.buffer_target_ms = static_cast<double>(buffer.target_ns) / 1e6;
  record.buffer_maximum_ms = static_cast<double>(buffer.longest_delay_ns) / 1e6;
  fill_bursts(leg, record);
  base::publish(shared, record);
}

}  // namespace engine
