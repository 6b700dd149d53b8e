// The codecs that are built in, known only to registry.cc.
#pragma once

#include "codec/codec.h"

namespace codec {

extern const Codec pcmu;
extern const Codec pcma;
extern const Codec g722;
extern const Codec l16_8k;
extern const Codec l16_16k;
extern const Codec l16_48k;
extern const Codec opus_8k;
extern const Codec opus_16k;
extern const Codec opus_48k;

}  // namespace codec
