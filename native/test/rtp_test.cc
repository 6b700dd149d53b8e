#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "rtp/packet.h"
#include "rtp/rtcp.h"
#include "rtp/stream_stats.h"
#include "rtp/telephone_event.h"
#include "test/engine_tests.h"

void rtp_parse_bounds(test::Context& t) {
  rtp::Packet packet{};
  uint8_t bytes[1600] = {0x80, 0};
  EXPECT(t, !rtp::parse(bytes, 0, packet));
  EXPECT(t, !rtp::parse(bytes, 11, packet));
  EXPECT(t, rtp::parse(bytes, 12, packet));
  EXPECT_EQUAL(t, packet.payload_bytes, 0u);
  EXPECT(t, !rtp::parse(bytes, 1501, packet));
  bytes[0] = 0x40;
  EXPECT(t, !rtp::parse(bytes, 172, packet));
  bytes[0] = 0x8f;  // 15 CSRC: 60 bytes more
  EXPECT(t, !rtp::parse(bytes, 71, packet));
  EXPECT(t, rtp::parse(bytes, 72, packet));
  bytes[0] = 0x90;  // extension of 0xffff words
  bytes[14] = bytes[15] = 0xff;
  EXPECT(t, !rtp::parse(bytes, 15, packet));
  EXPECT(t, !rtp::parse(bytes, 1500, packet));
  bytes[14] = 0;
  bytes[15] = 2;
  EXPECT(t, rtp::parse(bytes, 24, packet));
  EXPECT(t, !rtp::parse(bytes, 23, packet));
  bytes[0] = 0xa0;  // padding
  bytes[171] = 0;
  EXPECT(t, !rtp::parse(bytes, 172, packet));
  bytes[171] = 161;
  EXPECT(t, !rtp::parse(bytes, 172, packet));
  bytes[171] = 160;
  EXPECT(t, rtp::parse(bytes, 172, packet));
  EXPECT_EQUAL(t, packet.payload_bytes, 0u);
}

void rtp_stats_wrap(test::Context& t) {
  rtp::StreamStats stats;
  uint16_t sequence = 65500;
  uint32_t timestamp = 0xffffff00;
  uint64_t lost = 0;
  for (int i = 0; i < 200; i++) {
    if (i % 10 == 5) {
      lost++;
    } else {
      stats.on_packet(1, sequence, timestamp, timestamp + 77);
    }
    sequence++;
    timestamp += 160;
  }
  EXPECT(t, sequence < 1000);  // it wrapped
  EXPECT_EQUAL(t, stats.lost(), lost);
  EXPECT_EQUAL(t, stats.received(), 180u);
  EXPECT_EQUAL(t, stats.jitter_units(), 0u);
  const rtp::StreamStats::Report report = stats.make_report();
  EXPECT_EQUAL(t, report.cumulative_lost, 20);
  EXPECT_EQUAL(t, report.fraction_lost, 25);
  EXPECT_EQUAL(t, stats.make_report().fraction_lost, 0);
}

void rtp_stats_restart(test::Context& t) {
  rtp::StreamStats stats;
  for (uint16_t i = 0; i < 10; i++) {
    if (i != 4) stats.on_packet(1, i, i * 160u, i * 160u);
  }
  // One stray packet is ignored, two in order are a new start.
  stats.on_packet(1, 30000, 0, 0);
  EXPECT_EQUAL(t, stats.received(), 9u);
  stats.on_packet(1, 30001, 160, 160);
  stats.on_packet(2, 5, 0, 0);
  EXPECT_EQUAL(t, stats.received(), 11u);
  EXPECT_EQUAL(t, stats.lost(), 1u);
}

void rtcp_round_trip(test::Context& t) {
  rtp::ReportBlock block{};
  block.ssrc = 0x2222;
  block.extended_highest = 70000;
  block.jitter = 33;
  block.last_sr = 0x00010000;
  block.delay_last_sr = 0x8000;
  block.cumulative_lost = -5;
  block.fraction_lost = 12;
  const uint8_t name[] = "somebody@example";
  rtp::Compound out{};
  out.ssrc = 0x1111;
  out.sender = true;
  out.ntp = 0x0123456789abcdef;
  out.report = &block;
  out.cname = name;
  for (uint8_t length = 0; length <= 16; length++) {
    out.cname_bytes = length;
    out.bye = length % 2 == 0;
    uint8_t bytes[rtp::kMaxRtcpBytes];
    const size_t count = rtp::write_compound(out, bytes);
    EXPECT_EQUAL(t, count % 4, 0u);
    rtp::Incoming in;
    EXPECT(t, rtp::parse_compound(bytes, count, 0x2222, in));
    EXPECT(t, in.has_sr && in.has_report);
    EXPECT_EQUAL(t, in.bye, out.bye);
    EXPECT_EQUAL(t, in.sr_ntp_middle, 0x456789abu);
    EXPECT_EQUAL(t, in.report.cumulative_lost, -5);
    EXPECT_EQUAL(t, in.report.extended_highest, 70000u);
    for (size_t cut = 1; cut < count; cut++) {
      rtp::parse_compound(bytes, cut, 0x2222, in);  // must only not read beyond
    }
  }
  EXPECT_EQUAL(t, rtp::round_trip(block, 0x0001a000), 0x2000);
  EXPECT_EQUAL(t, rtp::round_trip(block, 0x00010100), -1);
}

