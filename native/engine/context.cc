#include "engine/context.h"

#include "engine/codec_memory.h"

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
      legs(bounds.legs, base::Pages::large),
      playouts(bounds.legs, base::Pages::large),
      conferences(bounds.conferences),
      playout_memory{base::Pool(bounds.legs, playout_block_bytes(0), base::Pages::large),
                     base::Pool(bounds.legs, playout_block_bytes(1), base::Pages::large),
                     base::Pool(bounds.legs, playout_block_bytes(2), base::Pages::large),
                     base::Pool(bounds.legs, playout_block_bytes(3), base::Pages::large),
                     base::Pool(bounds.legs, playout_block_bytes(4), base::Pages::large)},
      decoders{base::Pool(bounds.legs, decoder_block_bytes(0)),
               base::Pool(bounds.legs, decoder_block_bytes(1))},
      encoders{base::Pool(bounds.legs, encoder_block_bytes(0)),
               base::Pool(bounds.legs, encoder_block_bytes(1))},
      held_payloads(bounds.legs, kMaxPayloadBytes),
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
      encoder_stride(encoder_bytes()) {}

bool Context::valid() const {
  for (const base::Pool& pool : playout_memory) {
    if (!pool.valid()) return false;
  }
  for (const base::Pool& pool : decoders) {
    if (!pool.valid()) return false;
  }
  for (const base::Pool& pool : encoders) {
    if (!pool.valid()) return false;
  }
  return legs.valid() && playouts.valid() && conferences.valid() && held_payloads.valid() &&
         shared_encoder_states.valid() && shared_silence.valid() && resamplers.valid() &&
         detectors.valid() && tones.valid() && suppressors.valid() && own_list.valid() &&
         listener_list.valid() && candidate_list.valid() && leaving_list.valid() &&
         contributions.valid() && additions.valid() && recordings.valid() && halves.valid() &&
         relays.valid() && overflow.valid() && scratch_memory.valid();
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
