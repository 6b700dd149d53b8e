#include "rtp/header_extension.h"

namespace rtp {
namespace {

constexpr uint16_t kOneByteProfile = 0xbede;  // RFC 8285 section 4.2
constexpr uint16_t kTwoByteProfile =
    0x1000;  // section 4.3; the low four bits are the application's

}  // namespace

const uint8_t* find_element(const Packet& packet, uint8_t id, uint8_t& bytes) {
  if (packet.extension == nullptr || id == kNoExtension) return nullptr;
  const bool one_byte = packet.extension_profile == kOneByteProfile;
  if (!one_byte && (packet.extension_profile & 0xfff0) != kTwoByteProfile) return nullptr;
  const uint8_t* at = packet.extension;
  const uint8_t* const end = at + packet.extension_bytes;
  while (at < end) {
    if (*at == 0) {  // padding
      at++;
      continue;
    }
    uint8_t found = 0;
    size_t length = 0;
    if (one_byte) {
      found = *at >> 4;
      // Section 4.2: 15 ends the reading.
      if (found == 15) return nullptr;
      length = (*at & 0x0fu) + 1u;
      at += 1;
    } else {
      if (end - at < 2) return nullptr;
      found = at[0];
      length = at[1];
      at += 2;
    }
    if (static_cast<size_t>(end - at) < length) return nullptr;
    if (found == id) {
      bytes = static_cast<uint8_t>(length);
      return at;
    }
    at += length;
  }
  return nullptr;
}

bool read_audio_level(const Packet& packet, uint8_t id, AudioLevel& level) {
  uint8_t bytes = 0;
  const uint8_t* element = find_element(packet, id, bytes);
  if (element == nullptr || bytes < 1) return false;
  level.voice = (element[0] & 0x80) != 0;
  level.minus_dbov = element[0] & 0x7f;
  return true;
}

uint8_t read_contributor_levels(const Packet& packet, uint8_t id, uint8_t* out) {
  uint8_t bytes = 0;
  const uint8_t* element = find_element(packet, id, bytes);
  if (element == nullptr) return 0;
  const uint8_t count = bytes < packet.csrc_count ? bytes : packet.csrc_count;
  for (uint8_t i = 0; i < count; i++) out[i] = element[i] & 0x7f;
  return count;
}

size_t write_levels(uint8_t* out, const Levels& levels) {
  uint8_t* at = out + 4;
  if (levels.own_id != kNoExtension) {
    *at++ = static_cast<uint8_t>(levels.own_id << 4);
    *at++ = static_cast<uint8_t>((levels.own.voice ? 0x80 : 0) | (levels.own.minus_dbov & 0x7f));
  }
  if (levels.contributors_id != kNoExtension && levels.count > 0) {
    // RFC 6465 section 3: as many octets as there are CSRCs, the first bit of each zero.
    *at++ = static_cast<uint8_t>((levels.contributors_id << 4) | (levels.count - 1));
    for (uint8_t i = 0; i < levels.count; i++) *at++ = levels.contributors[i] & 0x7f;
  }
  if (at == out + 4) return 0;
  while ((at - out) % 4 != 0) *at++ = 0;
  const auto bytes = static_cast<size_t>(at - out);
  base::store_be16(out, kOneByteProfile);
  base::store_be16(out + 2, static_cast<uint16_t>(bytes / 4 - 1));
  return bytes;
}

}  // namespace rtp