void rtcp_hostile(test::Context& t) {
  rtp::Incoming in;
  const uint8_t starts_with_sdes[] = {0x80, 202, 0, 0};
  EXPECT(t, !rtp::parse_compound(starts_with_sdes, 4, 1, in));
  const uint8_t too_many_blocks[] = {0x9f, 201, 0, 1, 0, 0, 0, 1};
  EXPECT(t, !rtp::parse_compound(too_many_blocks, 8, 1, in));
  const uint8_t too_long[] = {0x80, 201, 0xff, 0xff, 0, 0, 0, 1};
  EXPECT(t, !rtp::parse_compound(too_long, 8, 1, in));
  EXPECT(t, !rtp::parse_compound(too_long, 0, 1, in));
  test::Random random(3);
  uint8_t bytes[200];
  for (int round = 0; round < 20000; round++) {
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next());
    bytes[0] = static_cast<uint8_t>(0x80 | (bytes[0] & 0x3f));
    bytes[1] = static_cast<uint8_t>(200 + bytes[1] % 5);
    bytes[2] = 0;
    rtp::parse_compound(bytes, static_cast<size_t>(random.below(200)), 1, in);
  }
}

namespace {

struct Events {
  rtp::EventReceiver receiver;
  int64_t now = 1'000'000'000;
  rtp::ReceivedDigit last{};

  bool packet(uint32_t timestamp, uint8_t event, bool end, uint16_t duration) {
    uint8_t payload[4] = {event, static_cast<uint8_t>(end ? 0x8a : 0x0a)};
    base::store_be16(payload + 2, duration);
    now += 20'000'000;
    return receiver.on_packet(timestamp, payload, 4, now, last);
  }
  bool wait(int64_t ms) {
    now += ms * 1'000'000;
    return receiver.on_tick(now, last);
  }
};

}  // namespace

void event_receiver(test::Context& t) {
  Events e;
  // Whole press with repeated ends: one digit, at the first end.
  EXPECT(t, !e.packet(1000, 5, false, 160));
  EXPECT(t, e.receiver.active());
  EXPECT(t, e.packet(1000, 5, true, 800));
  EXPECT_EQUAL(t, e.last.duration_units, 800u);
  EXPECT(t, !e.packet(1000, 5, true, 800));
  EXPECT(t, !e.wait(500));
  // Every end lost: the next press ends it.
  EXPECT(t, !e.packet(3000, 6, false, 160));
  EXPECT(t, e.packet(5000, 6, false, 160));
  EXPECT_EQUAL(t, e.last.event, 6);
  // Every end lost and nothing follows: the timeout ends it, once.
  EXPECT(t, !e.wait(90));
  EXPECT(t, e.wait(20));
  EXPECT(t, !e.wait(200));
  // Only an end arrives.
  EXPECT(t, e.packet(9000, 11, true, 320));
  EXPECT_EQUAL(t, e.last.event, 11);
  // A packet of an earlier press overtaken by a later one.
  EXPECT(t, !e.packet(5000, 6, true, 800));
  // Events that are no digits, and payloads too short.
  EXPECT(t, !e.packet(12000, 16, true, 320));
  const uint8_t shorter[3] = {1, 0x80, 0};
  EXPECT(t, !e.receiver.on_packet(13000, shorter, 3, e.now, e.last));
  // A press longer than 65535 units is one digit (RFC 4733 section 2.5.1.3).
  EXPECT(t, !e.packet(20000, 1, false, 0xffff));
  EXPECT(t, !e.packet(20000 + 0xffff, 1, false, 1000));
  EXPECT(t, e.packet(20000 + 0xffff, 1, true, 2000));
  EXPECT_EQUAL(t, e.last.duration_units, 0xffffu + 2000u);
  // Time stamps wrap.
  EXPECT(t, e.packet(0xffffffff, 2, true, 800));
  EXPECT(t, e.packet(400, 3, true, 800));
}

void event_sender(test::Context& t) {
  rtp::EventSender sender;
  for (uint8_t i = 0; i < rtp::EventSender::kQueue; i++) EXPECT(t, sender.queue(i % 16, 100));
  EXPECT(t, !sender.queue(1, 100));
  rtp::EventPacket packet;
  uint32_t timestamp = 0;
  int packets = 0;
  int ends = 0;
  int markers = 0;
  int digits = 0;
  for (int tick = 0; tick < 1000 && !sender.idle(); tick++, timestamp += 160) {
    if (sender.next(timestamp, 160, 20, packet)) {
      packets++;
      if (packet.marker) markers++;
      if ((packet.payload[1] & 0x80) != 0) {
        ends++;
        EXPECT_EQUAL(t, base::load_be16(packet.payload + 2), 800);
      }
    }
    digits += static_cast<int>(sender.take_finished());
  }
  EXPECT_EQUAL(t, digits, 32);
  EXPECT_EQUAL(t, markers, 32);
  EXPECT_EQUAL(t, ends, 96);
  EXPECT_EQUAL(t, packets, 32 * 7);  // four on the way, three ends
}
