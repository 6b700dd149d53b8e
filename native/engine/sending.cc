#include "engine/sending.h"

#include <algorithm>
#include <cstring>

#include "engine/player.h"
#include "engine/tones.h"

namespace engine {
namespace {

/** After so many frames of silence a codec with memory sends the same again and again: 200 ms. */
constexpr uint8_t kSettleFrames = 10;

uint32_t tick_units(const Leg& leg) {
  return leg.out.clock_hz / kTicksPerSecond;
}

/** The time stamp of this tick, never behind the end of what was sent. */
uint32_t line_timestamp(Leg& leg) {
  const auto behind = static_cast<int32_t>(leg.out.end_timestamp - leg.out.timestamp);
  if (behind > 0) leg.out.timestamp = leg.out.end_timestamp;
  return leg.out.timestamp;
}

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

/** Packets of more or less than a tick: bytes wait in the leg until a packet is full. */
void send_framed(Context& context, Leg& leg, const uint8_t* payload, uint32_t bytes) {
  const uint32_t units = tick_units(leg);
  const uint32_t packet_bytes = bytes * leg.out.ptime_ms / kTickMs;
  const uint32_t packet_units = units * leg.out.ptime_ms / kTickMs;
  if (packet_bytes == 0 || packet_bytes > kMaxPayloadBytes) return;
  const uint32_t tick = line_timestamp(leg);
  if (leg.held_bytes == 0) leg.held_timestamp = tick;
  uint32_t taken = 0;
  while (taken < bytes) {
    const uint32_t part = std::min(bytes - taken, packet_bytes - leg.held_bytes);
    std::memcpy(leg.held + leg.held_bytes, payload + taken, part);
    leg.held_bytes += part;
    taken += part;
    if (leg.held_bytes < packet_bytes) break;
    uint8_t packet[rtp::kHeaderBytes + kMaxPayloadBytes];
    rtp::write_header(packet, {leg.held_timestamp, leg.out.ssrc, leg.out.sequence++,
                               leg.out.payload_type, 0, leg.out.marker});
    leg.out.marker = false;
    std::memcpy(packet + rtp::kHeaderBytes, leg.held, packet_bytes);
    put(context, leg, packet, rtp::kHeaderBytes + packet_bytes);
    leg.out.octets += packet_bytes;
    leg.held_timestamp += packet_units;
    leg.held_bytes = 0;
  }
  leg.out.end_timestamp = tick + units;
}

}  // namespace

void advance_time(Context& context, Leg& leg) {
  leg.out.timestamp += (context.period - leg.last_period) * tick_units(leg);
  leg.last_period = context.period;
}

void* encoder_of(Context& context, const Leg& leg) {
  return context.encoder_stride == 0 ? nullptr
                                     : &context.encoder_states[leg.index * context.encoder_stride];
}

uint32_t encode_frame(Context& context, const Leg& leg, void* encoder, SilentPayload& silent,
                      const int16_t* pcm, uint8_t* out) {
  const uint32_t samples = leg.out.rate_hz / kTicksPerSecond;
  if (pcm == nullptr) {
    if (leg.out.codec == abi::CodecKind::pcmu || leg.out.codec == abi::CodecKind::pcma) {
      std::memset(out, leg.out.codec == abi::CodecKind::pcmu ? 0xff : 0xd5, samples);
      return samples;
    }
    if (leg.out.codec == abi::CodecKind::l16) {
      std::memset(out, 0, samples * sizeof(int16_t));
      return samples * static_cast<uint32_t>(sizeof(int16_t));
    }
    if (silent.run >= kSettleFrames && silent.bytes > 0) {
      std::memcpy(out, silent.payload, silent.bytes);
      return silent.bytes;
    }
    pcm = context.scratch().zeros;
    if (silent.run < kSettleFrames) silent.run++;
  } else {
    silent.run = 0;
  }
  const codec::Codec* codec = codec_of(leg.out.codec, leg.out.rate_hz);
  if (codec == nullptr) return 0;
  const int bytes = codec->encode(encoder, pcm, static_cast<int>(samples), out,
                                  static_cast<int>(kMaxPayloadBytes));
  context.count.frames_encoded++;
  if (bytes <= 0) return 0;
  if (silent.run == kSettleFrames) {
    const bool fits = static_cast<size_t>(bytes) <= sizeof silent.payload;
    silent.bytes = static_cast<uint16_t>(fits ? bytes : 0);
    if (fits) std::memcpy(silent.payload, out, static_cast<size_t>(bytes));
  }
  return static_cast<uint32_t>(bytes);
}

void send_packet(Context& context, Leg& leg, uint8_t* buffer, uint32_t bytes,
                 const rtp::Header& header) {
  uint8_t* packet = buffer + kHeadroom - rtp::kHeaderBytes;
  rtp::write_header(packet, header);
  put(context, leg, packet, rtp::kHeaderBytes + bytes);
  leg.out.octets += bytes;
}

void send_payload(Context& context, Leg& leg, uint8_t* buffer, uint32_t bytes,
                  uint32_t csrc_count) {
  leg.forwarding.epoch = false;
  if (!leg.may_send || bytes == 0) return;
  if (leg.out.ptime_ms != kTickMs) {
    send_framed(context, leg, buffer + kHeadroom, bytes);
    return;
  }
  const uint32_t timestamp = line_timestamp(leg);
  uint8_t* packet = buffer + kHeadroom - 4 * csrc_count - rtp::kHeaderBytes;
  rtp::write_header(packet, {timestamp, leg.out.ssrc, leg.out.sequence++, leg.out.payload_type,
                             static_cast<uint8_t>(csrc_count), leg.out.marker});
  leg.out.marker = false;
  leg.out.end_timestamp = timestamp + tick_units(leg);
  put(context, leg, packet, rtp::kHeaderBytes + 4 * csrc_count + bytes);
  leg.out.octets += bytes;
}

bool send_event(Context& context, Leg& leg) {
  if (leg.digits_out.idle() || leg.out.event_payload_type == abi::kNoPayloadType) return false;
  rtp::EventPacket event;
  const bool sending = leg.digits_out.next(line_timestamp(leg), tick_units(leg), kTickMs, event);
  if (const uint32_t finished = leg.digits_out.take_finished(); finished > 0) {
    abi::DigitsSentEvent sent{};
    sent.leg = leg.handle;
    sent.count = finished;
    context.post(sent);
  }
  if (!sending) return false;
  leg.forwarding.epoch = false;
  leg.held_bytes = 0;
  leg.out.end_timestamp = leg.out.timestamp + tick_units(leg);
  // The audio after a digit starts anew for the receiver.
  leg.out.marker = true;
  if (!leg.may_send) return true;
  uint8_t* buffer = context.scratch().packet_out;
  std::memcpy(buffer + kHeadroom, event.payload, sizeof event.payload);
  send_packet(context, leg, buffer, sizeof event.payload,
              {event.timestamp, leg.out.ssrc, leg.out.sequence++, leg.out.event_payload_type, 0,
               event.marker});
  return true;
}

const int16_t* send_own(Context& context, Leg& leg, const int16_t* heard, const uint32_t* csrc,
                        uint32_t csrc_count) {
  Scratch& scratch = context.scratch();
  const uint32_t samples = leg.out.rate_hz / kTicksPerSecond;
  const int16_t* pcm = heard;
  if (leg.replace.active) {
    read_player(context, leg, leg.replace, scratch.frame_c, samples);
    pcm = scratch.frame_c;
    csrc_count = 0;
  }
  if (leg.mixed.active) {
    read_player(context, leg, leg.mixed, scratch.frame_d, samples);
    for (uint32_t i = 0; i < samples; i++) {
      const int32_t sum = (pcm != nullptr ? pcm[i] : 0) + scratch.frame_d[i];
      scratch.frame_c[i] = static_cast<int16_t>(std::clamp(sum, -32768, 32767));
    }
    pcm = scratch.frame_c;
  }
  if (!leg.digits_out.idle() && leg.out.event_payload_type == abi::kNoPayloadType) {
    if (fill_tone(context, leg, scratch.frame_c)) pcm = scratch.frame_c;
  }
  if (send_event(context, leg)) return pcm;
  uint8_t* buffer = scratch.packet_out;
  if (!context.limits.csrc || pcm == nullptr) csrc_count = 0;
  for (uint32_t i = 0; i < csrc_count; i++) {
    base::store_be32(buffer + kHeadroom - 4 * (csrc_count - i), csrc[i]);
  }
  uint32_t bytes = 0;
  if (leg.may_send) {
    bytes =
        encode_frame(context, leg, encoder_of(context, leg), leg.silent, pcm, buffer + kHeadroom);
  }
  send_payload(context, leg, buffer, bytes, csrc_count);
  return pcm;
}

}  // namespace engine
