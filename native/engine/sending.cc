#include "engine/sending.h"

#include <algorithm>
#include <cstring>

#include "engine/codec_memory.h"
#include "engine/player.h"
#include "engine/tones.h"

namespace engine {
namespace {

/**
 * After so many frames of silence, 200 ms, Opus sends the same again and again. G.722 never
 * settles: its predictor wanders on, and a decoder that got copies would be elsewhere when sound
 * begins.
 */
constexpr uint8_t kSettleFrames = 10;
/** A CELT frame that only says silence (RFC 6716 section 4.3): two of them do. */
constexpr int kSilentFrameBytes = 3;

/** Packets of 10 ms: a tick is two frames of the codec, so that none but this leg can hear them. */
bool sends_pairs(const Leg& leg) {
  return leg.out.codec == abi::CodecKind::opus && leg.out.ptime_ms == 10;
}

}  // namespace

void advance_time(Context& context, Leg& leg) {
  leg.out.timestamp += (context.period - leg.last_period) * tick_units(leg);
  leg.last_period = context.period;
}

bool needs_own_encoder(const Context& context, const Leg& leg) {
  return sends_pairs(leg) || limits_bitrate(context, leg);
}

uint32_t encode_frame(Context& context, const Leg& leg, void* encoder, SilentPayload& silent,
                      const int16_t* pcm, uint32_t samples, uint8_t* out) {
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
    const bool settles = leg.out.codec == abi::CodecKind::opus;
    if (settles && silent.run < kSettleFrames) silent.run++;
  } else {
    silent.run = 0;
  }
  const codec::Codec* codec = codec_of(leg.out.codec, leg.out.rate_hz);
  if (codec == nullptr) return 0;
  const int bytes =
      codec->encode(encoder, pcm, static_cast<int>(samples), out, static_cast<int>(kMaxFrameBytes));
  context.count.frames_encoded++;
  if (bytes <= 0) return 0;
  if (silent.run > 0 && bytes <= kSilentFrameBytes) {
    silent.run = std::min<uint8_t>(silent.run + kSettleFrames / 2, kSettleFrames);
  }
  if (silent.run == kSettleFrames) {
    const bool fits = static_cast<size_t>(bytes) <= sizeof silent.payload;
    silent.bytes = static_cast<uint16_t>(fits ? bytes : 0);
    if (fits) std::memcpy(silent.payload, out, static_cast<size_t>(bytes));
  }
  return static_cast<uint32_t>(bytes);
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
  release_held(context, leg);
  leg.out.end_timestamp = leg.out.timestamp + tick_units(leg);
  // The audio after a digit starts anew for the receiver.
  leg.out.marker = true;
  if (!leg.may_send) return true;
  uint8_t* buffer = context.scratch().packet_out;
  std::memcpy(buffer + kHeadroom, event.payload, sizeof event.payload);
  send_packet(context, leg, buffer, sizeof event.payload,
              {event.timestamp, leg.out.ssrc, leg.out.sequence++, leg.out.event_payload_type, 0,
               event.marker},
              Sources{});
  return true;
}

const int16_t* send_own(Context& context, Leg& leg, const int16_t* heard, Sources sources) {
  Scratch& scratch = context.scratch();
  const uint32_t samples = leg.out.rate_hz / kTicksPerSecond;
  const int16_t* pcm = heard;
  if (leg.replace.active) {
    read_player(context, leg, leg.replace, scratch.frame_c, samples);
    pcm = scratch.frame_c;
    sources.count = 0;
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
  if (send_event(context, leg) || pauses(context, leg, pcm == nullptr) || !leg.may_send) return pcm;
  if (!context.limits.csrc || pcm == nullptr) sources.count = 0;
  if (leg.out.level_id != 0) sources.own_minus_dbov = minus_dbov_of(context, pcm, samples);
  uint8_t* buffer = scratch.packet_out;
  void* encoder = hold_encoder(context, leg);
  SilentPayload& silent = silent_of(context, leg);
  if (sends_pairs(leg)) {
    uint8_t* second = scratch.second_out;
    const uint32_t half = samples / 2;
    const uint32_t first_bytes =
        encode_frame(context, leg, encoder, silent, pcm, half, buffer + kHeadroom);
    const uint32_t second_bytes =
        encode_frame(context, leg, encoder, silent, pcm == nullptr ? nullptr : pcm + half, half,
                     second + kHeadroom);
    send_pair(context, leg, buffer, first_bytes, second, second_bytes, sources);
    return pcm;
  }
  const uint32_t bytes =
      encode_frame(context, leg, encoder, silent, pcm, samples, buffer + kHeadroom);
  send_payload(context, leg, buffer, bytes, sources);
  return pcm;
}

}  // namespace engine
