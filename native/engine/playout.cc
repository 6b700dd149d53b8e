#include "engine/playout.h"

#include <algorithm>

#include "engine/context.h"

namespace engine {
namespace {

constexpr abi::CodecKind kKinds[] = {abi::CodecKind::pcmu, abi::CodecKind::pcma,
                                     abi::CodecKind::g722, abi::CodecKind::opus,
                                     abi::CodecKind::l16};

codec::Kind kind_of(abi::CodecKind kind) {
  return static_cast<codec::Kind>(static_cast<uint8_t>(kind) - 1);
}

jitter::PlayoutConfig config_of(uint32_t rate_hz, uint32_t clock_hz) {
  jitter::PlayoutConfig config;
  config.sample_rate_hz = static_cast<int>(rate_hz);
  config.frame_samples = static_cast<int>(rate_hz / kTicksPerSecond);
  config.buffer.clock_hz = static_cast<int>(clock_hz);
  config.buffer.pull_ms = static_cast<int>(kTickMs);
  // Arrivals are seen at ticks only: what came before the tick is safe without a margin.
  config.buffer.min_margin_us = 0;
  // 60 ms of G.711 fit; wider codecs may send as much as a datagram holds.
  config.buffer.slot_bytes = rate_hz <= 8000 ? 480 : static_cast<int>(kMaxPayloadBytes);
  config.buffer.slots = rate_hz <= 8000 ? 16 : 32;
  return config;
}

int decode(void* self, uint8_t payload_type, const uint8_t* payload, int bytes, int16_t* pcm,
           int capacity) {
  auto* playout = static_cast<Playout*>(self);
  const auto kind = static_cast<abi::CodecKind>(playout->formats[payload_type & 0x7f]);
  const codec::Codec* codec = codec_of(kind, playout->rate_hz);
  if (codec == nullptr) return -1;
  if (playout->decoder != kind) {
    playout->decoder = kind;
    if (codec->decoder_bytes > 0) codec->init_decoder(playout->decoder_state, codec::Params{});
  }
  return codec->decode(playout->decoder_state, payload, bytes, pcm, capacity);
}

void restart(void* self) {
  static_cast<Playout*>(self)->decoder = abi::CodecKind::none;
}

}  // namespace

const codec::Codec* codec_of(abi::CodecKind kind) {
  const auto value = static_cast<uint8_t>(kind);
  if (value == 0 || value >= abi::kCodecKindCount) return nullptr;
  return codec::find(kind_of(kind));
}

const codec::Codec* codec_of(abi::CodecKind kind, uint32_t rate_hz) {
  const auto value = static_cast<uint8_t>(kind);
  if (value == 0 || value >= abi::kCodecKindCount) return nullptr;
  return codec::find(kind_of(kind), static_cast<int>(rate_hz));
}

size_t playout_bytes() {
  size_t most = 0;
  for (const abi::CodecKind kind : kKinds) {
    const codec::Codec* codec = codec_of(kind);
    if (codec == nullptr) continue;
    most = std::max(
        most, jitter::Playout::bytes_for(config_of(static_cast<uint32_t>(codec->sample_rate_hz),
                                                   static_cast<uint32_t>(codec->rtp_clock_hz))));
  }
  return (most + 4095) / 4096 * 4096;
}

size_t decoder_bytes() {
  size_t most = 0;
  for (const abi::CodecKind kind : kKinds) {
    const codec::Codec* codec = codec_of(kind);
    if (codec != nullptr) most = std::max(most, codec->decoder_bytes);
  }
  return (most + codec::state_alignment - 1) / codec::state_alignment * codec::state_alignment;
}

size_t encoder_bytes() {
  size_t most = 0;
  for (const abi::CodecKind kind : kKinds) {
    const codec::Codec* codec = codec_of(kind);
    if (codec != nullptr) most = std::max(most, codec->encoder_bytes);
  }
  return (most + codec::state_alignment - 1) / codec::state_alignment * codec::state_alignment;
}

void prepare_playout(Context& context, Leg& leg) {
  Playout& playout = context.playouts[leg.index];
  if (playout.ready && playout.rate_hz == leg.out.rate_hz && playout.clock_hz == leg.out.clock_hz) {
    return;
  }
  playout.formats = leg.formats;
  playout.rate_hz = leg.out.rate_hz;
  playout.clock_hz = leg.out.clock_hz;
  playout.decoder = abi::CodecKind::none;
  playout.decoder_state = context.decoder_states.size() == 0
                              ? nullptr
                              : &context.decoder_states[leg.index * context.decoder_stride];
  const jitter::Decoder lent = {&playout, decode, nullptr, nullptr, restart};
  playout.ready =
      playout.buffer.init(&context.playout_memory[leg.index * context.playout_stride],
                          config_of(playout.rate_hz, playout.clock_hz), lent, leg.out.ssrc);
}

void insert_audio(Context& context, Leg& leg, const rtp::Packet& packet, bool comfort_noise,
                  int64_t now) {
  Playout& playout = context.playouts[leg.index];
  if (!playout.ready) return;
  jitter::Packet in;
  in.sequence = packet.sequence;
  in.timestamp = packet.timestamp;
  in.ssrc = packet.ssrc;
  in.marker = packet.marker;
  in.comfort_noise = comfort_noise;
  in.payload_type = packet.payload_type;
  in.payload = packet.payload;
  in.bytes = static_cast<int>(packet.payload_bytes);
  in.arrival_ns = now;
  playout.buffer.insert(in);
}

bool pull_frame(Context& context, Leg& leg, int64_t now, int16_t* out) {
  Playout& playout = context.playouts[leg.index];
  const uint32_t samples = leg.out.rate_hz / kTicksPerSecond;
  if (!playout.ready) {
    std::memset(out, 0, samples * sizeof(int16_t));
    leg.level_square = 0;
    return false;
  }
  jitter::FrameKind kind = playout.buffer.frame(now, out);
  if (leg.digits_in.active()) {
    // A key is down: what is left of its tone, or the filling of its gap, is nobody's business.
    std::memset(out, 0, samples * sizeof(int16_t));
    kind = jitter::FrameKind::silence;
  }
  if (kind == jitter::FrameKind::concealed) context.count.frames_concealed++;
  const bool heard = kind != jitter::FrameKind::silence;
  leg.level_square =
      heard ? static_cast<float>(context.kernels.energy(out, static_cast<int>(samples))) /
                  static_cast<float>(samples)
            : 0.0f;
  return heard;
}

}  // namespace engine
