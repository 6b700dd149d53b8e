#include "engine/receiving.h"

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "engine/playout.h"
#include "engine/relay.h"
#include "engine/rtcp_session.h"

namespace engine {
namespace {

/** More in one tick is a flood or a long stall; the rest waits in the socket or is dropped there.
 */
constexpr int kPacketsPerTick = 16;
/** Of RTCP in 640 ms; peers send one or two in seconds. */
constexpr int kReportsPerLook = 16;
/** Silence of the present source after which another one may take its place. */
constexpr int64_t kRelatchNs = 1500 * base::kNsPerMs;
/** The same for one that does not go on with the stream that was heard: a phone that moved keeps
 * its SSRC, and one that suppresses silence is often quiet for longer than kRelatchNs. */
constexpr int64_t kOtherStreamNs = 10'000 * base::kNsPerMs;
/** Packets in a row from an address that signalling did not name, before it is believed. */
constexpr uint8_t kProbation = 3;
/** So many ticks in a row with one packet each, and its sender counts as even. */
constexpr uint8_t kEvenTicks = 50;
/** The next packet of an even sender comes a tick after this one. */
constexpr int64_t kAloneNs = (kTickMs - 1) * base::kNsPerMs;

void latch(Context& context, Leg& leg, const net::Address& from) {
  Latch& latch = leg.latch;
  const bool changed = !(latch.peer == from) && leg.packets_in > 0;
  const bool tell = !latch.latched || changed;
  latch.peer = from;
  latch.latched = true;
  latch.heard = true;
  latch.candidate_packets = 0;
  latch.connected = from == latch.signalled && context.link.connect(leg.rtp_socket, from);
  if (changed) leg.source_changes++;
  if (!tell) return;
  abi::ReceivingEvent event{};
  event.leg = leg.handle;
  event.family = static_cast<uint8_t>(from.family);
  event.port = from.port;
  std::memcpy(event.address, from.ip, sizeof event.address);
  context.post(event);
}

/**
 * Symmetric RTP with a guard: the signalled address is believed at once, any other one only when it
 * sends several packets in a row while the signalled (or latched) one is silent. One that
 * signalling did not name is never connected, so that the signalled one can take its place back.
 */
bool accept_source(Context& context, Leg& leg, const net::Address& from, uint32_t ssrc,
                   int64_t now) {
  Latch& state = leg.latch;
  const net::Address& expected = state.latched ? state.peer : state.signalled;
  if (from == expected || from == state.signalled) {
    latch(context, leg, from);
    return true;
  }
  // In between two packets of the present source there is room for any number of a stranger's.
  const int64_t quiet_ns = now - leg.last_packet_ns;
  const bool same_stream = leg.stream.started() && leg.stream.ssrc() == ssrc;
  if (state.latched && quiet_ns <= (same_stream ? kRelatchNs : kOtherStreamNs)) {
    context.count.packets_foreign++;
    return false;
  }
  if (state.candidate == from) {
    if (state.candidate_packets < kProbation) state.candidate_packets++;
  } else {
    state.candidate = from;
    state.candidate_packets = 1;
  }
  if (state.candidate_packets >= kProbation || !expected.usable()) {
    latch(context, leg, from);
    return true;
  }
  context.count.packets_foreign++;
  return false;
}

void reject(Context& context, Leg& leg) {
  leg.rejected++;
  context.count.packets_rejected++;
}

void on_event(Context& context, Leg& leg, const rtp::Packet& packet, int64_t now) {
  rtp::ReceivedDigit done;
  // Events take sequence numbers that the other leg of a relay never sees.
  if (Leg* peer = context.peer_of(leg); peer != nullptr) peer->forwarding.epoch = false;
  if (!leg.digits_in.on_packet(packet.timestamp, packet.payload, packet.payload_bytes, now, done)) {
    return;
  }
  post_digit(
      context, leg, done.event, abi::DigitSource::rtp,
      static_cast<uint32_t>(static_cast<uint64_t>(done.duration_units) * 1000 / leg.out.clock_hz));
}

/**
 * Time of arrival by the monotonic clock. May be later than the grid's `now` when the tick is late:
 * taken for on time, such a packet would look faster than any can be, and all others late.
 */
net::ArrivalClock::Arrival arrival_of(Context& context, int64_t stamp_ns, int64_t empty_ns,
                                      int64_t now) {
  if (stamp_ns == 0) return {net::ArrivalClock::Verdict::unknown, now};
  const net::ArrivalClock::Arrival arrival =
      context.arrival_clock.arrival(stamp_ns, empty_ns, context.woken_ns);
  if (arrival.verdict == net::ArrivalClock::Verdict::held_back) context.count.packets_held_back++;
  return arrival;
}

void on_rtp(Context& context, Leg& leg, const uint8_t* bytes, int count, const net::Address* from,
            int64_t now) {
  rtp::Packet packet;
  if (!rtp::parse(bytes, static_cast<size_t>(count), packet)) return reject(context, leg);
  const uint8_t format = leg.formats[packet.payload_type];
  if (format == kFormatUnknown) return reject(context, leg);
  // Connected in this very batch: what was queued before from others is still to be refused.
  if (from != nullptr && !(leg.latch.connected && *from == leg.latch.peer) &&
      (leg.latch.connected || !accept_source(context, leg, *from, packet.ssrc, now))) {
    return reject(context, leg);
  }
  if (!leg.stream.started() || leg.stream.ssrc() != packet.ssrc) leg.digits_in.reset();
  const auto arrival =
      static_cast<uint32_t>(static_cast<uint64_t>(now / 1000) * (leg.out.clock_hz / 1000) / 1000);
  leg.stream.on_packet(packet.ssrc, packet.sequence, packet.timestamp, arrival);
  leg.packets_in++;
  leg.octets_in += packet.payload_bytes;
  leg.last_packet_ns = now;
  leg.silence_reported = false;
  context.count.packets_received++;
  if (!leg.may_receive) return;
  if (format == kFormatEvent) return on_event(context, leg, packet, now);
  const bool comfort_noise = format == kFormatComfortNoise;
  if (!comfort_noise) {
    leg.receive_codec = static_cast<abi::CodecKind>(format);
    if (Leg* peer = context.peer_of(leg); peer != nullptr && forwards(context, leg, *peer)) {
      forward(context, leg, *peer, packet, now);
    }
  }
  if (leg.audio_wanted) insert_audio(context, leg, packet, comfort_noise, now);
}

/**
 * Whether no other packet can be there yet that this tick needs: the one just read gives a whole
 * frame in its turn, and what follows it is due in 20 ms. Then the socket is not asked a second
 * time, a tenth of what a packet costs.
 */
bool comes_alone(Context& context, const Leg& leg, const net::ArrivalClock::Arrival& came) {
  return came.verdict == net::ArrivalClock::Verdict::stamped &&
         context.woken_ns - came.ns < kAloneNs && leg.latch.connected &&
         leg.route.kind == abi::RouteKind::conference &&
         (!leg.audio_wanted || frame_waits(context, leg));
}

/** One that is not even is read until nothing is left, for a second at least. */
void follow_evenness(Leg& leg, bool one) {
  leg.even_ticks = one ? std::min<uint8_t>(leg.even_ticks + 1, kEvenTicks) : 0;
}

}  // namespace

void receive(Context& context, Leg& leg, int64_t now) {
  uint8_t* bytes = context.scratch().packet_in;
  // There when the packet is.
  if (leg.audio_wanted) context.playouts[leg.index].buffer.prefetch_memory();
  // Who sent is asked for as long as nobody is latched; the kernel answers it afterwards.
  const bool ask = !leg.latch.connected;
  const bool even = leg.even_ticks >= kEvenTicks;
  const uint64_t before = leg.packets_in;
  bool alone = false;
  net::Address from;
  for (int i = 0; i < kPacketsPerTick; i++) {
    int64_t wall_ns = 0;
    const int count = context.link.receive(leg.rtp_socket, bytes, rtp::kMaxPacketBytes + 1,
                                           ask ? &from : nullptr, &wall_ns);
    if (count < 0) {
      leg.emptied_ns = context.woken_ns;
      follow_evenness(leg, alone && leg.packets_in == before + 1);
      return;
    }
    if (!leg.configured) continue;
    const net::ArrivalClock::Arrival came = arrival_of(context, wall_ns, leg.emptied_ns, now);
    const int64_t arrival = came.ns;
    if (leg.rtcp.mux && rtp::looks_like_rtcp(bytes, static_cast<size_t>(count))) {
      // From the host that we send to, as on a port of its own (below).
      if (ask && !from.same_host(leg.latch.peer)) {
        context.count.packets_foreign++;
        continue;
      }
      on_rtcp(context, leg, bytes, static_cast<size_t>(count), arrival);
      continue;
    }
    on_rtp(context, leg, bytes, count, ask ? &from : nullptr, arrival);
    alone = comes_alone(context, leg, came);
    if (even && alone && leg.packets_in == before + 1) return;
  }
  follow_evenness(leg, false);
}

void receive_rtcp(Context& context, Leg& leg, int64_t now) {
  uint8_t* bytes = context.scratch().packet_in;
  net::Address from;
  for (int i = 0; i < kReportsPerLook; i++) {
    // The socket is looked at rarely; by the time of reading, every round trip would look long.
    int64_t wall_ns = 0;
    const int count =
        context.link.receive(leg.rtcp_socket, bytes, rtp::kMaxPacketBytes + 1, &from, &wall_ns);
    if (count < 0) return;
    if (!leg.configured) continue;
    // Reports come from the host that sends the media, or from the one that was signalled.
    if (!from.same_host(leg.latch.peer) && !from.same_host(leg.rtcp.target)) {
      context.count.packets_foreign++;
      continue;
    }
    on_rtcp(context, leg, bytes, static_cast<size_t>(count),
            arrival_of(context, wall_ns, 0, now).ns);
  }
}

void check_digit(Context& context, Leg& leg, int64_t now) {
  rtp::ReceivedDigit done;
  if (!leg.digits_in.on_tick(now, done)) return;
  post_digit(
      context, leg, done.event, abi::DigitSource::rtp,
      static_cast<uint32_t>(static_cast<uint64_t>(done.duration_units) * 1000 / leg.out.clock_hz));
}

void check_silence(Context& context, Leg& leg, int64_t now) {
  const int64_t quiet_ns = now - leg.last_packet_ns;
  if (leg.latch.connected && quiet_ns > kRelatchNs) {
    context.link.disconnect(leg.rtp_socket);
    leg.latch.connected = false;
    leg.latch.candidate_packets = 0;
  }
  if (leg.silence_timeout_ms == 0 || leg.silence_reported || !leg.may_receive) return;
  const int64_t limit = leg.silence_timeout_ms * base::kNsPerMs;
  if (quiet_ns < limit || now - leg.last_rtcp_ns < limit) return;
  leg.silence_reported = true;
  abi::SilentEvent event{};
  event.leg = leg.handle;
  context.post(event);
}

void unlatch(Context& context, Leg& leg) {
  if (leg.latch.connected) context.link.disconnect(leg.rtp_socket);
  leg.latch.connected = false;
  leg.latch.latched = false;
  leg.latch.heard = false;
  leg.latch.candidate_packets = 0;
  leg.latch.candidate = net::Address{};
}

void post_digit(Context& context, Leg& leg, uint8_t digit, abi::DigitSource source,
                uint32_t duration_ms) {
  abi::DigitEvent event{};
  event.leg = leg.handle;
  event.digit = digit;
  event.source = static_cast<uint8_t>(source);
  event.duration_ms = duration_ms;
  context.post(event);
}

}  // namespace engine
