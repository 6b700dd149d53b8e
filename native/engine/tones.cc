#include "engine/tones.h"

namespace engine {

void detect_inband(Context& context, Leg& leg, const int16_t* pcm) {
  (void)context;
  (void)leg;
  (void)pcm;
}

bool fill_tone(Context& context, Leg& leg, int16_t* out) {
  const int tone = leg.digits_out.next_tone(kTickMs);
  if (const uint32_t finished = leg.digits_out.take_finished(); finished > 0) {
    abi::DigitsSentEvent sent{};
    sent.leg = leg.handle;
    sent.count = finished;
    context.post(sent);
  }
  (void)out;
  return tone >= 0 && false;
}

}  // namespace engine
