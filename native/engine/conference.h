// One mix: its members in a list, and what they share.
#pragma once

#include <cstdint>

#include "dsp/limiter.h"
#include "engine/abi.gen.h"
#include "engine/leg.h"

namespace engine {

/** 8, 16 and 48 kHz; see kLanes in context.h. */
inline constexpr uint32_t kMixRates = 3;

/** Codecs with memory, of which listeners share one: G.722 and Opus. */
inline constexpr uint32_t kSharedG722 = 0;
inline constexpr uint32_t kSharedOpus = 1;
inline constexpr uint32_t kSharedEncoders = 2;

/** What all of it hears: a list of pieces for each rate (announcement.h). */
struct Announcement {
  uint32_t playback = 0;
  bool active = false;
  Player players[kMixRates];
};

struct Conference {
  uint32_t next = kNone;  // list of its phase
  uint32_t previous = kNone;
  uint32_t index = 0;
  uint32_t handle = 0;
  uint32_t first = kNone;
  uint32_t last = kNone;
  uint32_t size = 0;
  uint8_t phase = 0;
  bool open = false;
  bool ticks = false;        // is in the list of its phase
  uint8_t contributors = 0;  // the loudest so many are mixed; 0: all
  bool automatic_gain = false;
  bool noise_suppression = false;
  float speech_dbov = 0;    // where automatic gain brings talk to
  uint32_t resampling = 0;  // bits from * kLanes + to: that resampler still holds sound
  dsp::Limiter limiters[kMixRates];
  Announcement announcement;
  uint32_t encoders_ready = 0;  // bits: the shared encoder of this codec has a state
  uint32_t encoders_used[kSharedEncoders] = {
      kNone, kNone};           // the period in which a decoder last followed it
  uint32_t period = 0;         // of the present tick
  uint32_t period_before = 0;  // and of the one before
};

}  // namespace engine
