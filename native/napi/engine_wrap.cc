#include "napi/engine_wrap.h"

#include <limits>
#include <new>
#include <string>

#include "base/clock.h"
#include "engine/run_loop.h"

namespace binding {
namespace {

void refuse(Napi::Env env, const std::string& message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
}

/** A whole number in a range; throws and is false otherwise. */
bool whole(const Napi::Object& options, const char* name, uint32_t least, uint32_t most,
           uint32_t& out) {
  const Napi::Value value = options.Get(name);
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= least && number <= most) {
      out = static_cast<uint32_t>(number);
      if (number == static_cast<double>(out)) return true;
    }
  }
  refuse(options.Env(), "Engine: " + std::string(name) + " must be a whole number from " +
                            std::to_string(least) + " to " + std::to_string(most));
  return false;
}

}  // namespace

void EngineWrap::add(Napi::Env env, Napi::Object exports) {
  exports.Set("Engine", DefineClass(env, "Engine", {InstanceMethod("run", &EngineWrap::run)}));
}

bool EngineWrap::take_view(const Napi::Object& options, const char* name, size_t least,
                           uint8_t*& data, size_t& bytes) {
  const Napi::Value value = options.Get(name);
  if (value.IsBuffer()) {
    auto buffer = value.As<Napi::Buffer<uint8_t>>();
    // The atomics and doubles in it need this.
    if (buffer.Length() >= least && reinterpret_cast<uintptr_t>(buffer.Data()) % 8 == 0) {
      data = buffer.Data();
      bytes = buffer.Length();
      return true;
    }
  }
  refuse(options.Env(), "Engine: " + std::string(name) + " must be a Buffer of at least " +
                            std::to_string(least) + " bytes");
  return false;
}

EngineWrap::EngineWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineWrap>(info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsObject()) {
    refuse(env, "Engine expects one object");
    return;
  }
  const Napi::Object options = info[0].As<Napi::Object>();
  engine::Limits limits;
  engine::SharedMemory memory;
  // With an exception pending no further call into the environment is allowed.
  if (!whole(options, "maxLegs", 1, 65536, limits.legs) ||
      !whole(options, "maxConferences", 1, 65536, limits.conferences) ||
      !whole(options, "opusComplexity", 0, 10, limits.opus_complexity) ||
      !whole(options, "opusBitrateBps", 6000, 128000, limits.opus_bitrate_bps) ||
      !whole(options, "recordingCount", 0, 4096, memory.recording_count)) {
    return;
  }
  limits.csrc = options.Get("csrc").ToBoolean().Value();

  uint8_t* data = nullptr;
  size_t bytes = 0;
  if (!take_view(options, "commands", abi::kRingHeaderBytes + abi::kCommandSlotBytes,
                 memory.commands, memory.command_bytes) ||
      !take_view(options, "events", abi::kRingHeaderBytes + abi::kEventSlotBytes, memory.events,
                 memory.event_bytes) ||
      !take_view(options, "statistics",
                 sizeof(abi::WorkerRecord) + limits.legs * sizeof(abi::LegRecord),
                 memory.statistics, bytes) ||
      !take_view(options, "prompts", 64, data, memory.prompt_bytes) ||
      !take_view(options, "recordings",
                 memory.recording_count * (abi::kRecordRingHeaderBytes + 4096u), memory.recordings,
                 bytes)) {
    return;
  }
  memory.prompts = data;
  memory.recording_bytes =
      memory.recording_count == 0 ? 0 : bytes / memory.recording_count / 64 * 64;
  options_ = Napi::Persistent(options);
  engine_.reset(new (std::nothrow) engine::Engine(memory, limits, link_,
                                                  static_cast<uint64_t>(base::monotonic_ns())));
  if (engine_ == nullptr || !engine_->valid()) {
    engine_.reset();
    Napi::Error::New(env, "Engine: not enough memory for maxLegs and maxConferences")
        .ThrowAsJavaScriptException();
  }
}

Napi::Value EngineWrap::run(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsObject()) {
    refuse(env, "run expects one object");
    return env.Undefined();
  }
  if (engine_ == nullptr || running_) {
    refuse(env, "run: the engine is not usable, or runs already");
    return env.Undefined();
  }
  const Napi::Object given = info[0].As<Napi::Object>();
  engine::RunOptions options;
  options.realtime = given.Get("realtime").ToBoolean().Value();
  const Napi::Value cpu = given.Get("cpu");
  if (cpu.IsNumber()) options.cpu = cpu.As<Napi::Number>().Int32Value();
  if (options.cpu >= 1024) {
    refuse(env, "run: cpu must be below 1024");
    return env.Undefined();
  }
  running_ = true;
  const engine::RunEnd end = engine::run(*engine_, options);
  running_ = false;
  return Napi::String::New(env, end == engine::RunEnd::stopped ? "stopped" : "failed");
}

}  // namespace binding
