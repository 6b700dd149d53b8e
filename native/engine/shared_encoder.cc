#include "engine/shared_encoder.h"

#include <cstring>

#include "engine/codec_memory.h"
#include "engine/mix_tick.h"
#include "engine/playout.h"
#include "engine/sending.h"

namespace engine {
namespace {

/** Which of the shared encoders; kSharedEncoders for codecs that keep nothing. */
uint32_t which_of(const Leg& leg) {
  return leg.out.codec == abi::CodecKind::g722   ? kSharedG722
         : leg.out.codec == abi::CodecKind::opus ? kSharedOpus
                                                 : kSharedEncoders;
}

void* shared_encoder(Context& context, Conference& conference, const Leg& leg) {
  const codec::Codec* codec = codec_of(leg.out.codec, leg.out.rate_hz);
  const uint32_t which = which_of(leg);
  if (codec == nullptr || codec->encoder_bytes == 0 || which == kSharedEncoders) return nullptr;
  const size_t place = static_cast<size_t>(conference.index) * kSharedEncoders + which;
  void* state = &context.shared_encoder_states[place * context.encoder_stride];
  if ((conference.encoders_ready & (1u << which)) == 0) {
    conference.encoders_ready |= 1u << which;
    shared_silence_of(context, conference, leg) = SilentPayload{};
    codec->init_encoder(state, encoder_params(context));
  }
  return state;
}

/** Ticks are left out after a stall, so that the period before is not always the last but one. */
bool is_followed(const Conference& conference, uint32_t which) {
  const uint32_t used = conference.encoders_used[which];
  return used == conference.period || used == conference.period_before;
}

}  // namespace

void* use_shared_encoder(Context& context, Conference& conference, Leg& leg) {
  void* shared = shared_encoder(context, conference, leg);
  if (shared == nullptr) return nullptr;
  const uint32_t which = which_of(leg);
  // One with parameters that only its peer asked for is nothing for others.
  const bool fits =
      leg.own_encoder && leg.encoder != nullptr && (leg.own_descends || which == kSharedG722);
  if (fits && !is_followed(conference, which)) {
    std::memcpy(shared, hold_encoder(context, leg),
                codec_of(leg.out.codec, leg.out.rate_hz)->encoder_bytes);
    shared_silence_of(context, conference, leg) = silent_of(context, leg);
  }
  conference.encoders_used[which] = conference.period;
  return shared;
}

SilentPayload& shared_silence_of(Context& context, const Conference& conference, const Leg& leg) {
  const size_t first = static_cast<size_t>(conference.index) * (kSharedEncoders + 1);
  return context.shared_silence[first + which_of(leg)];
}

void take_over_shared(Context& context, Conference& conference, Leg& leg) {
  leg.mix.limiter = conference.limiters[lane_of(leg.out.rate_hz)];
  const codec::Codec* codec = codec_of(leg.out.codec, leg.out.rate_hz);
  if (codec == nullptr || codec->encoder_bytes == 0) return;
  // One that never shares has nothing to go on from, and other parameters.
  if (needs_own_encoder(context, leg)) return;
  const void* shared = shared_encoder(context, conference, leg);
  void* own = hold_encoder(context, leg);
  if (shared != nullptr && own != nullptr) {
    std::memcpy(own, shared, codec->encoder_bytes);
    leg.own_descends = true;
  }
  silent_of(context, leg) = SilentPayload{};
}

void leave_own_encoder(Context& context, Leg& leg) {
  leg.own_encoder = false;
  drop_encoder(context, leg);
}

void stand_still(Conference& conference, const Leg& leg) {
  const uint32_t which = which_of(leg);
  if (which == kSharedEncoders || leg.own_encoder) return;
  conference.encoders_used[which] = conference.period;
}

bool hears_seam(const Conference& conference, const Leg& leg) {
  return leg.own_encoder && leg.out.codec == abi::CodecKind::g722 &&
         is_followed(conference, kSharedG722);
}

}  // namespace engine
