#include "napi/decode.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

#include "codec/codec.h"

namespace binding {
namespace {

struct Free {
  void operator()(void* state) const {
    ::operator delete (state, std::align_val_t{codec::state_alignment});
  }
};

// What one packet of 20 ms holds; a file is decoded as if it had come in packets.
constexpr size_t packet_bytes = 160;

Napi::Value decode_g722(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    Napi::TypeError::New(env, "decodeG722 expects (bytes: Uint8Array)")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const codec::Codec* g722 = codec::find(codec::Kind::g722);
  if (g722 == nullptr) return env.Undefined();
  const Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  std::unique_ptr<void, Free> state(
      ::operator new (g722->decoder_bytes, std::align_val_t{codec::state_alignment}));
  g722->init_decoder(state.get(), codec::Params{});
  const size_t count = bytes.ElementLength();
  Napi::Int16Array samples = Napi::Int16Array::New(env, count * 2);
  size_t written = 0;
  for (size_t at = 0; at < count; at += packet_bytes) {
    const size_t size = std::min(packet_bytes, count - at);
    const int decoded =
        g722->decode(state.get(), bytes.Data() + at, static_cast<int>(size),
                     samples.Data() + written, static_cast<int>(count * 2 - written));
    if (decoded < 0) return env.Undefined();
    written += static_cast<size_t>(decoded);
  }
  return samples;
}

}  // namespace

void add_decode(Napi::Env env, Napi::Object exports) {
  exports.Set("decodeG722", Napi::Function::New(env, decode_g722, "decodeG722"));
}

}  // namespace binding
