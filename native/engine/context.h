// What every part of the tick shares: services, memory with fixed bounds, counters. Owned by Engine
// and touched by its thread only; the rings and the statistics are the exception (shared memory).
#pragma once

#include <cstdint>
#include <cstring>

#include "base/mapped.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/shared_ring.h"
#include "codec/codec.h"
#include "dsp/dtmf_detector.h"
#include "dsp/kernels.h"
#include "dsp/noise_suppressor.h"
#include "dsp/resampler.h"
#include "dsp/tone.h"
#include "engine/abi.gen.h"
#include "engine/conference.h"
#include "engine/leg.h"
#include "engine/playout.h"
#include "net/arrival_clock.h"
#include "net/link.h"
#include "rtp/header_extension.h"

namespace engine {

inline constexpr uint32_t kPhases = 10;

/** Memory that the JavaScript side owns and the engine only sees. */
struct SharedMemory {
  uint8_t* commands = nullptr;
  size_t command_bytes = 0;
  uint8_t* events = nullptr;
  size_t event_bytes = 0;
  uint8_t* statistics = nullptr;  // one WorkerRecord, then a LegRecord for each leg
  const uint8_t* prompts = nullptr;
  size_t prompt_bytes = 0;
  uint8_t* recordings = nullptr;
  size_t recording_bytes = 0;  // of one ring
  uint32_t recording_count = 0;
};

struct Limits {
  uint32_t legs = 0;
  uint32_t conferences = 0;
  bool csrc = true;
  /** Of Opus encoders; a peer may ask for a lower bit rate. */
  uint32_t opus_complexity = static_cast<uint32_t>(codec::Params{}.complexity);
  uint32_t opus_bitrate_bps = static_cast<uint32_t>(codec::Params{}.bitrate_bps);
};

/** Names as in WorkerRecord. */
struct Counters {
  uint64_t ticks_on_time = 0;
  uint64_t ticks_late_1ms = 0;
  uint64_t ticks_late_5ms = 0;
  uint64_t ticks_skipped = 0;
  uint64_t packets_received = 0;
  uint64_t packets_sent = 0;
  uint64_t packets_rejected = 0;
  uint64_t packets_foreign = 0;
  uint64_t packets_forwarded = 0;
  uint64_t send_errors = 0;
  uint64_t packets_unheard = 0;
  uint64_t frames_concealed = 0;
  uint64_t frames_skipped = 0;  // known to be quiet, not decoded
  uint64_t frames_mixed = 0;
  uint64_t frames_encoded = 0;
  uint64_t frames_shared = 0;
  uint64_t talkers_waiting = 0;
  uint64_t contributors_displaced = 0;
  uint64_t rtcp_received = 0;
  uint64_t rtcp_malformed = 0;
  uint64_t rtcp_sent = 0;
  uint64_t commands = 0;
  uint64_t commands_stale = 0;
  uint64_t events_dropped = 0;
  uint64_t recording_gaps = 0;
  uint64_t packets_held_back = 0;
};

struct RecordingState {
  uint32_t leg = kNone;
  uint32_t write = 0;
  uint32_t gap_samples = 0;
  uint64_t samples_left = 0;
  abi::RecordSide side = abi::RecordSide::received;
};

/** Sample rates that mixes run at: 8, 16, 48 kHz. */
inline constexpr uint32_t kLanes = kMixRates;
inline constexpr uint32_t kLaneRates[kLanes] = {8000, 16000, 48000};
inline uint32_t lane_of(uint32_t rate_hz) {
  return rate_hz == 8000 ? 0 : rate_hz == 16000 ? 1 : 2;
}

/** Classes of blocks that legs borrow, see codec_memory.h. */
inline constexpr uint32_t kStateSizeCount = 2;
inline constexpr uint32_t kPlayoutSizeCount = 5;
/** From each rate to each other one. */
inline constexpr uint32_t kMixResamplers = kLanes * kLanes;

/** A packet is built with room in front for the header, the CSRC list and the extension. */
inline constexpr uint32_t kHeadroom =
    rtp::kHeaderBytes + 4 * rtp::kMaxCsrc + static_cast<uint32_t>(rtp::kMaxExtensionBytes);

struct Scratch {
  alignas(64) uint8_t packet_in[rtp::kMaxPacketBytes + 4];
  alignas(64) uint8_t packet_out[kHeadroom + kMaxFrameBytes + 64];
  alignas(64) uint8_t second_out[kHeadroom + kMaxPayloadBytes + 64];
  alignas(64) uint8_t rtcp[512];
  alignas(64) int16_t frame_a[kMaxFrameSamples];
  alignas(64) int16_t frame_b[kMaxFrameSamples];
  alignas(64) int16_t frame_c[kMaxFrameSamples];
  alignas(64) int16_t frame_d[kMaxFrameSamples];
  alignas(64) int16_t frame_e[kMaxFrameSamples];
  alignas(64) int16_t zeros[kMaxFrameSamples];
  alignas(64) int32_t wide[kMaxFrameSamples];
  // The conference at work: the sum and the listener frame at each rate, and their packets by
  // codec.
  alignas(64) int32_t sums[kLanes][kMaxFrameSamples];
  alignas(64) int16_t listener[kLanes][kMaxFrameSamples];
  alignas(64) uint8_t shared[abi::kCodecKindCount][kLanes][kHeadroom + kMaxFrameBytes + 64];
};

/** A packet of 10 ms that waits for the middle of its tick. */
struct Half {
  uint32_t leg = 0;  // handle
  uint64_t due = 0;  // count of phases
};

/** A voice that one member hears beside the sum, or that is taken out of it for this member. */
struct Addition {
  uint32_t next = kNone;
  uint32_t slot = kNone;
  uint32_t ssrc = 0;
  float level_square = 0;
  bool minus = false;
};
/** Frames in Context::contributions a leg may need: raw, contribution, and two of other rates. */
inline constexpr uint32_t kSlotsPerLeg = 4;

struct PhaseLists {
  uint32_t first_leg = kNone;
  uint32_t first_conference = kNone;
  /** Legs served in this phase, whatever their route. */
  uint32_t load = 0;
};

/** Events that found the ring full wait here, in order, until there is room. */
inline constexpr uint32_t kOverflowEvents = 65536;
struct EventSlot {
  uint8_t bytes[abi::kEventSlotBytes];
};

class Context {
 public:
  Context(const SharedMemory& memory, const Limits& limits, net::Link& link, uint64_t seed);

