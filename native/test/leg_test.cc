#include <algorithm>
#include <cstdlib>
#include <vector>

#include "engine/run_loop.h"
#include "test/engine_fixture.h"
#include "test/engine_tests.h"

namespace {

using test::Fixture;
using test::Peer;

constexpr int16_t kLoud[160] = {3000, -3000, 3000, -3000, 3000, -3000};

}  // namespace

void leg_line_wraps(test::Context& t) {
  Fixture f;
  Peer peer = f.connect(0);
  f.route(0, abi::RouteKind::echo);
  rtp::Packet last{};
  int packets = 0;
  bool wrapped = false;
  for (int n = 0; n < 100; n++) {
    // The peer pauses in between; we never do.
    f.period([&] {
      if (n < 30 || n > 60) f.send_frame(0, peer, kLoud);
    });
    rtp::Packet packet{};
    while (f.sent(0, packet)) {
      if (packets > 0) {
        EXPECT_EQUAL(t, static_cast<uint16_t>(packet.sequence - last.sequence), 1);
        EXPECT_EQUAL(t, packet.timestamp - last.timestamp, 160u);
        EXPECT(t, !packet.marker);
        wrapped = wrapped || packet.timestamp < last.timestamp;
      }
      EXPECT_EQUAL(t, packet.ssrc, 0xabc00000u);
      last = packet;
      packets++;
    }
  }
  EXPECT(t, wrapped);
  EXPECT_BETWEEN(t, packets, 98, 100);
  f.close_leg(0);
  f.periods(1);
  abi::LegClosedEvent closed{};
  EXPECT(t, f.event(closed));
  const abi::LegRecord record = f.statistics(0);
  EXPECT_EQUAL(t, record.packets_sent, static_cast<double>(packets));
  EXPECT_EQUAL(t, record.packets_received, 69.0);
  // BYE on the RTCP socket, next to the signalled port.
  const net::SimDatagram* rtcp = f.link.sent(1);
  const net::SimDatagram* bye = rtcp;
  uint8_t last_type = 0;
  while (bye != nullptr) {
    EXPECT_EQUAL(t, bye->address.port, 4001);
    last_type = bye->data[bye->bytes - 7u];
    bye = f.link.sent(1);
  }
  EXPECT_EQUAL(t, last_type, 203);
}

void leg_latching(test::Context& t) {
  Fixture f;
  Peer peer = f.connect(0);
  Peer stranger = peer;
  stranger.address = test::address_of(99, 9999);
  stranger.ssrc = 0x666;
  f.period([] {});
  // A stranger is refused at first, while nobody is heard.
  f.period([&] { f.send_frame(0, stranger, kLoud); });
  EXPECT(t, !f.link.connected(0));
  EXPECT_EQUAL(t, f.context().count.packets_foreign, 1u);
  // The signalled address is believed at once.
  f.period([&] { f.send_frame(0, peer, kLoud); });
  EXPECT(t, f.link.connected(0));
  abi::ReceivingEvent receiving{};
  EXPECT(t, f.event(receiving));
  EXPECT_EQUAL(t, receiving.port, 4000);
  // A running stream: the kernel drops everybody else.
  for (int n = 0; n < 20; n++) {
    f.period([&] {
      f.send_frame(0, peer, kLoud);
      EXPECT(t, !f.send_frame(0, stranger, kLoud));
    });
  }
  // The peer moves (its translator gave it a new port): after a silence, and several packets in a
  // row.
  f.periods(100);
  EXPECT(t, !f.link.connected(0));
  Peer moved = peer;
  moved.address.port = 5555;
  f.period([&] { f.send_frame(0, moved, kLoud); });
  f.period([&] { f.send_frame(0, stranger, kLoud); });
  EXPECT(t, !f.link.connected(0));
  for (int n = 0; n < 3; n++) f.period([&] { f.send_frame(0, moved, kLoud); });
  EXPECT(t, f.event(receiving));
  EXPECT_EQUAL(t, receiving.port, 5555);
  // In between two of its packets a stranger has room for any number, which count for nothing.
  f.period([&] {
    f.send_frame(0, moved, kLoud);
    for (int n = 0; n < 5; n++) f.send_frame(0, stranger, kLoud);
  });
  EXPECT(t, !f.event(receiving));
  // Nor while a phone that suppresses silence says nothing, until it must be gone.
  f.periods(100);
  for (int n = 0; n < 5; n++) f.period([&] { f.send_frame(0, stranger, kLoud); });
  EXPECT(t, !f.event(receiving));
  f.periods(500);
  for (int n = 0; n < 5; n++) f.period([&] { f.send_frame(0, stranger, kLoud); });
  EXPECT(t, f.event(receiving));
  EXPECT_EQUAL(t, receiving.port, 9999);
  // Whom signalling named takes its place back at once.
  f.period([&] { f.send_frame(0, peer, kLoud); });
  EXPECT(t, f.event(receiving));
  EXPECT_EQUAL(t, receiving.port, 4000);
  EXPECT(t, f.link.connected(0));
  f.periods(50);
  EXPECT_EQUAL(t, f.statistics(0).source_changes, 3.0);
  // Strangers queued in the socket before it was connected are still refused.
  f.configure(0);
  f.period([] {});
}

