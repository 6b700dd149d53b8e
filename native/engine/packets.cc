#include "engine/packets.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "codec/opus_packet.h"
#include "dsp/level.h"

namespace engine {
namespace {

/** Sources and levels are left out of a packet that would not fit an Ethernet frame with them. */
constexpr uint32_t kMaxWithSources = 1380;
/** Comfort noise is repeated every 200 ms, so that nobody takes the leg for dead. */
constexpr uint32_t kNoiseTicks = 10;
/** Hardly to be heard; says that the line is there. */
constexpr uint8_t kNoiseMinusDbov = 70;
/** After so many silent frames an Opus decoder has settled on silence; from there one in 400 ms. */
constexpr uint32_t kDtxSettleTicks = 10;
constexpr uint32_t kDtxTicks = 20;
/** -50 dBov counts as voice. */
constexpr uint8_t kVoiceMinusDbov = 50;

/**
 * SDP may name anybody's address. Until something comes from there only so much is sent to it, so
 * that nobody can have us flood a third party; the first packet from there opens it again.
 */
bool may_reach_peer(Context& context, Leg& leg) {
  Latch& latch = leg.latch;
  if (latch.heard || latch.unheard_left == kNone || !latch.peer.usable()) return true;
  if (latch.unheard_left == 0) {
    context.count.packets_unheard++;
    return false;
  }
  if (--latch.unheard_left == 0) {
    abi::UnheardEvent event{};
    event.leg = leg.handle;
    context.post(event);
  }
  return true;
}

void put(Context& context, Leg& leg, const uint8_t* packet, size_t bytes) {
  if (!may_reach_peer(context, leg)) return;
  const bool sent = leg.latch.connected
                        ? context.link.send(leg.rtp_socket, packet, bytes)
                        : leg.latch.peer.usable() &&
                              context.link.send_to(leg.rtp_socket, leg.latch.peer, packet, bytes);
  if (sent) {
    context.count.packets_sent++;
    leg.out.packets++;
  } else if (leg.latch.peer.usable()) {
    context.count.send_errors++;
  }
}

/** Everything before a payload; returns where the packet begins. */
uint8_t* write_front(const Leg& leg, uint8_t* payload, uint32_t bytes, rtp::Header header,
                     const Sources& sources) {
  uint8_t* at = payload;
  const bool named = bytes <= kMaxWithSources;
  if (named && (leg.out.level_id | leg.out.mix_levels_id) != 0) {
    rtp::Levels levels;
    const bool known = sources.own_minus_dbov != kLevelUnknown;
    levels.own_id = known ? leg.out.level_id : rtp::kNoExtension;
    levels.own = {sources.own_minus_dbov, sources.own_minus_dbov <= kVoiceMinusDbov};
    levels.contributors_id = sources.levels_known ? leg.out.mix_levels_id : rtp::kNoExtension;
    levels.contributors = sources.minus_dbov;
    levels.count = static_cast<uint8_t>(sources.count);
    uint8_t extension[rtp::kMaxExtensionBytes];
    const size_t length = rtp::write_levels(extension, levels);
    at -= length;
    std::memcpy(at, extension, length);
    header.extension = length > 0;
  }
  const uint32_t count = named ? sources.count : 0;
  at -= 4 * count;
  for (uint32_t i = 0; i < count; i++) base::store_be32(at + 4 * i, sources.ssrc[i]);
  header.csrc_count = static_cast<uint8_t>(count);
  at -= rtp::kHeaderBytes;
  rtp::write_header(at, header);
  return at;
}

/** The next audio packet of our line. */
rtp::Header next_header(Leg& leg, uint32_t timestamp) {
  const rtp::Header header = {timestamp, leg.out.ssrc,  leg.out.sequence++, leg.out.payload_type,
                              0,         leg.out.marker};
  leg.out.marker = false;
  return header;
}

void put_payload(Context& context, Leg& leg, uint8_t* payload, uint32_t bytes, uint32_t timestamp,
                 const Sources& sources) {
  const uint8_t* packet = write_front(leg, payload, bytes, next_header(leg, timestamp), sources);
  put(context, leg, packet, static_cast<size_t>(payload + bytes - packet));
  leg.out.octets += bytes;
}

/** The packet is made now and leaves in the middle of the tick. */
void hold_half(Context& context, Leg& leg, uint8_t* payload, uint32_t bytes, uint32_t timestamp,
               const Sources& sources) {
  const auto capacity = static_cast<uint32_t>(context.halves.size());
  if (context.half_write - context.half_read == capacity) {
    put_payload(context, leg, payload, bytes, timestamp, sources);
    return;
  }
  const uint8_t* packet = write_front(leg, payload, bytes, next_header(leg, timestamp), sources);
  leg.held_bytes = static_cast<uint32_t>(payload + bytes - packet);
  std::memcpy(leg.held, packet, leg.held_bytes);
  leg.out.octets += bytes;
  leg.half_waits = true;
  context.halves[context.half_write++ % capacity] = {leg.handle, context.phase_count + kPhases / 2};
}

void put_held(Context& context, Leg& leg, const Sources& sources) {
  uint8_t buffer[kHeadroom + kMaxPayloadBytes];
  std::memcpy(buffer + kHeadroom, leg.held, leg.held_bytes);
  put_payload(context, leg, buffer + kHeadroom, leg.held_bytes, leg.held_timestamp, sources);
  leg.held_bytes = 0;
  leg.held_ms = 0;
}

/** Samples: packets of more or less than a tick; bytes wait in the leg until a packet is full. */
void send_framed(Context& context, Leg& leg, const uint8_t* payload, uint32_t bytes,
                 const Sources& sources) {
  const uint32_t units = tick_units(leg);
  const uint32_t packet_bytes = bytes * leg.out.ptime_ms / kTickMs;
  const uint32_t packet_units = units * leg.out.ptime_ms / kTickMs;
  if (packet_bytes == 0 || packet_bytes > kMaxPayloadBytes) return;
  const uint32_t tick = line_timestamp(leg);
  if (leg.held_bytes == 0) leg.held_timestamp = tick;
  bool first = true;
  for (uint32_t taken = 0; taken < bytes;) {
    const uint32_t part = std::min(bytes - taken, packet_bytes - leg.held_bytes);
    std::memcpy(leg.held + leg.held_bytes, payload + taken, part);
    leg.held_bytes += part;
    taken += part;
    if (leg.held_bytes < packet_bytes) break;
    if (first) {
      put_held(context, leg, sources);
    } else {
      uint8_t buffer[kHeadroom + kMaxPayloadBytes];
      std::memcpy(buffer + kHeadroom, leg.held, packet_bytes);
      leg.held_bytes = 0;
      hold_half(context, leg, buffer + kHeadroom, packet_bytes, leg.held_timestamp, sources);
    }
    leg.held_timestamp += packet_units;
    first = false;
  }
  leg.out.end_timestamp = tick + units;
}

/** Opus: the frames of some ticks in one packet (RFC 6716 section 3.2), as long as they agree. */
void send_joined(Context& context, Leg& leg, const uint8_t* payload, uint32_t bytes,
                 const Sources& sources) {
  const uint32_t tick = line_timestamp(leg);
  if (leg.held_bytes > 0) {
    uint8_t joined[kMaxPayloadBytes];
    const int length = codec::opus_packet::join(leg.held, static_cast<int>(leg.held_bytes), payload,
                                                static_cast<int>(bytes), joined, sizeof joined);
    if (length > 0) {
      std::memcpy(leg.held, joined, static_cast<size_t>(length));
      leg.held_bytes = static_cast<uint32_t>(length);
    } else {
      put_held(context, leg, sources);
    }
  }
  if (leg.held_bytes == 0) {
    leg.held_bytes = std::min(bytes, kMaxPayloadBytes);
    std::memcpy(leg.held, payload, leg.held_bytes);
    leg.held_timestamp = tick;
  }
  leg.held_ms = static_cast<uint8_t>(leg.held_ms + kTickMs);
  leg.out.end_timestamp = tick + tick_units(leg);
  if (leg.held_ms >= leg.out.ptime_ms) put_held(context, leg, sources);
}

void send_noise(Context& context, Leg& leg) {
  uint8_t buffer[kHeadroom + 1];
  buffer[kHeadroom] = kNoiseMinusDbov;
  const uint32_t timestamp = line_timestamp(leg);
  Sources nobody;
  nobody.own_minus_dbov = kNoiseMinusDbov;
  send_packet(context, leg, buffer, 1,
              {timestamp, leg.out.ssrc, leg.out.sequence++, leg.out.comfort_noise_type, 0, false},
              nobody);
  leg.out.end_timestamp = timestamp + tick_units(leg);
}

}  // namespace

uint8_t minus_dbov_of(float mean_square) {
  return dsp::rfc6464_level(dsp::level_dbov(mean_square));
}

uint8_t minus_dbov_of(const Context& context, const int16_t* pcm, uint32_t samples) {
  if (pcm == nullptr) return 127;
  return minus_dbov_of(static_cast<float>(context.kernels.energy(pcm, static_cast<int>(samples))) /
                       static_cast<float>(samples));
}

void Sources::add(uint32_t source, float mean_square) {
  if (count == rtp::kMaxCsrc) return;
  ssrc[count] = source;
  minus_dbov[count++] = minus_dbov_of(mean_square);
}

void Sources::add_all_but(uint32_t source, const Sources& others) {
  for (uint32_t i = 0; i < others.count && count < rtp::kMaxCsrc; i++) {
    if (others.ssrc[i] == source) continue;
    ssrc[count] = others.ssrc[i];
    minus_dbov[count++] = others.minus_dbov[i];
  }
}

void Sources::remove(uint32_t source) {
  const Sources all = *this;
  count = 0;
  add_all_but(source, all);
}

uint32_t line_timestamp(Leg& leg) {
  const auto behind = static_cast<int32_t>(leg.out.end_timestamp - leg.out.timestamp);
  if (behind > 0) leg.out.timestamp = leg.out.end_timestamp;
  return leg.out.timestamp;
}

void send_packet(Context& context, Leg& leg, uint8_t* buffer, uint32_t bytes,
                 const rtp::Header& header, const Sources& sources) {
  uint8_t* payload = buffer + kHeadroom;
  const uint8_t* packet = write_front(leg, payload, bytes, header, sources);
  put(context, leg, packet, static_cast<size_t>(payload + bytes - packet));
  leg.out.octets += bytes;
}

void send_payload(Context& context, Leg& leg, uint8_t* buffer, uint32_t bytes,
                  const Sources& sources) {
  leg.forwarding.epoch = false;
  if (!leg.may_send) return;
  if (leg.half_waits) release_held(context, leg);
  const bool opus = leg.out.codec == abi::CodecKind::opus;
  if (bytes == 0) {
    if (opus && leg.held_bytes > 0) put_held(context, leg, sources);
    return;
  }
  if (leg.out.ptime_ms == kTickMs) {
    const uint32_t timestamp = line_timestamp(leg);
    put_payload(context, leg, buffer + kHeadroom, bytes, timestamp, sources);
    leg.out.end_timestamp = timestamp + tick_units(leg);
  } else if (opus) {
    send_joined(context, leg, buffer + kHeadroom, bytes, sources);
  } else {
    send_framed(context, leg, buffer + kHeadroom, bytes, sources);
  }
}

void send_pair(Context& context, Leg& leg, uint8_t* first, uint32_t first_bytes, uint8_t* second,
               uint32_t second_bytes, const Sources& sources) {
  leg.forwarding.epoch = false;
  if (!leg.may_send) return;
  if (leg.half_waits) release_held(context, leg);
  const uint32_t timestamp = line_timestamp(leg);
  const uint32_t units = tick_units(leg);
  if (first_bytes > 0) {
    put_payload(context, leg, first + kHeadroom, first_bytes, timestamp, sources);
  }
  if (second_bytes > 0) {
    hold_half(context, leg, second + kHeadroom, second_bytes, timestamp + units / 2, sources);
  }
  leg.out.end_timestamp = timestamp + units;
}

void release_held(Context& context, Leg& leg) {
  if (leg.half_waits) put(context, leg, leg.held, leg.held_bytes);
  leg.half_waits = false;
  leg.held_bytes = 0;
  leg.held_ms = 0;
}

void send_halves(Context& context) {
  const auto capacity = static_cast<uint32_t>(context.halves.size());
  while (context.half_read != context.half_write) {
    const Half& half = context.halves[context.half_read % capacity];
    if (half.due > context.phase_count) return;
    context.half_read++;
    Leg* leg = context.leg_of(half.leg);
    if (leg != nullptr && leg->half_waits) release_held(context, *leg);
  }
}

bool pauses(Context& context, Leg& leg, bool silent) {
  const bool noise = leg.out.comfort_noise_type != abi::kNoPayloadType;
  uint32_t& ticks = leg.out.pause_ticks;
  // A packet half full is filled up first.
  if (!silent || !(noise || leg.out.dtx) || !leg.may_send ||
      (leg.held_bytes > 0 && !leg.half_waits)) {
    if (ticks > (noise ? 0 : kDtxSettleTicks)) leg.out.marker = true;
    ticks = 0;
    return false;
  }
  const uint32_t tick = ticks++;
  leg.forwarding.epoch = false;
  if (noise) {
    if (leg.half_waits) release_held(context, leg);
    if (tick % kNoiseTicks == 0) send_noise(context, leg);
    return true;
  }
  return tick >= kDtxSettleTicks && tick % kDtxTicks != 0;
}

}  // namespace engine
