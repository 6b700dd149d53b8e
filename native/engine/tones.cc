#include "engine/tones.h"

#include <cstring>
#include <new>

#include "engine/receiving.h"

namespace engine {
namespace {

/** In the order of RFC 4733 event codes. */
constexpr char kDigits[] = "0123456789*#ABCD";

uint8_t event_of(char digit) {
  for (uint8_t event = 0; event < 16; event++) {
    if (kDigits[event] == digit) return event;
  }
  return 0;
}

}  // namespace

void prepare_tones(Context& context, const Leg& leg) {
  auto* detector = new (&context.detectors[leg.index]) dsp::DtmfDetector();
  detector->init(static_cast<int>(leg.out.rate_hz));
  new (&context.tones[leg.index]) dsp::ToneGenerator();
}

bool detect_inband(Context& context, Leg& leg, int16_t* pcm) {
  dsp::DtmfDetector& detector = context.detectors[leg.index];
  const auto samples = static_cast<int>(leg.out.rate_hz / kTicksPerSecond);
  dsp::DtmfDigit digits[4];
  const int count = detector.process(pcm, samples, digits, 4);
  for (int i = 0; i < count; i++) {
    post_digit(context, leg, event_of(digits[i].digit), abi::DigitSource::inband,
               static_cast<uint32_t>(digits[i].duration_ms));
  }
  if (!detector.active() && !detector.suspected()) return false;
  std::memset(pcm, 0, static_cast<size_t>(samples) * sizeof(int16_t));
  leg.level_square = 0;
  return true;
}

bool tone_sounds(const Context& context, const Leg& leg) {
  if (!listens_inband(leg)) return false;
  const dsp::DtmfDetector& detector = context.detectors[leg.index];
  return detector.active() || detector.suspected();
}

bool fill_tone(Context& context, Leg& leg, int16_t* out) {
  dsp::ToneGenerator& generator = context.tones[leg.index];
  bool begins = false;
  const int event = leg.digits_out.next_tone(kTickMs, begins);
  if (const uint32_t finished = leg.digits_out.take_finished(); finished > 0) {
    abi::DigitsSentEvent sent{};
    sent.leg = leg.handle;
    sent.count = finished;
    context.post(sent);
  }
  if (begins) generator.start_digit(static_cast<int>(leg.out.rate_hz), kDigits[event & 15]);
  if (event < 0) generator.stop();
  if (!generator.sounding()) return false;
  generator.generate(out, static_cast<int>(leg.out.rate_hz / kTicksPerSecond));
  return true;
}

}  // namespace engine