void leg_ptime(test::Context& t) {
  for (const int ptime : {10, 20, 30, 40, 60}) {
    Fixture f;
    f.open_leg(0);
    f.configure(0, static_cast<uint8_t>(ptime));
    f.periods(60);
    rtp::Packet packet{};
    rtp::Packet last{};
    int packets = 0;
    uint32_t bytes = 0;
    while (f.sent(0, packet)) {
      EXPECT_EQUAL(t, packet.payload_bytes, static_cast<uint32_t>(ptime * 8));
      if (packets > 0) {
        EXPECT_EQUAL(t, packet.timestamp - last.timestamp, static_cast<uint32_t>(ptime * 8));
        EXPECT_EQUAL(t, static_cast<uint16_t>(packet.sequence - last.sequence), 1);
      }
      last = packet;
      packets++;
      bytes += packet.payload_bytes;
    }
    // SimLink keeps the last 64 datagrams.
    if (ptime > 10) EXPECT_BETWEEN(t, bytes, 57 * 160, 60 * 160);
    EXPECT(t, packets > 0);
  }
}

void leg_hold(test::Context& t) {
  Fixture f;
  Peer peer = f.connect(0);
  f.route(0, abi::RouteKind::echo);
  for (int n = 0; n < 10; n++) f.period([&] { f.send_frame(0, peer, kLoud); });
  f.configure(0, 20, abi::Direction::recvonly);
  f.period([] {});
  f.drop_sent(0);
  for (int n = 0; n < 10; n++) f.period([&] { f.send_frame(0, peer, kLoud); });
  rtp::Packet packet{};
  EXPECT(t, !f.sent(0, packet));
  f.configure(0, 20, abi::Direction::sendrecv);
  f.periods(5);
  EXPECT(t, f.sent(0, packet));
  EXPECT(t, packet.marker);
  rtp::Packet next{};
  EXPECT(t, f.sent(0, next));
  EXPECT(t, !next.marker);
  EXPECT_EQUAL(t, next.timestamp - packet.timestamp, 160u);
}

void leg_stall(test::Context& t) {
  Fixture f;
  Peer peer = f.connect(0);
  f.periods(10);
  f.drop_sent(0);
  // 40 ms late: made up for. A second late: left out, the time line goes on.
  const uint32_t before = f.context().legs[0].out.timestamp;
  f.engine().skip_phases(500);
  f.now += 1'000'000'000;
  f.periods(1);
  rtp::Packet packet{};
  int packets = 0;
  while (f.sent(0, packet)) packets++;
  EXPECT_EQUAL(t, packets, 1);
  EXPECT_EQUAL(t, packet.timestamp - before, 51u * 160u);
  EXPECT_EQUAL(t, f.context().count.ticks_skipped, 500u);
  (void)peer;
}

