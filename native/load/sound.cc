#include "sound.h"

#include <opus.h>

#include <algorithm>
#include <span>

#include "signal.h"

namespace load {

namespace {

/// Levels of tones and chirps lie far above this, of the noise of listeners far below.
constexpr int kVoiceBelowDbov = 50;

// Alignment that every state here accepts: vectors of 64-bit words are aligned to 16 bytes.
size_t words(size_t bytes) {
  return bytes / sizeof(uint64_t) + 8;
}

void* aligned(std::vector<uint64_t>& memory) {
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  return reinterpret_cast<void*>((address + codec::state_alignment - 1) / codec::state_alignment *
                                 codec::state_alignment);
}

}  // namespace

bool Sound::open(const std::string& name) {
  using codec::Kind;
  for (const Kind kind : {Kind::pcmu, Kind::pcma, Kind::g722, Kind::opus, Kind::l16}) {
    const codec::Codec* const found = codec::find(kind);
    if (found != nullptr && name == found->name) codec_ = found;
  }
  if (codec_ == nullptr) return false;
  max_payload_ = codec_->kind == Kind::opus ? 400 : codec_->kind == Kind::l16 ? kMaxPayload : 160;
  return true;
}

Payload Sound::encode(const std::vector<int16_t>& samples) const {
  Payload payload =
      codec_->kind == codec::Kind::opus ? encode_opus(samples) : encode_plain(samples);
  const auto frame = static_cast<size_t>(frame_samples());
  for (size_t at = 0; at + frame <= samples.size(); at += frame) {
    const int level = level_of(std::span(samples).subspan(at, frame));
    payload.levels.push_back(static_cast<uint8_t>((level < kVoiceBelowDbov ? 0x80 : 0) | level));
  }
  return payload;
}

Payload Sound::encode_plain(const std::vector<int16_t>& samples) const {
  std::vector<uint64_t> memory(words(codec_->encoder_bytes));
  void* const state = aligned(memory);
  if (codec_->init_encoder != nullptr) codec_->init_encoder(state, {});
  Payload payload;
  const int frame = frame_samples();
  // Twice round, keeping the second: the predictor is then where the end of the loop leaves it.
  for (int round = 0; round < 2; ++round) {
    payload.frames.clear();
    for (size_t at = 0; at + static_cast<size_t>(frame) <= samples.size();
         at += static_cast<size_t>(frame)) {
      std::vector<uint8_t> bytes(kMaxPayload);
      const int length =
          codec_->encode(state, samples.data() + at, frame, bytes.data(), kMaxPayload);
      bytes.resize(static_cast<size_t>(std::max(length, 0)));
      payload.frames.push_back(std::move(bytes));
    }
  }
  return payload;
}

// CELT only: it depends on the frame before alone, so a second of it loops without a seam.
Payload Sound::encode_opus(const std::vector<int16_t>& samples) const {
  std::vector<uint64_t> memory(words(static_cast<size_t>(opus_encoder_get_size(1))));
  auto* const encoder = static_cast<OpusEncoder*>(aligned(memory));
  opus_encoder_init(encoder, rate_hz(), 1, OPUS_APPLICATION_RESTRICTED_LOWDELAY);
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(32000));
  Payload payload;
  const int frame = frame_samples();
  for (int round = 0; round < 2; ++round) {
    payload.frames.clear();
    for (size_t at = 0; at + static_cast<size_t>(frame) <= samples.size();
         at += static_cast<size_t>(frame)) {
      std::vector<uint8_t> bytes(400);
      const int length = opus_encode(encoder, samples.data() + at, frame, bytes.data(), 400);
      bytes.resize(static_cast<size_t>(std::max(length, 0)));
      payload.frames.push_back(std::move(bytes));
    }
  }
  return payload;
}

Sound::Decoder::Decoder(const Sound& sound)
    : codec_(*sound.codec_),
      state_(words(sound.codec_->decoder_bytes)),
      scratch_(codec::max_packet_samples),
      frame_samples_(sound.frame_samples()) {
  if (codec_.init_decoder != nullptr) codec_.init_decoder(aligned(state_), {});
}

void Sound::Decoder::append(const uint8_t* payload, int bytes, std::vector<int16_t>& out) {
  const int samples = bytes <= 0 ? -1
                                 : codec_.decode(aligned(state_), payload, bytes, scratch_.data(),
                                                 codec::max_packet_samples);
  if (samples == frame_samples_) {
    out.insert(out.end(), scratch_.begin(), scratch_.begin() + samples);
  } else {
    out.insert(out.end(), static_cast<size_t>(frame_samples_), 0);
  }
}

}  // namespace load
