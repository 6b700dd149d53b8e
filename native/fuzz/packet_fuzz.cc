// Any bytes as a datagram: what is found in RTP lies within it, and RTCP that was accepted says
// something that can be written again.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "rtp/header_extension.h"
#include "rtp/packet.h"
#include "rtp/rtcp.h"

namespace {

void demand(bool condition) {
  if (!condition) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // An own copy, so that one byte too far is seen.
  const std::vector<uint8_t> bytes(data, data + size);
  rtp::looks_like_rtcp(bytes.data(), bytes.size());
  rtp::Packet packet{};
  if (rtp::parse(bytes.data(), bytes.size(), packet)) {
    const size_t start = static_cast<size_t>(packet.payload - bytes.data());
    demand(start >= rtp::kHeaderBytes && start + packet.payload_bytes <= bytes.size());
    demand(packet.payload_type < 128);
    for (int id = 0; id < 256; id++) {
      uint8_t length = 0;
      const uint8_t* element = rtp::find_element(packet, static_cast<uint8_t>(id), length);
      demand(element == nullptr || (element >= bytes.data() && element + length <= packet.payload));
    }
    uint8_t levels[rtp::kMaxCsrc];
    demand(rtp::read_contributor_levels(packet, 2, levels) <= packet.csrc_count);
    uint8_t header[rtp::kHeaderBytes];
    rtp::write_header(header, {packet.timestamp, packet.ssrc, packet.sequence, packet.payload_type,
                               static_cast<uint8_t>(bytes[0] & 0x0f), packet.marker});
    demand(std::memcmp(header + 1, bytes.data() + 1, sizeof header - 1) == 0);
  }
  rtp::Incoming incoming{};
  const uint32_t ours = size >= 4 ? base::load_be32(data + size - 4) : 0;
  if (rtp::parse_compound(bytes.data(), bytes.size(), ours, incoming)) {
    demand(incoming.has_report || incoming.report.ssrc == 0);
    if (incoming.has_report) rtp::round_trip(incoming.report, incoming.sr_ntp_middle);
  }
  return 0;
}
