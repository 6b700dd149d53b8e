#include "engine/rtcp_session.h"

#include "base/clock.h"
#include "rtp/rtcp.h"

namespace engine {
namespace {

/** RFC 3550 section 6.2: five seconds, spread over 0.5 to 1.5 of it so that peers do not fall in
 * step. */
constexpr int64_t kIntervalNs = 5 * base::kNsPerSecond;
/** Seconds from 1900 to 1970. */
constexpr uint64_t kNtpEpoch = 2'208'988'800;

uint64_t ntp_of(const Context& context, int64_t now) {
  const int64_t wall = now + context.arrival_clock.offset_ns();
  const auto seconds = static_cast<uint64_t>(wall / base::kNsPerSecond);
  const auto rest = static_cast<uint64_t>(wall % base::kNsPerSecond);
  return ((seconds + kNtpEpoch) << 32) | ((rest << 32) / static_cast<uint64_t>(base::kNsPerSecond));
}

int64_t spread(Context& context, int64_t interval) {
  return interval / 2 + context.random.below(interval / 1000) * 1000;
}

}  // namespace

void schedule_first_report(Context& context, Leg& leg, int64_t now) {
  leg.rtcp.next_ns = now + spread(context, kIntervalNs / 2);
}

void on_rtcp(Context& context, Leg& leg, const uint8_t* bytes, size_t count, int64_t now) {
  rtp::Incoming incoming;
  if (!rtp::parse_compound(bytes, count, leg.out.ssrc, incoming)) {
    context.count.rtcp_malformed++;
    return;
  }
  context.count.rtcp_received++;
  leg.last_rtcp_ns = now;
  leg.latch.heard = true;
  if (incoming.has_sr) {
    leg.rtcp.last_sr_middle = incoming.sr_ntp_middle;
    leg.rtcp.last_sr_ns = now;
  }
  if (incoming.has_report) {
    leg.rtcp.remote_lost = incoming.report.cumulative_lost > 0
                               ? static_cast<uint32_t>(incoming.report.cumulative_lost)
                               : 0;
    const auto middle = static_cast<uint32_t>(ntp_of(context, now) >> 16);
    const int64_t trip = rtp::round_trip(incoming.report, middle);
    if (trip >= 0) leg.rtcp.round_trip_ms = static_cast<double>(trip) * 1000.0 / 65536.0;
  }
  // A BYE says that this source ends, not the call: signalling decides about that.
}

void send_report(Context& context, Leg& leg, int64_t now, bool bye) {
  leg.rtcp.next_ns = now + spread(context, kIntervalNs);
  net::Address to = leg.rtcp.target;
  if (leg.rtcp.mux) {
    to = leg.latch.peer;
  } else if (leg.latch.latched && !(leg.latch.peer == leg.latch.signalled)) {
    // Behind a translator the signalled port means nothing; the neighbour of the latched one may.
    to = leg.latch.peer;
    to.port++;
  }
  if (!to.usable() || (!leg.latch.heard && leg.latch.unheard_left == 0)) return;

  rtp::ReportBlock block{};
  if (leg.stream.started()) {
    const rtp::StreamStats::Report report = leg.stream.make_report();
    block.ssrc = leg.stream.ssrc();
    block.extended_highest = report.extended_highest;
    block.jitter = report.jitter;
    block.cumulative_lost = report.cumulative_lost;
    block.fraction_lost = report.fraction_lost;
    block.last_sr = leg.rtcp.last_sr_middle;
    if (leg.rtcp.last_sr_middle != 0) {
      block.delay_last_sr =
          static_cast<uint32_t>(((now - leg.rtcp.last_sr_ns) << 16) / base::kNsPerSecond);
    }
  }
  rtp::Compound compound{};
  compound.ssrc = leg.out.ssrc;
  compound.sender = leg.out.packets != leg.rtcp.packets_at_last;
  compound.ntp = ntp_of(context, now);
  compound.rtp_timestamp = leg.out.timestamp;
  compound.packets = static_cast<uint32_t>(leg.out.packets);
  compound.octets = static_cast<uint32_t>(leg.out.octets);
  compound.report = leg.stream.started() ? &block : nullptr;
  compound.cname = leg.cname;
  compound.cname_bytes = leg.cname_bytes;
  compound.bye = bye;
  leg.rtcp.packets_at_last = leg.out.packets;
  uint8_t* bytes = context.scratch().rtcp;
  const size_t count = rtp::write_compound(compound, bytes);
  const bool sent =
      leg.rtcp.mux && leg.latch.connected
          ? context.link.send(leg.rtp_socket, bytes, count)
          : context.link.send_to(leg.rtcp.mux ? leg.rtp_socket : leg.rtcp_socket, to, bytes, count);
  if (sent) context.count.rtcp_sent++;
}

}  // namespace engine
