#include "engine/codec_memory.h"

#include <algorithm>

#include "engine/playout.h"

namespace engine {
namespace {

/** In front of an encoder's state. */
constexpr size_t kSilentBytes = (sizeof(SilentPayload) + codec::state_alignment - 1) /
                                codec::state_alignment * codec::state_alignment;

size_t rounded(size_t bytes) {
  return (bytes + codec::state_alignment - 1) / codec::state_alignment * codec::state_alignment;
}

/** G.722 and Opus: one that is small and one that is not. */
constexpr abi::CodecKind kStateSizes[kStateSizeCount] = {abi::CodecKind::g722,
                                                         abi::CodecKind::opus};

uint32_t encoder_size(const codec::Codec& codec) {
  return codec.encoder_bytes + kSilentBytes <= encoder_block_bytes(0) ? 0 : 1;
}

uint32_t decoder_size(const codec::Codec& codec) {
  return codec.decoder_bytes <= decoder_block_bytes(0) ? 0 : 1;
}

uint32_t playout_size(size_t bytes) {
  uint32_t size = 0;
  while (size + 1 < kPlayoutSizeCount && playout_block_bytes(size) < bytes) size++;
  return size;
}

const codec::Codec* sent_codec(const Leg& leg) {
  const codec::Codec* codec = codec_of(leg.out.codec, leg.out.rate_hz);
  return codec == nullptr || codec->encoder_bytes == 0 ? nullptr : codec;
}

void drop_playout(Context& context, Leg& leg) {
  Playout& playout = context.playouts[leg.index];
  if (playout.decoder_state != nullptr) {
    context.decoders[playout.decoder_size].give(static_cast<uint8_t*>(playout.decoder_state));
  }
  if (playout.memory != nullptr) context.playout_memory[playout.size].give(playout.memory);
  playout.decoder_state = nullptr;
  playout.memory = nullptr;
  playout.codec = nullptr;
}

}  // namespace

size_t encoder_block_bytes(uint32_t size) {
  const codec::Codec* codec = codec_of(kStateSizes[size]);
  return kSilentBytes + rounded(codec == nullptr ? 1 : codec->encoder_bytes);
}

size_t decoder_block_bytes(uint32_t size) {
  const codec::Codec* codec = codec_of(kStateSizes[size]);
  return rounded(codec == nullptr ? 1 : codec->decoder_bytes);
}

size_t playout_block_bytes(uint32_t size) {
  constexpr struct {
    abi::CodecKind kind;
    uint32_t rate_hz;
  } kSizes[kPlayoutSizeCount] = {{abi::CodecKind::pcmu, 8000},
                                 {abi::CodecKind::g722, 16000},
                                 {abi::CodecKind::opus, 16000},
                                 {abi::CodecKind::opus, 48000},
                                 {abi::CodecKind::l16, 48000}};
  const codec::Codec* codec = codec_of(kSizes[size].kind, kSizes[size].rate_hz);
  return codec == nullptr ? 64 : rounded(playout_bytes(*codec));
}

size_t encoder_bytes() {
  return encoder_block_bytes(kStateSizeCount - 1);
}

codec::Params encoder_params(const Context& context) {
  codec::Params params;
  params.mix = true;
  params.complexity = static_cast<int>(context.limits.opus_complexity);
  params.bitrate_bps = static_cast<int>(context.limits.opus_bitrate_bps);
  return params;
}

bool limits_bitrate(const Context& context, const Leg& leg) {
  return leg.out.codec == abi::CodecKind::opus && leg.out.bitrate_bps != 0 &&
         leg.out.bitrate_bps < context.limits.opus_bitrate_bps;
}

void* hold_encoder(Context& context, Leg& leg) {
  if (leg.encoder != nullptr) return leg.encoder + kSilentBytes;
  const codec::Codec* codec = sent_codec(leg);
  if (codec == nullptr) return nullptr;
  leg.encoder_size = static_cast<uint8_t>(encoder_size(*codec));
  leg.encoder = context.encoders[leg.encoder_size].take();
  if (leg.encoder == nullptr) return nullptr;
  silent_of(context, leg) = SilentPayload{};
  leg.own_descends = false;
  codec::Params params = encoder_params(context);
  params.fec = leg.out.fec;
  if (limits_bitrate(context, leg)) params.bitrate_bps = static_cast<int>(leg.out.bitrate_bps);
  codec->init_encoder(leg.encoder + kSilentBytes, params);
  return leg.encoder + kSilentBytes;
}

void drop_encoder(Context& context, Leg& leg) {
  if (leg.encoder == nullptr) return;
  context.encoders[leg.encoder_size].give(leg.encoder);
  leg.encoder = nullptr;
}

SilentPayload& silent_of(Context& context, Leg& leg) {
  return leg.encoder == nullptr ? context.no_silence
                                : *reinterpret_cast<SilentPayload*>(leg.encoder);
}

void reserve_encoder(Context& context, Leg& leg) {
  const codec::Codec* codec = sent_codec(leg);
  if (codec == nullptr || leg.encoder_reserved) return;
  leg.encoder_reserved = true;
  const uint32_t size = leg.reserved_size = static_cast<uint8_t>(encoder_size(*codec));
  context.encoders[size].touch(++context.encoders_reserved[size]);
}

void release_reserve(Context& context, Leg& leg) {
  if (!leg.encoder_reserved) return;
  leg.encoder_reserved = false;
  context.encoders_reserved[leg.reserved_size]--;
}

void hold_playout(Context& context, Leg& leg, const codec::Codec& codec, size_t bytes) {
  Playout& playout = context.playouts[leg.index];
  drop_playout(context, leg);
  playout.size = static_cast<uint8_t>(playout_size(bytes));
  playout.memory = context.playout_memory[playout.size].take();
  if (codec.decoder_bytes == 0) return;
  playout.decoder_size = static_cast<uint8_t>(decoder_size(codec));
  playout.decoder_state = context.decoders[playout.decoder_size].take();
}

void hold_room(Context& context, Leg& leg, bool needed) {
  if (needed == (leg.held != nullptr)) return;
  if (needed) {
    leg.held = context.held_payloads.take();
  } else {
    context.held_payloads.give(leg.held);
    leg.held = nullptr;
  }
}

void drop_memory(Context& context, Leg& leg) {
  release_reserve(context, leg);
  drop_encoder(context, leg);
  drop_playout(context, leg);
  hold_room(context, leg, false);
}

}  // namespace engine
