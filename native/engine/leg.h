// One RTP session as the tick sees it. Members are grouped by how often they are touched: the head
// fits a few cache lines that every tick reads, the rest belongs to rarer work. Buffers of a leg
// (jitter, decoder carry) live in arrays beside it or are lent to it, see context.h and
// codec_memory.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dsp/automatic_gain.h"
#include "dsp/limiter.h"
#include "dsp/vad.h"
#include "engine/abi.gen.h"
#include "net/link.h"
#include "rtp/packet.h"
#include "rtp/stream_stats.h"
#include "rtp/telephone_event.h"

namespace engine {

inline constexpr uint32_t kNone = 0xffffffff;
inline constexpr uint32_t kTickMs = 20;
inline constexpr uint32_t kTicksPerSecond = 1000 / kTickMs;
/** 20 ms at the highest rate. */
inline constexpr uint32_t kMaxFrameSamples = 960;
/** What fits an Ethernet frame. */
inline constexpr uint32_t kMaxPayloadBytes = 1440;
/** 20 ms of any codec: L16 at 48 kHz, which leaves as two packets. */
inline constexpr uint32_t kMaxFrameBytes = 1920;

/** What a payload type means on this leg; audio codecs have the value of abi::CodecKind. */
inline constexpr uint8_t kFormatUnknown = 0;
inline constexpr uint8_t kFormatEvent = 0x40;
inline constexpr uint8_t kFormatComfortNoise = 0x41;

/** Prompts that a leg hears: a list of pieces in the prompt arena (mixer/prompt-memory.ts). */
struct Player {
  uint32_t playback = 0;
  uint32_t list = 0;
  uint32_t count = 0;
  uint32_t index = 0;
  uint32_t position = 0;
  int32_t gain_q14 = 1 << 14;
  bool loop = false;
  bool active = false;
};

/** Our stream to the peer. One SSRC and one time line from the first packet to the last. */
struct Sending {
  uint32_t ssrc = 0;
  /** Time stamp of the present tick. */
  uint32_t timestamp = 0;
  /** Where the last packet ended; the line never goes back behind it. */
  uint32_t end_timestamp = 0;
  uint16_t sequence = 0;
  uint8_t payload_type = 0;
  abi::CodecKind codec = abi::CodecKind::none;
  uint8_t event_payload_type = abi::kNoPayloadType;
  uint8_t ptime_ms = kTickMs;
  bool marker = true;
  bool dtx = false;  // Opus: the peer wants nothing in silence (RFC 7587 section 6.1)
  bool fec = false;  // Opus: the peer wants redundancy
  uint8_t comfort_noise_type = abi::kNoPayloadType;
  uint8_t level_id = 0;       // RFC 6464 in our packets; 0: none
  uint8_t mix_levels_id = 0;  // RFC 6465
  uint32_t pause_ticks = 0;   // of silence that was not sent
  uint32_t rate_hz = 8000;
  uint32_t clock_hz = 8000;
  uint32_t bitrate_bps = 0;  // 0: that of the codec
  uint64_t packets = 0;
  uint64_t octets = 0;
};

/** What a codec with memory sends for silence, once it has settled. */
struct SilentPayload {
  uint8_t run = 0;  // silent frames encoded since there was sound
  uint16_t bytes = 0;
  uint8_t payload[320] = {};
};

/** Who the peer is on the wire, and how sure we are (symmetric RTP). */
struct Latch {
  net::Address signalled;
  net::Address peer;       // where we send
  net::Address candidate;  // sent valid packets, is not yet believed
  uint8_t candidate_packets = 0;
  bool latched = false;
  bool connected = false;  // the kernel drops everybody else
  bool heard = false;      // RTP or RTCP came from where we send
  /** Packets that may still go where nothing was heard from, over the whole life of the leg: a peer
   * that names one address after another gets no more. kNone: any number. */
  uint32_t unheard_left = kNone;
};

/** How a voice enters and leaves the mix, see talk.h and selection.h. */
struct Contribution {
  dsp::Limiter limiter;   // of what the leg hears
  float gain = 0;         // of the contribution, at the end of the last frame
  float loudness = 0;     // of late, as it competes for a place
  uint16_t turn = 0;      // ticks since it got its place, or since it waits for one
  uint8_t sound_run = 0;  // frames that a weak sound still counts
  uint8_t loud_run = 0;
  uint8_t silent_run = 0;  // frames of nothing that anybody would hear, see talk.h
  bool talking = false;
  bool wanted = false;         // talks, and may be heard
  bool selected = false;       // and has a place
  bool decoded = false;        // the frame of this tick
  bool contributes = false;    // in this tick
  bool in_sum = false;         // for everybody, not in private
  uint32_t slot = kNone;       // of this tick's contribution in Context::contributions
  uint32_t raw_slot = kNone;   // the same before gate and ramp, for a recording
  uint32_t additions = kNone;  // what it hears beside the sum, see hearing.h
  dsp::Vad vad;
};

/** Gains of a conferee, linear; both move within a frame. */
struct Loudness {
  float input = 1.0f;    // as set
  float output = 1.0f;   // as set
  float heard = 1.0f;    // of what it hears, at the end of the last frame
  dsp::Limiter limiter;  // of a contribution that is amplified
  dsp::AutomaticGain automatic;
};

/** Packets of the peer leg that go out undecoded (relay). One epoch has one shift of numbers. */
struct Forwarding {
  uint32_t source_ssrc = 0;
  uint32_t timestamp_shift = 0;
  uint32_t highest_timestamp = 0;
  uint16_t sequence_shift = 0;
  uint16_t first_sequence = 0;
  uint16_t highest_sequence = 0;
  bool epoch = false;
  int64_t last_ns = 0;
};

struct RtcpSession {
  int64_t next_ns = 0;
  int64_t last_sr_ns = 0;
  uint32_t last_sr_middle = 0;
  uint32_t remote_lost = 0;
  double round_trip_ms = -1;
  uint64_t packets_at_last = 0;
  net::Address target;  // as signalled; unusable means next to the latched RTP port
  bool mux = false;
};

/** Where a leg belongs and, in a conference, its row of who hears whom (hearing.h). */
struct Route {
  abi::RouteKind kind = abi::RouteKind::idle;
  bool muted = false;
  abi::Audience audience = abi::Audience::everybody;
  uint8_t named = 0;  // how many: the audience of `only`, or those left out of `except`
  bool hears = true;
  bool priority = false;    // has a place among the contributors before others
  uint32_t target = kNone;  // index of the peer leg or of the conference

