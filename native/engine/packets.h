// Payloads of a leg as packets on the wire: one SSRC, one line of numbers and time, headers written
// in place, packets longer or shorter than a tick, and silence that needs no packets.
#pragma once

#include <cstdint>

#include "engine/context.h"

namespace engine {

/** Nobody knows how loud it is: the packet says nothing of it, as silence would be a lie. */
inline constexpr uint8_t kLevelUnknown = 255;

/** Who is heard in a packet, for its CSRC list and its header extensions (RFC 6464, RFC 6465). */
struct Sources {
  uint32_t count = 0;
  uint32_t ssrc[rtp::kMaxCsrc] = {};
  uint8_t minus_dbov[rtp::kMaxCsrc] = {};
  bool levels_known = true;                // of each of them
  uint8_t own_minus_dbov = kLevelUnknown;  // of the packet as a whole

  void add(uint32_t source, float mean_square);
  void add_all_but(uint32_t source, const Sources& others);
  void remove(uint32_t source);
};

/** As header extensions have it: 0 to 127. */
uint8_t minus_dbov_of(float mean_square);
uint8_t minus_dbov_of(const Context& context, const int16_t* pcm, uint32_t samples);

/** Time stamps of one tick. */
inline uint32_t tick_units(const Leg& leg) {
  return leg.out.clock_hz / kTicksPerSecond;
}
/** The time stamp of this tick, never behind the end of what was sent. */
uint32_t line_timestamp(Leg& leg);

/**
 * Sends the payload of one tick that stands kHeadroom into `buffer`. Only what lies before it is
 * written, so that many legs may send the same buffer one after another.
 */
void send_payload(Context& context, Leg& leg, uint8_t* buffer, uint32_t bytes,
                  const Sources& sources);
/** Two payloads of 10 ms, kHeadroom into their buffers; the second leaves 10 ms later. */
void send_pair(Context& context, Leg& leg, uint8_t* first, uint32_t first_bytes, uint8_t* second,
               uint32_t second_bytes, const Sources& sources);
/** A packet that is no tick of audio: an event or a forwarded payload. */
void send_packet(Context& context, Leg& leg, uint8_t* buffer, uint32_t bytes,
                 const rtp::Header& header, const Sources& sources);
/** Packets of 10 ms whose time has come. Once a phase. */
void send_halves(Context& context);
/** What waits of this leg goes now, or is forgotten if it is no whole packet: other packets come.
 */
void release_held(Context& context, Leg& leg);
/**
 * Silence for a peer that negotiated comfort noise (RFC 3389) or DTX (RFC 7587): true when this
 * tick needs no audio. Called each tick, also with `silent` false: the packet after a pause is
 * marked.
 */
bool pauses(Context& context, Leg& leg, bool silent);

}  // namespace engine
