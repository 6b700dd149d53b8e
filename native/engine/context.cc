#include "engine/context.h"

namespace engine {

Context::Context(const SharedMemory& shared, const Limits& bounds, net::Link& network,
                 uint64_t seed)
    : memory(shared),
      limits(bounds),
      link(network),
      kernels(dsp::select_kernels()),
      commands(shared.commands, shared.command_bytes, abi::kCommandSlotBytes),
      events(shared.events, shared.event_bytes, abi::kEventSlotBytes),
      random(seed),
      legs(bounds.legs),
      playouts(bounds.legs),
      conferences(bounds.conferences),
      playout_memory(bounds.legs * playout_bytes()),
      decoder_states(bounds.legs * decoder_bytes()),
      encoder_states(bounds.legs * encoder_bytes()),
      shared_encoder_states(static_cast<size_t>(bounds.conferences) * kSharedEncoders *
                            encoder_bytes()),
      own_list(bounds.legs),
      listener_list(bounds.legs),
      candidate_list(bounds.legs),
      leaving_list(bounds.legs),
      shared_silence(static_cast<size_t>(bounds.conferences) * (kSharedEncoders + 1)),
      resamplers(2 * static_cast<size_t>(bounds.legs) +
                 static_cast<size_t>(bounds.conferences) * kMixResamplers +
                 static_cast<size_t>(bounds.legs) * kLanes),
      detectors(bounds.legs),
      tones(bounds.legs),
      suppressors(bounds.legs),
      contributions(static_cast<size_t>(bounds.legs) * kSlotsPerLeg * kMaxFrameSamples),
      additions(static_cast<size_t>(bounds.legs) * abi::kMaxNamed),
      recordings(shared.recording_count),
      halves(2 * static_cast<size_t>(bounds.legs)),
      relays(bounds.legs),
      overflow(kOverflowEvents),
      scratch_memory(1),
      playout_stride(playout_bytes()),
      decoder_stride(decoder_bytes()),
      encoder_stride(encoder_bytes()) {}

bool Context::valid() const {
  return legs.valid() && playouts.valid() && conferences.valid() && playout_memory.valid() &&
         decoder_states.valid() && encoder_states.valid() && shared_encoder_states.valid() &&
         shared_silence.valid() && resamplers.valid() && detectors.valid() && tones.valid() &&
         suppressors.valid() && own_list.valid() && listener_list.valid() &&
         candidate_list.valid() && leaving_list.valid() && contributions.valid() &&
         additions.valid() && recordings.valid() && halves.valid() && relays.valid() &&
         overflow.valid() && scratch_memory.valid();
}

void Context::post_bytes(const void* event, size_t bytes) {
  // Order is kept: nothing overtakes what waits.
  if (overflow_read_ == overflow_write_) {
    if (uint8_t* slot = events.reserve(); slot != nullptr) {
      std::memcpy(slot, event, bytes);
      events.commit();
      return;
    }
  }
  if (overflow_write_ - overflow_read_ == kOverflowEvents) {
    count.events_dropped++;
    return;
  }
  std::memcpy(overflow[overflow_write_++ % kOverflowEvents].bytes, event, bytes);
}

void Context::flush_events() {
  while (overflow_read_ != overflow_write_) {
    uint8_t* slot = events.reserve();
    if (slot == nullptr) return;
    std::memcpy(slot, overflow[overflow_read_++ % kOverflowEvents].bytes, abi::kEventSlotBytes);
    events.commit();
  }
}

}  // namespace engine
