#pragma once
// The codec under test as the driver uses it: signals are encoded once before the load, what came
// back is decoded after it.

#include <cstdint>
#include <string>
#include <vector>

#include "codec/codec.h"
#include "leg.h"

namespace load {

class Sound {
 public:
  /// `name`: PCMU, PCMA, G722, opus or L16. False when there is no such codec.
  bool open(const std::string& name);
  int rate_hz() const { return codec_->sample_rate_hz; }
  int frame_samples() const { return rate_hz() / kFramesPerSecond; }
  /// Steps of the RTP timestamp for 20 ms.
  uint32_t timestamp_step() const {
    return static_cast<uint32_t>(codec_->rtp_clock_hz / kFramesPerSecond);
  }
  /// Largest payload to keep of a packet.
  int max_payload() const { return max_payload_; }
  Payload encode(const std::vector<int16_t>& samples) const;

  /// Decodes one stream, frame by frame; silence for what cannot be decoded.
  class Decoder {
   public:
    explicit Decoder(const Sound& sound);
    void append(const uint8_t* payload, int bytes, std::vector<int16_t>& out);

   private:
    const codec::Codec& codec_;
    std::vector<uint64_t> state_;
    std::vector<int16_t> scratch_;
    int frame_samples_;
  };

 private:
  Payload encode_plain(const std::vector<int16_t>& samples) const;
  Payload encode_opus(const std::vector<int16_t>& samples) const;

  const codec::Codec* codec_ = nullptr;
  int max_payload_ = 0;
};

}  // namespace load