  bool valid() const;

  template <class T>
  void post(T event) {
    static_assert(sizeof(T) <= abi::kEventSlotBytes);
    event.type = static_cast<uint32_t>(T::kType);
    post_bytes(&event, sizeof event);
  }
  /** Moves waiting events into the ring. */
  void flush_events();

  /** The leg of a handle; null when it is not, or no longer, there. */
  Leg* leg_of(uint32_t handle) {
    const uint32_t index = handle & 0xffff;
    if (index >= limits.legs || !legs[index].open || legs[index].handle != handle) return nullptr;
    return &legs[index];
  }
  Conference* conference_of(uint32_t handle) {
    const uint32_t index = handle & 0xffff;
    if (index >= limits.conferences) return nullptr;
    Conference& conference = conferences[index];
    return conference.open && conference.handle == handle ? &conference : nullptr;
  }
  /** The other end of a relay; null when there is none. */
  Leg* peer_of(const Leg& leg) {
    if (leg.route.kind != abi::RouteKind::relay || leg.route.target == kNone) return nullptr;
    return &legs[leg.route.target];
  }

  /** Indices into `resamplers`; the first ones are those of the legs for what they receive. */
  uint32_t relay_resampler(uint32_t leg) const { return limits.legs + leg; }
  uint32_t mix_resampler(uint32_t conference, uint32_t from_lane, uint32_t to_lane) const {
    return 2 * limits.legs + conference * kMixResamplers + from_lane * kLanes + to_lane;
  }

