#include "engine/relay.h"

#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "engine/leg_tick.h"
#include "engine/receiving.h"
#include "engine/recording.h"
#include "engine/sending.h"
#include "engine/tones.h"

namespace engine {
namespace {

/** The source paused: silence fills in until it goes on. Three packets of the usual length. */
constexpr int64_t kFillAfterNs = 60 * base::kNsPerMs;
/** Steps in the source's numbers that start a new epoch of ours. */
constexpr int kMaxSequenceStep = 100;
constexpr int32_t kMaxTimestampStepMs = 2000;

bool speaks_for_itself(const Leg& leg) {
  return leg.replace.active || leg.mixed.active || !leg.digits_out.idle();
}

/** Continues our numbers after whatever was sent last. */
void start_epoch(Leg& to, const rtp::Packet& packet) {
  Forwarding& state = to.forwarding;
  const auto behind = static_cast<int32_t>(to.out.end_timestamp - to.out.timestamp);
  const uint32_t timestamp = behind > 0 ? to.out.end_timestamp : to.out.timestamp;
  state.epoch = true;
  state.source_ssrc = packet.ssrc;
  state.timestamp_shift = timestamp - packet.timestamp;
  state.sequence_shift = static_cast<uint16_t>(to.out.sequence - packet.sequence);
  state.first_sequence = packet.sequence;
  state.highest_sequence = packet.sequence;
  state.highest_timestamp = packet.timestamp;
}

/** Contributors and levels pass with the payload, as far as both sides know what they mean. */
Sources sources_of(const Context& context, const Leg& from, const rtp::Packet& packet) {
  Sources sources;
  rtp::AudioLevel level;
  if (rtp::read_audio_level(packet, from.level_receive_id, level)) {
    sources.own_minus_dbov = level.minus_dbov;
  }
  if (!context.limits.csrc) return sources;
  sources.count = packet.csrc_count;
  sources.levels_known = rtp::read_contributor_levels(packet, from.mix_levels_receive_id,
                                                      sources.minus_dbov) == sources.count;
  for (uint32_t i = 0; i < sources.count; i++) {
    sources.ssrc[i] = base::load_be32(packet.csrc + 4 * i);
  }
  return sources;
}

bool continues(const Leg& to, const rtp::Packet& packet) {
  const Forwarding& state = to.forwarding;
  if (!state.epoch || state.source_ssrc != packet.ssrc) return false;
  const auto step = static_cast<int16_t>(packet.sequence - state.highest_sequence);
  const auto timestamp_step = static_cast<int32_t>(packet.timestamp - state.highest_timestamp);
  const auto limit = static_cast<int32_t>(to.out.clock_hz / 1000) * kMaxTimestampStepMs;
  return std::abs(static_cast<int>(step)) <= kMaxSequenceStep && timestamp_step <= limit &&
         timestamp_step >= -limit;
}

}  // namespace

bool forwards(const Context& context, const Leg& from, const Leg& to) {
  return to.configured && to.may_send && from.receive_codec == to.out.codec &&
         !speaks_for_itself(to) && !records_sent(context, to) && !tone_sounds(context, from);
}

bool relay_decodes(const Context& context, const Leg& from, const Leg& to) {
  if (!to.configured || to.replace.active) return records_sent(context, to);
  return to.mixed.active || records_sent(context, to) ||
         (from.receive_codec != abi::CodecKind::none && from.receive_codec != to.out.codec);
}

void forward(Context& context, Leg& from, Leg& to, const rtp::Packet& packet, int64_t now) {
  if (packet.payload_bytes == 0 || packet.payload_bytes > kMaxPayloadBytes) return;
  const bool fresh = !continues(to, packet);
  if (fresh) start_epoch(to, packet);
  Forwarding& state = to.forwarding;
  // Late for an earlier epoch: its place in our numbers is taken.
  if (static_cast<int16_t>(packet.sequence - state.first_sequence) < 0) return;
  const auto sequence = static_cast<uint16_t>(packet.sequence + state.sequence_shift);
  const uint32_t timestamp = packet.timestamp + state.timestamp_shift;
  if (static_cast<int16_t>(packet.sequence - state.highest_sequence) >= 0) {
    state.highest_sequence = packet.sequence;
    state.highest_timestamp = packet.timestamp;
    to.out.sequence = static_cast<uint16_t>(sequence + 1);
    const codec::Codec* codec = codec_of(to.out.codec, to.out.rate_hz);
    const int samples =
        codec == nullptr
            ? -1
            : codec->packet_samples(packet.payload, static_cast<int>(packet.payload_bytes));
    const uint32_t units = samples > 0 ? static_cast<uint32_t>(static_cast<uint64_t>(samples) *
                                                               to.out.clock_hz / to.out.rate_hz)
                                       : to.out.clock_hz / kTicksPerSecond;
    to.out.end_timestamp = timestamp + units;
  }
  state.last_ns = now;
  to.out.pause_ticks = 0;
  if (to.held_bytes > 0) release_held(context, to);
  uint8_t* buffer = context.scratch().packet_out;
  std::memcpy(buffer + kHeadroom, packet.payload, packet.payload_bytes);
  const bool marker = packet.marker || fresh || to.out.marker;
  to.out.marker = false;
  send_packet(context, to, buffer, packet.payload_bytes,
              {timestamp, to.out.ssrc, sequence, to.out.payload_type, 0, marker},
              sources_of(context, from, packet));
  context.count.packets_forwarded++;
}

namespace {

/** What `to` sends in this tick, when it is not what was forwarded between ticks. */
void send_side(Context& context, Leg& from, Leg& to, const int16_t* decoded, int64_t now,
               const int16_t* own_received) {
  const int16_t* sent = nullptr;
  if (decoded != nullptr && from.out.rate_hz != to.out.rate_hz) {
    int16_t* frame = context.scratch().frame_e;
    resample(context, context.relay_resampler(from.index), from.out.rate_hz, to.out.rate_hz,
             decoded, frame);
    decoded = frame;
  }
  const bool passing = forwards(context, from, to) && now - to.forwarding.last_ns < kFillAfterNs;
  if (!passing) sent = send_own(context, to, decoded, Sources{});
  if (to.recording != kNone) {
    record_frame(context, to, own_received, sent, to.out.rate_hz / kTicksPerSecond);
  }
}

}  // namespace

void tick_relay(Context& context, Leg& a, Leg& b, int64_t now) {
  begin_tick(context, a, now);
  begin_tick(context, b, now);
  Scratch& scratch = context.scratch();
  const int16_t* heard_a =
      a.audio_wanted && pull_tapped(context, a, now, scratch.frame_a) ? scratch.frame_a : nullptr;
  const int16_t* heard_b =
      b.audio_wanted && pull_tapped(context, b, now, scratch.frame_b) ? scratch.frame_b : nullptr;
  // What each sends must be decided before either sends: the buffers above hold both frames.
  if (a.configured) send_side(context, b, a, heard_b, now, heard_a);
  if (b.configured) send_side(context, a, b, heard_a, now, heard_b);
}

void poll_relays(Context& context, int64_t now) {
  for (uint32_t i = 0; i < context.relay_count; i++)
    receive(context, context.legs[context.relays[i]], now);
}

}  // namespace engine
