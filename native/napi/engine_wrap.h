// The engine as a JavaScript object: made from views of shared memory, then one call `run()` that
// owns the thread until the stop flag is set. The object keeps the views alive.
#pragma once

#include <napi.h>

#include <memory>

#include "engine/engine.h"
#include "net/udp_link.h"

namespace binding {

class EngineWrap : public Napi::ObjectWrap<EngineWrap> {
 public:
  static void add(Napi::Env env, Napi::Object exports);
  explicit EngineWrap(const Napi::CallbackInfo& info);

 private:
  /** 'stopped' or 'failed'. */
  Napi::Value run(const Napi::CallbackInfo& info);
  bool take_view(const Napi::Object& options, const char* name, size_t least, uint8_t*& data,
                 size_t& bytes);

  net::UdpLink link_;
  std::unique_ptr<engine::Engine> engine_;
  Napi::ObjectReference options_;
  bool running_ = false;
};

}  // namespace binding
