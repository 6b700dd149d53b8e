// What an Opus packet says about itself without being decoded (RFC 6716 section 3 and 4.2.3): used
// to know its length, whether it carries redundancy, and whether it carries voice at all.
#pragma once

#include <cstdint>

namespace codec::opus_packet {

enum class Mode : uint8_t { silk, hybrid, celt };

struct Description {
  Mode mode;
  bool stereo;
  int frames;    // in the packet, 1 to 48
  int frame_us;  // 2500 to 60000
  // What the SILK header says; false for CELT, which has no such header.
  bool voice_known;
  bool voice;       // any frame of the first Opus frame is marked active
  bool redundancy;  // carries low bit-rate redundancy of the packet before (LBRR)
};

// Appends the frames of `next` to those of `packet` in one packet (section 3.2). Returns its
// length, or 0 when they cannot be joined: another configuration, more than 120 ms, no room.
int join(const uint8_t* packet, int bytes, const uint8_t* next, int next_bytes, uint8_t* out,
         int capacity);

// False when the packet is malformed (RFC 6716 section 3.4).
bool describe(const uint8_t* payload, int bytes, Description& description);

}  // namespace codec::opus_packet