  /** For what is said in private to members of another rate. */
  uint32_t private_resampler(uint32_t leg, uint32_t lane) const {
    return mix_resampler(limits.conferences, 0, 0) + leg * kLanes + lane;
  }

  /**
   * Asks for the memory of the leg that comes next; its misses then overlap with work on this one.
   * Thousands of legs do not fit the cache, so that every line left out is waited for.
   */
  void prefetch(uint32_t index) const {
    if (index == kNone) return;
    const auto* leg = reinterpret_cast<const char*>(&legs[index]);
    for (size_t at = 0; at < kLegHotBytes; at += 64) __builtin_prefetch(leg + at);
    playouts[index].buffer.prefetch_head();
  }
  /** Of a listener, what sending the shared payload takes. */
  void prefetch_sending(uint32_t index) const {
    const auto* leg = reinterpret_cast<const char*>(&legs[index]);
    for (size_t at = 0; at < kLegSendBytes; at += 64) __builtin_prefetch(leg + at);
  }

  // Given.
  const SharedMemory memory;
  const Limits limits;
  net::Link& link;
  const dsp::Kernels& kernels;

  // Owned.
  base::SharedRing commands;
  base::SharedRing events;
  base::Random random;
  base::Mapped<Leg> legs;
  base::Mapped<Playout> playouts;
  base::Mapped<Conference> conferences;
  // Lent to legs by codec_memory.h, each in classes of blocks.
  base::Pool playout_memory[kPlayoutSizeCount];
  base::Pool decoders[kStateSizeCount];
  base::Pool encoders[kStateSizeCount];
  base::Pool held_payloads;
  base::Mapped<uint8_t> shared_encoder_states;  // by conference and codec
  base::Mapped<uint32_t> own_list;              // of the conference at work
  base::Mapped<uint32_t> listener_list;
  base::Mapped<uint32_t> candidate_list;
  base::Mapped<uint32_t> leaving_list;
  base::Mapped<SilentPayload> shared_silence;  // likewise
  base::Mapped<dsp::Resampler>
      resamplers;  // of a leg for what it receives; of a relay; of mixes; of private talk
  base::Mapped<dsp::DtmfDetector> detectors;
  base::Mapped<dsp::ToneGenerator> tones;
  base::Mapped<dsp::NoiseSuppressor> suppressors;
  base::Mapped<int16_t> contributions;  // frames of the conference at work
  base::Mapped<Addition> additions;     // likewise
  base::Mapped<RecordingState> recordings;
  base::Mapped<Half> halves;      // a queue in order of time
  base::Mapped<uint32_t> relays;  // indices of all legs on route relay
  base::Mapped<EventSlot> overflow;
  base::Mapped<Scratch> scratch_memory;
  Counters count;
  PhaseLists phases[kPhases];

  // Derived, changing each tick.
  Scratch& scratch() { return scratch_memory[0]; }
  net::ArrivalClock arrival_clock;
  int64_t woken_ns = 0;  // when the phase really began; `now` is when it was due
  uint32_t period = 1;
  uint32_t phase = 0;
  uint64_t phase_count = 0;
  uint32_t half_read = 0;
  uint32_t half_write = 0;
  size_t encoder_stride = 0;
  uint32_t encoders_reserved[kStateSizeCount] = {};
  SilentPayload no_silence;  // of codecs that keep nothing
  uint32_t relay_count = 0;
  uint32_t leg_count = 0;
  uint32_t conference_count = 0;

 private:
  void post_bytes(const void* event, size_t bytes);

  uint32_t overflow_read_ = 0;
  uint32_t overflow_write_ = 0;
};

}  // namespace engine
