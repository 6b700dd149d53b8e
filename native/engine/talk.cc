#include "engine/talk.h"

namespace engine {
namespace {

/** Frames with a voice in a row that make a talker; one is a click. */
constexpr uint8_t kTalkFrames = 2;
/** A sound too weak to be talk is let through, and 60 ms more: as a rule a word follows. */
constexpr uint8_t kSoundFrames = 4;
/** -66 dBov, some 40 dB below speech. */
constexpr float kSilentSquare = 270.0f;
constexpr uint8_t kSilentFrames = 2;

void set_talking(Context& context, Leg& leg, bool talking) {
  leg.mix.talking = talking;
  abi::TalkingEvent event{};
  event.leg = leg.handle;
  event.talking = talking ? 1 : 0;
  context.post(event);
}

}  // namespace

bool opens(Contribution& mix, bool heard, float level_square) {
  const bool talks = heard ? mix.vad.process(level_square) : mix.vad.pause();
  if (mix.vad.sound()) {
    mix.sound_run = kSoundFrames;
  } else if (mix.sound_run > 0) {
    mix.sound_run--;
  }
  return talks || mix.sound_run > 0;
}

bool falls_silent(Contribution& mix, float level_square, float gain) {
  const bool silent = level_square * gain * gain < kSilentSquare;
  if (!silent) {
    mix.silent_run = 0;
  } else if (mix.silent_run < kSilentFrames) {
    mix.silent_run++;
  }
  return mix.silent_run == kSilentFrames;
}

void follow_talk(Context& context, Leg& leg) {
  Contribution& mix = leg.mix;
  const bool heard = mix.selected && leg.route.audience != abi::Audience::only;
  if (!heard) {
    mix.loud_run = 0;
    if (mix.talking) set_talking(context, leg, false);
    return;
  }
  if (mix.vad.voice()) {
    if (mix.loud_run < kTalkFrames) mix.loud_run++;
    if (!mix.talking && mix.loud_run == kTalkFrames) set_talking(context, leg, true);
    return;
  }
  mix.loud_run = 0;
  if (mix.talking && !mix.vad.talking()) set_talking(context, leg, false);
}

void stop_talking(Context& context, Leg& leg) {
  if (leg.mix.talking) set_talking(context, leg, false);
  const dsp::Limiter limiter = leg.mix.limiter;
  const dsp::Vad vad = leg.mix.vad;
  leg.mix = Contribution{};
  leg.mix.limiter = limiter;
  // The line and its noise stay what they are in the next conference.
  leg.mix.vad = vad;
}

}  // namespace engine
