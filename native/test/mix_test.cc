#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "test/engine_tests.h"
#include "test/room.h"

using test::companded;
using test::Fixture;
using test::Frame;
using test::kFrame;
using test::noise;
using test::peak;
using test::Room;
using test::tone;

void mix_minus_one_exact(test::Context& t) {
  test::Random random(11);
  for (int round = 0; round < 12; round++) {
    const auto count = static_cast<size_t>(2 + random.below(10));
    Room room(count);
    std::vector<Frame> arriving(count);
    for (size_t i = 0; i < count; i++) {
      if (random.below(4) == 0) continue;  // a listener
      room.frames[i] = noise(random, 200 + random.below(3000));
      arriving[i] = companded(room.f, room.frames[i]);
    }
    room.run(30);
    room.forget();
    room.run(2);
    for (uint32_t i = 0; i < count; i++) {
      int32_t sum[kFrame] = {};
      for (size_t j = 0; j < count; j++) {
        if (j == i || arriving[j].empty()) continue;
        for (int k = 0; k < kFrame; k++) sum[k] += arriving[j][static_cast<size_t>(k)];
      }
      rtp::Packet packet{};
      EXPECT(t, room.f.sent(i, packet));
      EXPECT_EQUAL(t, packet.payload_bytes, 160u);
      int16_t expected[kFrame];
      bool limited = false;
      for (int k = 0; k < kFrame; k++) {
        limited = limited || sum[k] > 29000 || sum[k] < -29000;
        expected[k] = static_cast<int16_t>(std::clamp(sum[k], -32768, 32767));
      }
      if (limited) continue;  // the limiter has its own tests
      uint8_t codes[kFrame];
      room.f.context().kernels.encode_ulaw(codes, expected, kFrame);
      EXPECT(t, std::equal(codes, codes + kFrame, packet.payload));
    }
  }
}

void mix_gate_and_ramp(test::Context& t) {
  Room room(3);
  test::Random random(5);
  // -66 dBov of noise: an amplitude of 28 evenly spread has a mean square of 16 squared.
  room.frames[0] = noise(random, 28);
  room.frames[1] = noise(random, 28);
  room.run(50);
  EXPECT_EQUAL(t, peak(room.heard(2)), 0);
  EXPECT_EQUAL(t, room.f.context().count.frames_encoded, 0u);

  // Speech starts with full swing: heard within a tick, and the first samples are ramped.
  room.frames[0] = tone(400, 10000);
  room.forget();
  room.run(6);
  const std::vector<int16_t> pcm = room.heard(2);
  EXPECT(t, peak(pcm) > 9000);
  size_t onset = 0;
  while (onset < pcm.size() && pcm[onset] == 0) onset++;
  EXPECT(t, onset < 3 * kFrame);
  int first = 0;
  for (size_t i = onset; i < onset + 10 && i < pcm.size(); i++)
    first = std::max(first, std::abs(static_cast<int>(pcm[i])));
  EXPECT(t, first < 4000);

  // It stops: the hangover keeps the gate open for a while, then nothing is heard.
  room.frames[0] = noise(random, 28);
  room.run(40);
  room.forget();
  room.run(3);
  EXPECT_EQUAL(t, peak(room.heard(2)), 0);
}

void mix_leave_fades(test::Context& t) {
  for (int way = 0; way < 3; way++) {
    Room room(2);
    room.frames[0] = Frame(kFrame, 8000);  // a constant: any step is a click
    room.run(30);
    room.forget();
    if (way == 0) room.f.route(0, abi::RouteKind::idle);
    if (way == 1) room.f.route(0, abi::RouteKind::conference, Fixture::handle(0), true);
    if (way == 2) room.f.close_leg(0);
    room.run(4);
    const std::vector<int16_t> pcm = room.heard(1);
    EXPECT(t, pcm.size() >= 3 * kFrame);
    int step = 0;
    for (size_t i = 1; i < pcm.size(); i++) step = std::max(step, std::abs(pcm[i] - pcm[i - 1]));
    EXPECT_EQUAL(t, pcm.back(), 0);
    EXPECT(t, step < 700);  // companding alone steps by 256 at this level
    if (way == 2) {
      abi::LegClosedEvent closed{};
      EXPECT(t, room.f.event(closed));
      EXPECT_EQUAL(t, closed.leg, Fixture::handle(0));
    }
  }
}

void mix_shared_packet(test::Context& t) {
  Room room(6);
  test::Random random(9);
  room.frames[0] = noise(random, 3000);
  room.frames[1] = noise(random, 3000);
  room.run(30);
  room.forget();
  const uint64_t encoded = room.f.context().count.frames_encoded;
  room.run(1);
  // Two minus-one streams and one for the four others.
  EXPECT_EQUAL(t, room.f.context().count.frames_encoded - encoded, 3u);
  std::vector<uint8_t> payload;
  std::vector<uint32_t> sources;
  for (uint32_t i = 2; i < 6; i++) {
    rtp::Packet packet{};
    const net::SimDatagram* raw = nullptr;
    EXPECT(t, room.f.sent(i, packet, &raw));
    if (raw == nullptr) return;
    EXPECT_EQUAL(t, raw->data[0] & 0x0f, 2);
    EXPECT_EQUAL(t, packet.ssrc, 0xabc00000 + i);
    sources = {base::load_be32(raw->data.data() + 12), base::load_be32(raw->data.data() + 16)};
    std::sort(sources.begin(), sources.end());
    EXPECT_EQUAL(t, sources[0], 0x1000u);
    EXPECT_EQUAL(t, sources[1], 0x1001u);
    if (payload.empty()) payload.assign(packet.payload, packet.payload + packet.payload_bytes);
    EXPECT(t, std::equal(payload.begin(), payload.end(), packet.payload));
  }
  rtp::Packet packet{};
  const net::SimDatagram* raw = nullptr;
  EXPECT(t, room.f.sent(0, packet, &raw));
  EXPECT_EQUAL(t, raw->data[0] & 0x0f, 1);
  EXPECT_EQUAL(t, base::load_be32(raw->data.data() + 12), 0x1001u);
}

void mix_talk_pairs(test::Context& t) {
  for (int way = 0; way < 4; way++) {
    Room room(2);
    room.frames[0] = tone(500, 6000);
    room.run(20);
    abi::TalkingEvent talking{};
    EXPECT(t, room.f.event(talking));
    EXPECT_EQUAL(t, talking.talking, 1);
    EXPECT_EQUAL(t, talking.leg, Fixture::handle(0));
    if (way == 0) room.f.close_leg(0);
    if (way == 1) room.f.route(0, abi::RouteKind::idle);
    if (way == 2) room.frames[0].clear();
    if (way == 3) room.f.route(0, abi::RouteKind::conference, Fixture::handle(0), true);
    room.run(60);
    EXPECT(t, room.f.event(talking));
    EXPECT_EQUAL(t, talking.talking, 0);
    EXPECT(t, !room.f.event(talking));
  }
}
