#pragma once
// Big-endian numbers and the RTP header (RFC 3550 section 5.1) as the driver writes and reads it.

#include <cstdint>

namespace load {

inline constexpr int kHeaderBytes = 12;
/// A one-byte header extension with one element (RFC 8285 section 4.2).
inline constexpr int kLevelBytes = 8;

inline void put16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

inline void put32(uint8_t* at, uint32_t value) {
  put16(at, static_cast<uint16_t>(value >> 16));
  put16(at + 2, static_cast<uint16_t>(value));
}

inline uint16_t get16(const uint8_t* at) {
  return static_cast<uint16_t>(at[0] << 8 | at[1]);
}

inline uint32_t get32(const uint8_t* at) {
  return static_cast<uint32_t>(get16(at)) << 16 | get16(at + 2);
}

inline void put_header(uint8_t* at, uint8_t type, uint16_t sequence, uint32_t timestamp,
                       uint32_t ssrc) {
  at[0] = 0x80;
  at[1] = type;
  put16(at + 2, sequence);
  put32(at + 4, timestamp);
  put32(at + 8, ssrc);
}

/// Adds the audio level of RFC 6464 to a packet that has only the fixed header yet.
inline void put_level(uint8_t* packet, uint8_t id, uint8_t level) {
  packet[0] |= 0x10;
  put16(packet + kHeaderBytes, 0xbede);
  put16(packet + kHeaderBytes + 2, 1);
  packet[kHeaderBytes + 4] = static_cast<uint8_t>(id << 4);
  packet[kHeaderBytes + 5] = level;
  put16(packet + kHeaderBytes + 6, 0);
}

}  // namespace load
