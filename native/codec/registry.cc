#include "codec/tables.h"

namespace codec {

const Codec* find(Kind kind) {
  switch (kind) {
    case Kind::pcmu:
      return &pcmu;
    case Kind::pcma:
      return &pcma;
    case Kind::opus:
      return &opus_48k;
    case Kind::g722:
      return &g722;
    case Kind::l16:
      return &l16_16k;
  }
  return nullptr;
}

const Codec* find(Kind kind, int sample_rate_hz) {
  if (kind == Kind::opus && sample_rate_hz == 8000) return &opus_8k;
  if (kind == Kind::opus && sample_rate_hz == 16000) return &opus_16k;
  if (kind == Kind::l16 && sample_rate_hz == 8000) return &l16_8k;
  if (kind == Kind::l16 && sample_rate_hz == 48000) return &l16_48k;
  const Codec* codec = find(kind);
  return codec != nullptr && codec->sample_rate_hz == sample_rate_hz ? codec : nullptr;
}

}  // namespace codec
