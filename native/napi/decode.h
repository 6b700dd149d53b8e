// Decoding of whole files (prompts of the Asterisk sound packages), off the tick.
#pragma once

#include <napi.h>

namespace binding {

/** `decodeG722(bytes)` → Int16Array at 16 kHz. */
void add_decode(Napi::Env env, Napi::Object exports);

}  // namespace binding