void leg_prompts(test::Context& t) {
  Fixture f;
  f.connect(0);
  f.periods(2);
  // Two prompts of odd lengths at offsets 64 and 4096, their list at 32768.
  auto* first = reinterpret_cast<int16_t*>(f.prompts() + 64);
  auto* second = reinterpret_cast<int16_t*>(f.prompts() + 4096);
  for (int i = 0; i < 333; i++) first[i] = 8031;
  for (int i = 0; i < 777; i++) second[i] = -8031;
  const uint32_t list[4] = {64, 333, 4096, 777};
  std::memcpy(f.prompts() + 32768, list, sizeof list);
  abi::PlayCommand play{};
  play.leg = Fixture::handle(0);
  play.playback = 42;
  play.list_offset = 32768;
  play.count = 2;
  play.gain = 1.0f;
  f.drop_sent(0);
  f.command(play);
  f.periods(10);
  std::vector<int16_t> pcm;
  rtp::Packet packet{};
  while (f.sent(0, packet)) {
    int16_t frame[160];
    f.decode(packet, frame);
    pcm.insert(pcm.end(), frame, frame + 160);
  }
  const auto positive = std::count_if(pcm.begin(), pcm.end(), [](int16_t s) { return s > 7000; });
  const auto negative = std::count_if(pcm.begin(), pcm.end(), [](int16_t s) { return s < -7000; });
  EXPECT_EQUAL(t, positive, 333);
  EXPECT_EQUAL(t, negative, 777);
  const auto start = std::find_if(pcm.begin(), pcm.end(), [](int16_t s) { return s != 0; });
  EXPECT(t, std::all_of(start, start + 1110, [](int16_t s) { return s > 7000 || s < -7000; }));
  abi::PlayFinishedEvent finished{};
  EXPECT(t, f.event(finished));
  EXPECT_EQUAL(t, finished.playback, 42u);
  EXPECT_EQUAL(t, finished.end, static_cast<uint8_t>(abi::PlayEnd::played));
  // A list outside the arena, or of nothing, ends at once instead of reading anything.
  play.list_offset = 0xfffffff0;
  f.command(play);
  f.periods(2);
  EXPECT(t, f.event(finished));
  play.list_offset = 32768;
  play.count = 0;
  play.loop = 1;
  f.command(play);
  f.periods(2);
  EXPECT(t, f.event(finished));
}

void leg_recording_gap(test::Context& t) {
  Fixture f;
  Peer peer = f.connect(0);
  abi::StartRecordingCommand start{};
  start.leg = Fixture::handle(0);
  start.ring = 1;
  start.rate_hz = 8000;
  f.command(start);
  // 64 KiB hold 199 frames of 328 bytes; nobody reads for 250, then the reader empties the ring.
  for (int n = 0; n < 250; n++) f.period([&] { f.send_frame(0, peer, kLoud); });
  auto* words = reinterpret_cast<uint32_t*>(f.recording(1));
  const uint32_t write = words[0];
  EXPECT_EQUAL(t, write / 328 * 328, write);
  const uint32_t frames = write / 328;
  words[16] = write;
  f.periods(2);
  uint32_t head[2];
  std::memcpy(head, f.recording(1) + abi::kRecordRingHeaderBytes + write % 65536, sizeof head);
  EXPECT_EQUAL(t, head[0], 160u);
  EXPECT_BETWEEN(t, frames + head[1] / 160, 248, 251);
  abi::StopRecordingCommand stop{};
  stop.leg = Fixture::handle(0);
  stop.ring = 1;
  f.command(stop);
  f.periods(1);
  abi::RecordingEndedEvent ended{};
  EXPECT(t, f.event(ended));
  EXPECT_EQUAL(t, ended.ring, 1u);
}

void leg_silence_event(test::Context& t) {
  Fixture f;
  abi::OpenLegCommand open{};
  open.leg = Fixture::handle(3);
  open.rtp_fd = 6;
  open.rtcp_fd = 7;
  open.silence_timeout_ms = 1000;
  f.command(open);
  f.configure(3);
  f.periods(45);
  abi::SilentEvent silent{};
  EXPECT(t, !f.event(silent));
  f.periods(20);
  EXPECT(t, f.event(silent));
  f.periods(100);
  EXPECT(t, !f.event(silent));
  Peer peer = Fixture::peer_of(3);
  f.period([&] { f.send_frame(3, peer, kLoud); });
  f.periods(70);
  EXPECT(t, f.event(silent));
}

