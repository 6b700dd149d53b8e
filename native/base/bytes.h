// Numbers in network byte order, at any alignment.
#pragma once

#include <cstdint>

namespace base {

inline uint16_t load_be16(const uint8_t* at) {
  return static_cast<uint16_t>((at[0] << 8) | at[1]);
}

inline uint32_t load_be24(const uint8_t* at) {
  return (static_cast<uint32_t>(at[0]) << 16) | (static_cast<uint32_t>(at[1]) << 8) | at[2];
}

inline uint32_t load_be32(const uint8_t* at) {
  return (static_cast<uint32_t>(load_be16(at)) << 16) | load_be16(at + 2);
}

inline void store_be16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

inline void store_be24(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 16);
  at[1] = static_cast<uint8_t>(value >> 8);
  at[2] = static_cast<uint8_t>(value);
}

inline void store_be32(uint8_t* at, uint32_t value) {
  store_be16(at, static_cast<uint16_t>(value >> 16));
  store_be16(at + 2, static_cast<uint16_t>(value));
}

}  // namespace base