  /** Whether anybody may hear it. */
  bool speaks() const { return !muted && audience != abi::Audience::nobody; }
};

struct alignas(64) Leg {
  // Lists: either of the phase (idle, echo, relay) or of the conference.
  uint32_t next = kNone;
  uint32_t previous = kNone;
  uint32_t index = 0;
  uint32_t handle = 0;
  int rtp_socket = -1;
  int rtcp_socket = -1;
  uint32_t last_period = 0;
  uint8_t phase = 0;
  bool open = false;
  bool configured = false;
  bool may_send = false;
  bool may_receive = false;
  bool wants_inband = false;
  bool own_encoder = false;   // encoded for itself in the last tick
  bool own_descends = false;  // its state is a copy of a shared one, with those parameters
  uint8_t own_wait = 0;       // ticks since that would no longer be needed
  bool in_pause = false;      // and what it hears was quiet in the last of them
  uint8_t encoder_size = 0;   // class of `encoder`
  bool encoder_reserved = false;
  uint8_t reserved_size = 0;
  bool silence_reported = false;
  uint8_t even_ticks = 0;      // in a row with one packet each
  bool closing = false;        // close after the contribution has faded
  bool rerouting = false;      // `pending` comes after the fade
  bool row_pending = false;    // its row comes after the fade, in the same conference
  bool out_moves = false;      // what it hears is not at unity gain
  bool half_waits = false;     // `held` is a whole packet for the middle of the tick
  uint32_t held_bytes = 0;     // of a packet longer than a tick
  uint8_t* encoder = nullptr;  // codec_memory.h
  Route route;
  Route pending;
  Contribution mix;
  Sending out;
  int64_t last_packet_ns = 0;
  int64_t last_rtcp_ns = 0;
  int64_t emptied_ns = 0;           // woken_ns of the phase that found the RTP socket empty
  uint32_t relay_position = kNone;  // in Context::relays
  uint32_t recording = kNone;       // recording ring
  Latch latch;
  Player replace;
  Player mixed;

  // Per packet.
  uint8_t formats[128] = {};
  rtp::StreamStats stream;
  rtp::EventReceiver digits_in;
  Forwarding forwarding;
  uint64_t packets_in = 0;
  uint64_t octets_in = 0;
  uint64_t rejected = 0;
  uint64_t source_changes = 0;
  uint64_t frames_skipped = 0;
  float level_square = 0;  // mean square of this tick's frame, decoded or as the peer told
  abi::CodecKind receive_codec = abi::CodecKind::none;
  uint8_t receive_rates_khz[abi::kCodecKindCount] = {};
  uint8_t level_receive_id = 0;       // RFC 6464 in what the peer sends; 0: none
  uint8_t mix_levels_receive_id = 0;  // RFC 6465
  bool audio_wanted = false;          // the jitter buffer runs

  // Rarely.
  Loudness loudness;
  uint32_t named[abi::kMaxNamed] = {};          // handles, see Route::named
  uint32_t named_pending[abi::kMaxNamed] = {};  // those of `pending`
  rtp::EventSender digits_out;
  RtcpSession rtcp;
  uint32_t silence_timeout_ms = 0;
  uint32_t held_timestamp = 0;
  uint8_t held_ms = 0;
  uint8_t cname_bytes = 0;
  uint8_t cname[32] = {};
  uint8_t* held = nullptr;  // kMaxPayloadBytes; there when packets are not of one tick

  uint32_t receive_rate_hz() const {
    return receive_rates_khz[static_cast<uint8_t>(receive_codec)] * 1000u;
  }
};

/** Of a leg, what every tick touches; and of that, what sending a payload touches. */
inline constexpr size_t kLegHotBytes = offsetof(Leg, loudness);
inline constexpr size_t kLegSendBytes = offsetof(Leg, replace);

}  // namespace engine
