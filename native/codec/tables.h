// The codecs that are built in, known only to registry.cc.
#pragma once

#include "codec/codec.h"

namespace codec {

extern const Codec pcmu;
extern const Codec pcma;

}  // namespace codec
