// RTP packets (RFC 3550 section 5.1): a checked view over received bytes, and a header written in
// place.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace rtp {

inline constexpr size_t kHeaderBytes = 12;
inline constexpr size_t kMaxCsrc = 15;
/** Largest packet that is read; longer ones are cut by the kernel and rejected. */
inline constexpr size_t kMaxPacketBytes = 1500;

struct Packet {
  const uint8_t* payload;
  uint32_t payload_bytes;
  uint32_t timestamp;
  uint32_t ssrc;
  uint16_t sequence;
  uint8_t payload_type;
  bool marker;
  /** Header extension (section 5.3.1): what its first 16 bits say, and what it holds. */
  uint16_t extension_profile;
  uint16_t extension_bytes;
  const uint8_t* extension;
  const uint8_t* csrc;
  uint8_t csrc_count;
};

/** RTCP on the RTP port: packet types 192 to 223 (RFC 5761 section 4). */
inline bool looks_like_rtcp(const uint8_t* bytes, size_t count) {
  return count >= 2 && (bytes[0] >> 6) == 2 && bytes[1] >= 192 && bytes[1] <= 223;
}

/** Reads a packet; false when any length in it does not fit. Nothing is read beyond `count`. */
inline bool parse(const uint8_t* bytes, size_t count, Packet& out) {
  if (count < kHeaderBytes || count > kMaxPacketBytes) return false;
  if ((bytes[0] >> 6) != 2) return false;
  size_t start = kHeaderBytes + 4u * (bytes[0] & 0x0fu);
  if (start > count) return false;
  out.csrc = bytes + kHeaderBytes;
  out.csrc_count = bytes[0] & 0x0f;
  out.extension_bytes = 0;
  out.extension = nullptr;
  if ((bytes[0] & 0x10) != 0) {
    if (start + 4 > count) return false;
    const uint8_t* extension = bytes + start;
    const size_t extension_bytes = 4u * base::load_be16(extension + 2);
    start += 4 + extension_bytes;
    if (start > count) return false;
    out.extension_profile = base::load_be16(extension);
    out.extension_bytes = static_cast<uint16_t>(extension_bytes);
    out.extension = extension + 4;
  }
  size_t end = count;
  if ((bytes[0] & 0x20) != 0) {
    // The last octet counts the padding including itself, so zero is as wrong as too many.
    const size_t padding = bytes[count - 1];
    if (padding == 0 || padding > count - start) return false;
    end -= padding;
  }
  out.payload = bytes + start;
  out.payload_bytes = static_cast<uint32_t>(end - start);
  out.marker = (bytes[1] & 0x80) != 0;
  out.payload_type = bytes[1] & 0x7f;
  out.sequence = base::load_be16(bytes + 2);
  out.timestamp = base::load_be32(bytes + 4);
  out.ssrc = base::load_be32(bytes + 8);
  return true;
}

struct Header {
  uint32_t timestamp;
  uint32_t ssrc;
  uint16_t sequence;
  uint8_t payload_type;
  uint8_t csrc_count;
  bool marker;
  bool extension = false;
};

/** Writes the fixed 12 octets; the CSRC list and the extension follow them. */
inline void write_header(uint8_t* at, const Header& header) {
  at[0] = static_cast<uint8_t>(0x80 | (header.extension ? 0x10 : 0) | header.csrc_count);
  at[1] = static_cast<uint8_t>((header.marker ? 0x80 : 0) | header.payload_type);
  base::store_be16(at + 2, header.sequence);
  base::store_be32(at + 4, header.timestamp);
  base::store_be32(at + 8, header.ssrc);
}

}  // namespace rtp
