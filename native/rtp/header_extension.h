// Levels in RTP header extensions: of the sender's own audio (RFC 6464) and of the contributors of
// a mix (RFC 6465), as elements of RFC 8285. Everything that is read comes from strangers: no
// length in it is believed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rtp/packet.h"

namespace rtp {

/** Local identifiers of one-byte elements are 1 to 14 (RFC 8285 section 4.2); 0 is none. */
inline constexpr uint8_t kNoExtension = 0;
inline constexpr uint8_t kLastExtension = 14;
/** Header, own level, 15 levels of contributors, padding. */
inline constexpr size_t kMaxExtensionBytes = 4 + 2 + 1 + kMaxCsrc + 2;

/** 0 to 127 for 0 to -127 dBov, and whether the sender calls it voice. */
struct AudioLevel {
  uint8_t minus_dbov;
  bool voice;
};

/** The element with this identifier, in one-byte or two-byte form; null when there is none. */
const uint8_t* find_element(const Packet& packet, uint8_t id, uint8_t& bytes);
/** RFC 6464 section 3. False when the packet carries none. */
bool read_audio_level(const Packet& packet, uint8_t id, AudioLevel& level);

/** RFC 6465 section 3: minus_dbov of each CSRC into `out` of kMaxCsrc; returns how many. */
uint8_t read_contributor_levels(const Packet& packet, uint8_t id, uint8_t* out);

struct Levels {
  uint8_t own_id = kNoExtension;           // RFC 6464
  uint8_t contributors_id = kNoExtension;  // RFC 6465
  AudioLevel own{127, false};
  const uint8_t* contributors = nullptr;  // minus_dbov of each CSRC, in their order
  uint8_t count = 0;
};

/** Writes an extension of at most kMaxExtensionBytes; returns its length, 0 when it would be empty.
 */
size_t write_levels(uint8_t* out, const Levels& levels);

}  // namespace rtp
