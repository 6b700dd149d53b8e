#include "engine/playout.h"

#include <algorithm>

#include "codec/opus_packet.h"
#include "engine/codec_memory.h"
#include "engine/context.h"
#include "rtp/header_extension.h"

namespace engine {
namespace {

/** After so many packets the memory of a decoder has caught up (engine_test: levels). */
int look_back_of(const codec::Codec& codec) {
  if (codec.decoder_bytes == 0) return 0;
  return codec.kind == codec::Kind::g722 ? 12 : 4;
}

codec::Kind kind_of(abi::CodecKind kind) {
  return static_cast<codec::Kind>(static_cast<uint8_t>(kind) - 1);
}

/**
 * As much as waits at the longest delay, 200 ms, and what a decoder with memory goes back for
 * (look_back_of). Of Opus so much below 230 kbit/s; above it the longest delay is shorter.
 */
int payload_bytes(const codec::Codec& codec) {
  switch (codec.kind) {
    case codec::Kind::pcmu:
    case codec::Kind::pcma:
      return 2048;
    case codec::Kind::g722:
      return 4096;
    case codec::Kind::opus:
      return 8192;
    case codec::Kind::l16:
      break;
  }
  return codec.sample_rate_hz == 48000 ? 32768 : codec.sample_rate_hz == 16000 ? 8192 : 4096;
}

jitter::PlayoutConfig config_of(const codec::Codec& codec) {
  const auto rate_hz = static_cast<uint32_t>(codec.sample_rate_hz);
  jitter::PlayoutConfig config;
  config.sample_rate_hz = codec.sample_rate_hz;
  config.frame_samples = static_cast<int>(rate_hz / kTicksPerSecond);
  config.buffer.clock_hz = codec.rtp_clock_hz;
  config.buffer.pull_ms = static_cast<int>(kTickMs);
  // Arrivals are the kernel's; what came a millisecond before the tick is safely in time for it.
  config.buffer.min_margin_us = 1000;
  // 60 ms of G.711 or G.722 fit; other codecs may send as much as a datagram holds.
  const bool small = codec.rtp_clock_hz == 8000 && codec.kind != codec::Kind::l16;
  config.buffer.slot_bytes = small ? 480 : static_cast<int>(kMaxPayloadBytes);
  config.buffer.payload_bytes = payload_bytes(codec);
  // 300 ms of 10 ms packets.
  config.buffer.slots = 32;
  return config;
}

/** The codec of a payload type, if it is the one that the playout takes. */
const codec::Codec* expected(Playout& playout) {
  if (playout.fresh && playout.codec->decoder_bytes > 0) {
    playout.codec->init_decoder(playout.decoder_state, codec::Params{});
  }
  playout.fresh = false;
  return playout.codec;
}

int decode(void* self, uint8_t payload_type, const uint8_t* payload, int bytes, int16_t* pcm,
           int capacity) {
  auto* playout = static_cast<Playout*>(self);
  const auto kind = static_cast<abi::CodecKind>(playout->leg->formats[payload_type & 0x7f]);
  const codec::Codec* codec = expected(*playout);
  // PCMU and PCMA may alternate packet by packet: the same rate, and no state.
  const codec::Codec* other = codec_of(kind, static_cast<uint32_t>(codec->sample_rate_hz));
  if (other != codec && (other == nullptr || other->decoder_bytes > 0)) return -1;
  return other->decode(playout->decoder_state, payload, bytes, pcm, capacity);
}

int conceal(void* self, int16_t* pcm, int samples) {
  auto* playout = static_cast<Playout*>(self);
  return expected(*playout)->conceal(playout->decoder_state, pcm, samples);
}

int recover(void* self, uint8_t payload_type, const uint8_t* next_payload, int next_bytes,
            int16_t* pcm, int samples) {
  auto* playout = static_cast<Playout*>(self);
  const auto kind = static_cast<abi::CodecKind>(playout->leg->formats[payload_type & 0x7f]);
  if (codec_of(kind, static_cast<uint32_t>(playout->codec->sample_rate_hz)) != playout->codec) {
    return 0;
  }
  return expected(*playout)->recover(playout->decoder_state, next_payload, next_bytes, pcm,
                                     samples);
}

void restart(void* self) {
  static_cast<Playout*>(self)->fresh = true;
}

void note_discard(void* self, uint16_t sequence) {
  static_cast<rtp::StreamStats*>(self)->on_discarded(sequence);
}

int length(void* self, uint8_t payload_type, const uint8_t* payload, int bytes) {
  const auto* playout = static_cast<const Playout*>(self);
  const auto kind = static_cast<abi::CodecKind>(playout->leg->formats[payload_type & 0x7f]);
  const codec::Codec* codec = codec_of(kind, static_cast<uint32_t>(playout->codec->sample_rate_hz));
  return codec == nullptr ? -1 : codec->packet_samples(payload, bytes);
}

/** What the packet says of its loudness: its sender's word, else the codec's own flag. */
uint8_t level_of(const Leg& leg, const rtp::Packet& packet) {
  rtp::AudioLevel level;
  if (rtp::read_audio_level(packet, leg.level_receive_id, level)) return level.minus_dbov;
  if (leg.receive_codec != abi::CodecKind::opus) return jitter::level_unknown;
  codec::opus_packet::Description opus;
  const bool quiet =
      codec::opus_packet::describe(packet.payload, static_cast<int>(packet.payload_bytes), opus) &&
      opus.voice_known && !opus.voice;
  return quiet ? jitter::level_inactive : jitter::level_unknown;
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

size_t playout_bytes(const codec::Codec& codec) {
  return jitter::Playout::bytes_for(config_of(codec));
}

void prepare_playout(Context& context, Leg& leg, const codec::Codec* codec) {
  Playout& playout = context.playouts[leg.index];
  if (codec == nullptr || playout.codec == codec) return;
  playout.leg = &leg;
  playout.codec = nullptr;
  playout.fresh = true;
  hold_playout(context, leg, *codec, playout_bytes(*codec));
  jitter::PlayoutConfig config = config_of(*codec);
  config.buffer.discards = {&leg.stream, note_discard};
  const jitter::Decoder lent = {&playout,
                                decode,
                                codec->conceal != nullptr ? conceal : nullptr,
                                codec->recover != nullptr ? recover : nullptr,
                                restart,
                                length,
                                look_back_of(*codec)};
  if (playout.buffer.init(playout.memory, config, lent, leg.out.ssrc)) {
    playout.codec = codec;
  }
}

void reset_playout(Context& context, Leg& leg) {
  Playout& playout = context.playouts[leg.index];
  if (playout.codec != nullptr) playout.buffer.reset();
}

void insert_audio(Context& context, Leg& leg, const rtp::Packet& packet, bool comfort_noise,
                  int64_t now) {
  Playout& playout = context.playouts[leg.index];
  if (!comfort_noise) {
    // The peer changed to a codec of another rate or with other memory: it starts afresh.
    const codec::Codec* codec = codec_of(leg.receive_codec, leg.receive_rate_hz());
    const bool same_kind = codec != nullptr && playout.codec != nullptr &&
                           codec->decoder_bytes == 0 && playout.codec->decoder_bytes == 0 &&
                           codec->sample_rate_hz == playout.codec->sample_rate_hz;
    if (!same_kind) prepare_playout(context, leg, codec);
  }
  if (playout.codec == nullptr) return;
  jitter::Packet in;
  in.sequence = packet.sequence;
  in.timestamp = packet.timestamp;
  in.ssrc = packet.ssrc;
  in.marker = packet.marker;
  in.comfort_noise = comfort_noise;
  in.payload_type = packet.payload_type;
  in.level = comfort_noise ? jitter::level_unknown : level_of(leg, packet);
  in.payload = packet.payload;
  in.bytes = static_cast<int>(packet.payload_bytes);
  in.arrival_ns = now;
  playout.buffer.insert(in);
}

bool frame_waits(const Context& context, const Leg& leg) {
  const Playout& playout = context.playouts[leg.index];
  return playout.codec != nullptr && playout.buffer.frame_waits();
}

bool foresee_level(Context& context, Leg& leg, int64_t /*now*/, float& mean_square) {
  const Playout& playout = context.playouts[leg.index];
  return playout.codec != nullptr && playout.buffer.foresee(mean_square);
}

void skip_frame(Context& context, Leg& leg, int64_t now) {
  Playout& playout = context.playouts[leg.index];
  if (playout.codec == nullptr) return;
  const jitter::FrameKind kind = playout.buffer.skip_frame(now, context.scratch().frame_e);
  if (kind != jitter::FrameKind::skipped) return;
  leg.level_square = playout.buffer.skipped_square();
  context.count.frames_skipped++;
  leg.frames_skipped++;
}

bool pull_frame(Context& context, Leg& leg, int64_t now, int16_t* out) {
  Playout& playout = context.playouts[leg.index];
  const uint32_t samples = leg.out.rate_hz / kTicksPerSecond;
  jitter::FrameKind kind = jitter::FrameKind::silence;
  if (playout.codec == nullptr) {
    std::memset(out, 0, samples * sizeof(int16_t));
  } else if (static_cast<uint32_t>(playout.codec->sample_rate_hz) == leg.out.rate_hz) {
    kind = playout.buffer.frame(now, out);
  } else {
    // What the peer sends has another rate than what it is sent.
    int16_t* frame = context.scratch().frame_e;
    kind = playout.buffer.frame(now, frame);
    resample(context, leg.index, static_cast<uint32_t>(playout.codec->sample_rate_hz),
             leg.out.rate_hz, frame, out);
  }
  if (leg.digits_in.active()) {
    // A key is down: what is left of its tone, or the filling of its gap, is nobody's business.
    std::memset(out, 0, samples * sizeof(int16_t));
    kind = jitter::FrameKind::silence;
  }
  if (kind == jitter::FrameKind::concealed) context.count.frames_concealed++;
  const bool heard = kind != jitter::FrameKind::silence && kind != jitter::FrameKind::skipped;
  leg.level_square =
      heard ? static_cast<float>(context.kernels.energy(out, static_cast<int>(samples))) /
                  static_cast<float>(samples)
            : 0.0f;
  return heard;
}

void resample(Context& context, uint32_t index, uint32_t from_hz, uint32_t to_hz, const int16_t* in,
              int16_t* out) {
  dsp::Resampler& resampler = context.resamplers[index];
  if (resampler.in_hz() != static_cast<int>(from_hz) ||
      resampler.out_hz() != static_cast<int>(to_hz)) {
    resampler.init(static_cast<int>(from_hz), static_cast<int>(to_hz));
  }
  resampler.process(context.kernels, in, static_cast<int>(from_hz / kTicksPerSecond), out);
}

}  // namespace engine
