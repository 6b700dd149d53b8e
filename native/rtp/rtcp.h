// RTCP of a two-party session (RFC 3550 section 6): one compound packet out (SR or RR, SDES with
// CNAME, BYE at the end), and what we need from compounds that come in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rtp {

inline constexpr size_t kMaxRtcpBytes = 256;

struct ReportBlock {
  uint32_t ssrc;
  uint32_t extended_highest;
  uint32_t jitter;
  uint32_t last_sr;        // middle 32 bits of the NTP time of the last SR from this source
  uint32_t delay_last_sr;  // since then, in 1/65536 s
  int32_t cumulative_lost;
  uint8_t fraction_lost;
};

struct Compound {
  uint32_t ssrc;
  /** Present makes it an SR. */
  bool sender;
  uint64_t ntp;  // 32.32 seconds since 1900
  uint32_t rtp_timestamp;
  uint32_t packets;
  uint32_t octets;
  const ReportBlock* report;  // may be null
  const uint8_t* cname;
  uint8_t cname_bytes;
  bool bye;
};

/** Writes into `out` of at least kMaxRtcpBytes; returns the length. */
size_t write_compound(const Compound& compound, uint8_t* out);

struct Incoming {
  bool has_sr;
  uint32_t sr_ssrc;
  uint32_t sr_ntp_middle;
  bool has_report;  // a block about `our_ssrc`
  ReportBlock report;
  bool bye;
};

/** False when the compound is malformed (RFC 3550 appendix A.2); `out` then holds nothing. */
bool parse_compound(const uint8_t* bytes, size_t count, uint32_t our_ssrc, Incoming& out);

/** Round trip from a block about us, in 1/65536 s; negative when it does not apply. */
int64_t round_trip(const ReportBlock& report, uint32_t now_ntp_middle);

}  // namespace rtp