void leg_unheard_peer(test::Context& t) {
  const auto packets_of = [](Fixture& f, uint32_t index) {
    int packets = 0;
    rtp::Packet packet{};
    while (f.sent(index, packet)) packets++;
    return packets;
  };
  const uint8_t report[] = {0x80, 201, 0, 1, 0, 0, 0,   9,   0x81, 202, 0, 3,
                            0,    0,   0, 9, 1, 2, 'a', 'b', 0,    0,   0, 0};
  for (const auto direction : {abi::Direction::sendrecv, abi::Direction::sendonly}) {
    Fixture f;
    abi::OpenLegCommand open{};
    open.leg = Fixture::handle(0);
    open.rtcp_fd = 1;
    open.unheard_limit_ms = 1000;
    f.command(open);
    f.configure(0, 20, direction);
    Peer peer = Fixture::peer_of(0);
    f.periods(40);
    f.drop_sent(0);
    // Another address, as of a re-INVITE, gets what is left, no more: 50 packets in all.
    f.context().legs[0].latch.signalled.port = 1;
    f.configure(0, 20, direction);
    f.periods(20);
    EXPECT_EQUAL(t, f.context().legs[0].out.packets, 50u);
    f.drop_sent(0);
    abi::UnheardEvent unheard{};
    EXPECT(t, f.event(unheard));
    while (f.link.sent(1) != nullptr) {
    }
    f.periods(1000);
    EXPECT_EQUAL(t, packets_of(f, 0), 0);
    EXPECT(t, f.link.sent(1) == nullptr);
    EXPECT_BETWEEN(t, f.context().count.packets_unheard, 1008, 1010);
    EXPECT(t, !f.event(unheard));
    if (direction == abi::Direction::sendrecv) {
      // A stranger opens nothing; the first packet from there opens at once.
      Peer stranger = peer;
      stranger.address = test::address_of(99, 9999);
      f.period([&] { f.send_frame(0, stranger, kLoud); });
      EXPECT_EQUAL(t, packets_of(f, 0), 0);
      f.period([&] { f.send_frame(0, peer, kLoud); });
      EXPECT_EQUAL(t, packets_of(f, 0), 1);
    } else {
      // One that only listens, or holds us, sends reports (RFC 3550 section 6.4.2).
      net::Address beside = peer.address;
      beside.port++;
      f.link.deliver(1, beside, report, sizeof report);
      f.periods(32);
      EXPECT(t, packets_of(f, 0) >= 1);
    }
    // For as long as the call lasts, whatever the peer does then.
    const uint64_t dropped = f.context().count.packets_unheard;
    f.drop_sent(0);
    f.periods(1000);
    f.drop_sent(0);
    f.periods(10);
    EXPECT_EQUAL(t, packets_of(f, 0), 10);
    EXPECT_EQUAL(t, f.context().count.packets_unheard, dropped);
  }
  // Reports on the RTP port count from the host that we send to only.
  Fixture f;
  abi::OpenLegCommand open{};
  open.leg = Fixture::handle(0);
  open.rtcp_fd = 1;
  open.unheard_limit_ms = 100;
  f.command(open);
  f.configure(0);
  f.period([] {});
  f.context().legs[0].rtcp.mux = true;
  f.periods(20);
  f.drop_sent(0);
  f.period([&] { f.deliver(0, test::address_of(99, 9999), report, sizeof report); });
  f.periods(2);
  EXPECT_EQUAL(t, packets_of(f, 0), 0);
  f.period([&] { f.deliver(0, test::address_of(1, 4999), report, sizeof report); });
  f.periods(2);
  EXPECT(t, packets_of(f, 0) >= 2);
}

void relay_passes_packets(test::Context& t) {
  Fixture f;
  Peer a = f.connect(0);
  f.connect(1);
  f.route(0, abi::RouteKind::relay, Fixture::handle(1));
  f.periods(5);
  f.drop_sent(1);
  int forwarded = 0;
  rtp::Packet last{};
  bool has_last = false;
  for (int n = 0; n < 60; n++) {
    // A pause of the sender in the middle, with a jump of its numbers after it.
    if (n == 40) a.timestamp += 400000;
    f.period([&] {
      if (n < 20 || n >= 40) f.send_frame(0, a, kLoud);
    });
    rtp::Packet packet{};
    while (f.sent(1, packet)) {
      if (has_last) {
        EXPECT_EQUAL(t, static_cast<uint16_t>(packet.sequence - last.sequence), 1);
        const uint32_t step = packet.timestamp - last.timestamp;
        EXPECT(t, step >= 160 && step <= 5 * 160);
      }
      int16_t frame[160];
      f.decode(packet, frame);
      if (std::abs(frame[0]) > 2000) forwarded++;
      EXPECT_EQUAL(t, packet.ssrc, 0xabc00001u);
      last = packet;
      has_last = true;
    }
  }
  EXPECT_EQUAL(t, forwarded, 40);
  // Digits of the caller are told, and do not pass.
  f.drop_sent(1);
  for (int n = 0; n < 5; n++) f.period([&] { f.send_event(0, a, a.timestamp, 7, n >= 2, 480); });
  abi::DigitEvent digit{};
  EXPECT(t, f.event(digit));
  EXPECT_EQUAL(t, digit.digit, 7);
  EXPECT_EQUAL(t, digit.duration_ms, 60u);
  EXPECT(t, !f.event(digit));
  rtp::Packet packet{};
  while (f.sent(1, packet)) EXPECT_EQUAL(t, packet.payload_type, 0);
  // One end closed: the other goes on alone.
  f.close_leg(0);
  f.periods(5);
  f.drop_sent(1);
  f.periods(5);
  EXPECT(t, f.sent(1, packet));
  EXPECT_EQUAL(t, f.context().relay_count, 0u);
}
