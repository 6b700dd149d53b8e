#include "engine/recording.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace engine {
namespace {

constexpr uint32_t kReadOffset = 64;
constexpr uint32_t kRecordHead = 8;

struct Ring {
  uint8_t* base;
  uint32_t capacity;
};

Ring ring_of(const Context& context, uint32_t index) {
  uint32_t capacity = 1;
  const size_t room = context.memory.recording_bytes - abi::kRecordRingHeaderBytes;
  while (static_cast<size_t>(capacity) * 2 <= room) capacity *= 2;
  return {context.memory.recordings + index * context.memory.recording_bytes, capacity};
}

std::atomic_ref<uint32_t> word(uint8_t* at) {
  return std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t*>(at));
}

void copy_in(const Ring& ring, uint32_t position, const void* bytes, uint32_t count) {
  const uint32_t at = position & (ring.capacity - 1);
  const uint32_t first = std::min(count, ring.capacity - at);
  uint8_t* data = ring.base + abi::kRecordRingHeaderBytes;
  std::memcpy(data + at, bytes, first);
  std::memcpy(data, static_cast<const uint8_t*>(bytes) + first, count - first);
}

}  // namespace

void start_recording(Context& context, Leg& leg, const abi::StartRecordingCommand& command) {
  if (command.ring >= context.memory.recording_count || leg.recording != kNone ||
      command.side >= abi::kRecordSideCount) {
    abi::RecordingEndedEvent event{};
    event.leg = leg.handle;
    event.ring = command.ring;
    context.post(event);
    return;
  }
  RecordingState& state = context.recordings[command.ring];
  state = RecordingState{};
  state.leg = leg.index;
  state.side = static_cast<abi::RecordSide>(command.side);
  state.write = word(ring_of(context, command.ring).base).load(std::memory_order_relaxed);
  state.samples_left = command.max_ms > 0
                           ? static_cast<uint64_t>(command.max_ms * command.rate_hz / 1000.0)
                           : ~uint64_t{0};
  leg.recording = command.ring;
}

void stop_recording(Context& context, Leg& leg) {
  if (leg.recording == kNone) return;
  abi::RecordingEndedEvent event{};
  event.leg = leg.handle;
  event.ring = leg.recording;
  context.recordings[leg.recording].leg = kNone;
  leg.recording = kNone;
  context.post(event);
}

void record_frame(Context& context, Leg& leg, const int16_t* received, const int16_t* sent,
                  uint32_t samples) {
  RecordingState& state = context.recordings[leg.recording];
  const Ring ring = ring_of(context, leg.recording);
  const auto count = static_cast<uint32_t>(std::min<uint64_t>(samples, state.samples_left));
  const uint32_t read = word(ring.base + kReadOffset).load(std::memory_order_acquire);
  const uint32_t bytes = kRecordHead + count * 2;
  if (ring.capacity - (state.write - read) < bytes) {
    // The reader is behind: the gap is told with the next frame that fits, so that time stays
    // right.
    state.gap_samples += count;
    context.count.recording_gaps++;
  } else {
    alignas(4) int16_t frame[kMaxFrameSamples];
    for (uint32_t i = 0; i < count; i++) {
      int32_t value = 0;
      if (state.side != abi::RecordSide::sent && received != nullptr) value += received[i];
      if (state.side != abi::RecordSide::received && sent != nullptr) value += sent[i];
      frame[i] = static_cast<int16_t>(std::clamp(value, -32768, 32767));
    }
    const uint32_t head[2] = {count, state.gap_samples};
    copy_in(ring, state.write, head, kRecordHead);
    copy_in(ring, state.write + kRecordHead, frame, count * 2);
    state.write += bytes;
    state.gap_samples = 0;
    word(ring.base).store(state.write, std::memory_order_release);
  }
  state.samples_left -= count;
  if (state.samples_left == 0) stop_recording(context, leg);
}

}  // namespace engine
