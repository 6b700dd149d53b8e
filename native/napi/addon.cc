// The boundary to JavaScript: checks types, turns values into plain structs, calls the engine. No
// logic. Everything belongs to one environment (the main thread's, or a worker's); nothing is
// global.
#include <napi.h>

#include "napi/decode.h"
#include "napi/engine_wrap.h"
#include "napi/environment.h"
#include "napi/sockets.h"

namespace {

Napi::Value codecs(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Array list = Napi::Array::New(env);
  for (uint8_t kind = 1; kind < abi::kCodecKindCount; kind++) {
    const codec::Codec* codec = engine::codec_of(static_cast<abi::CodecKind>(kind));
    if (codec == nullptr) continue;
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("kind", Napi::Number::New(env, kind));
    entry.Set("sampleRateHz", Napi::Number::New(env, codec->sample_rate_hz));
    entry.Set("clockRateHz", Napi::Number::New(env, codec->rtp_clock_hz));
    list.Set(list.Length(), entry);
  }
  return list;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* environment = new binding::Environment();
  env.SetInstanceData(environment);
  exports.Set("abiHash", Napi::Number::New(env, abi::kHash));
  exports.Set("codecs", Napi::Function::New(env, codecs, "codecs"));
  binding::add_decode(env, exports);
  binding::add_sockets(env, exports);
  binding::EngineWrap::add(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(minusone, init)
