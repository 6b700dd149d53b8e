#include "rtp/rtcp.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace rtp {
namespace {

constexpr uint8_t kSenderReport = 200;
constexpr uint8_t kReceiverReport = 201;
constexpr uint8_t kSourceDescription = 202;
constexpr uint8_t kBye = 203;
constexpr size_t kBlockBytes = 24;
constexpr size_t kMaxCname = 64;

void write_common(uint8_t* at, uint8_t count, uint8_t type, size_t bytes) {
  at[0] = static_cast<uint8_t>(0x80 | count);
  at[1] = type;
  base::store_be16(at + 2, static_cast<uint16_t>(bytes / 4 - 1));
}

void write_block(uint8_t* at, const ReportBlock& block) {
  base::store_be32(at, block.ssrc);
  at[4] = block.fraction_lost;
  base::store_be24(at + 5, static_cast<uint32_t>(block.cumulative_lost) & 0xffffff);
  base::store_be32(at + 8, block.extended_highest);
  base::store_be32(at + 12, block.jitter);
  base::store_be32(at + 16, block.last_sr);
  base::store_be32(at + 20, block.delay_last_sr);
}

ReportBlock read_block(const uint8_t* at) {
  ReportBlock block{};
  block.ssrc = base::load_be32(at);
  block.fraction_lost = at[4];
  const uint32_t lost = base::load_be24(at + 5);
  block.cumulative_lost = static_cast<int32_t>(lost ^ 0x800000) - 0x800000;
  block.extended_highest = base::load_be32(at + 8);
  block.jitter = base::load_be32(at + 12);
  block.last_sr = base::load_be32(at + 16);
  block.delay_last_sr = base::load_be32(at + 20);
  return block;
}

}  // namespace

size_t write_compound(const Compound& compound, uint8_t* out) {
  const size_t blocks = compound.report != nullptr ? 1 : 0;
  const size_t head = compound.sender ? 28 : 8;
  size_t at = head + blocks * kBlockBytes;
  write_common(out, static_cast<uint8_t>(blocks), compound.sender ? kSenderReport : kReceiverReport,
               at);
  base::store_be32(out + 4, compound.ssrc);
  if (compound.sender) {
    base::store_be32(out + 8, static_cast<uint32_t>(compound.ntp >> 32));
    base::store_be32(out + 12, static_cast<uint32_t>(compound.ntp));
    base::store_be32(out + 16, compound.rtp_timestamp);
    base::store_be32(out + 20, compound.packets);
    base::store_be32(out + 24, compound.octets);
  }
  if (blocks == 1) write_block(out + head, *compound.report);

  // SDES with the CNAME, item list ended by at least one null octet and padded to a word
  // (section 6.5).
  const size_t name = std::min<size_t>(compound.cname_bytes, kMaxCname);
  const size_t sdes = (4 + 4 + 2 + name + 1 + 3) / 4 * 4;
  std::memset(out + at, 0, sdes);
  write_common(out + at, 1, kSourceDescription, sdes);
  base::store_be32(out + at + 4, compound.ssrc);
  out[at + 8] = 1;
  out[at + 9] = static_cast<uint8_t>(name);
  std::memcpy(out + at + 10, compound.cname, name);
  at += sdes;

  if (compound.bye) {
    write_common(out + at, 1, kBye, 8);
    base::store_be32(out + at + 4, compound.ssrc);
    at += 8;
  }
  return at;
}

bool parse_compound(const uint8_t* bytes, size_t count, uint32_t our_ssrc, Incoming& out) {
  out = Incoming{};
  Incoming found{};
  bool first = true;
  size_t at = 0;
  while (at < count) {
    if (count - at < 4 || (bytes[at] >> 6) != 2) return false;
    const uint8_t type = bytes[at + 1];
    const size_t length = (static_cast<size_t>(base::load_be16(bytes + at + 2)) + 1) * 4;
    if (length > count - at) return false;
    // A compound starts with a report and only its last packet is padded (appendix A.2).
    if (first && type != kSenderReport && type != kReceiverReport) return false;
    if (first && (bytes[at] & 0x20) != 0 && length != count) return false;
    first = false;
    const size_t items = bytes[at] & 0x1f;
    if (type == kSenderReport || type == kReceiverReport) {
      const size_t head = type == kSenderReport ? 28 : 8;
      if (length < head + items * kBlockBytes) return false;
      if (type == kSenderReport) {
        found.has_sr = true;
        found.sr_ssrc = base::load_be32(bytes + at + 4);
        found.sr_ntp_middle = base::load_be32(bytes + at + 10);
      }
      for (size_t i = 0; i < items; i++) {
        const ReportBlock block = read_block(bytes + at + head + i * kBlockBytes);
        if (block.ssrc != our_ssrc) continue;
        found.has_report = true;
        found.report = block;
      }
    } else if (type == kBye) {
      if (length < 4 + items * 4) return false;
      found.bye = true;
    }
    at += length;
  }
  if (first) return false;
  out = found;
  return true;
}

int64_t round_trip(const ReportBlock& report, uint32_t now_ntp_middle) {
  if (report.last_sr == 0) return -1;
  const uint32_t span = now_ntp_middle - report.last_sr;
  if (span < report.delay_last_sr) return -1;
  const uint32_t trip = span - report.delay_last_sr;
  // More than a minute is a wrong clock, not a network.
  return trip > 60u * 65536u ? -1 : static_cast<int64_t>(trip);
}

}  // namespace rtp
