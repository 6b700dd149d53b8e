// Aim: what a leg borrows comes back, and only legs that need it borrow it.
#include "engine/codec_memory.h"
#include "test/engine_fixture.h"
#include "test/engine_tests.h"

using test::Fixture;
using test::Peer;

namespace {

constexpr uint32_t kLegs = 12;
constexpr uint32_t kContributors = 3;

uint32_t encoders_in_use(Fixture& f) {
  return f.context().encoders[0].in_use() + f.context().encoders[1].in_use();
}

void close_all(Fixture& f) {
  for (uint32_t i = 0; i < kLegs; i++) f.close_leg(i);
  f.periods(3);
}

}  // namespace

void memory_of_codecs(test::Context& t) {
  Fixture f;
  engine::Context& context = f.context();
  for (uint32_t i = 0; i < kLegs; i++) {
    f.open_leg(i);
    f.configure(i, i == 0 ? 40 : 20, abi::Direction::sendrecv,
                i < 4 ? abi::CodecKind::pcmu : abi::CodecKind::opus);
  }
  f.periods(1);
  EXPECT_EQUAL(t, context.playout_memory[0].in_use(), 4u);
  EXPECT_EQUAL(t, context.decoders[1].in_use(), kLegs - 4);
  EXPECT_EQUAL(t, context.decoders[0].in_use(), 0u);
  // Alone, each that needs an encoder has its own.
  EXPECT_EQUAL(t, encoders_in_use(f), kLegs - 4);
  EXPECT_EQUAL(t, context.held_payloads.in_use(), 1u);
  abi::OpenConferenceCommand open{};
  open.conference = Fixture::handle(0);
  open.contributors = kContributors;
  f.command(open);
  for (uint32_t i = 0; i < kLegs; i++) {
    f.route(i, abi::RouteKind::conference, Fixture::handle(0));
  }
  f.periods(3);
  // Together, one for all who listen.
  EXPECT_EQUAL(t, encoders_in_use(f), 0u);
  // Who may speak finds memory that is there already.
  const uint32_t there = context.encoders[1].touched();
  std::vector<Peer> peers;
  for (uint32_t i = 0; i < 4; i++) peers.push_back(Fixture::peer_of(i));
  int16_t loud[160];
  for (int i = 0; i < 160; i++) loud[i] = static_cast<int16_t>(i / 10 % 2 == 0 ? 9000 : -9000);
  for (int n = 0; n < 20; n++) {
    f.period([&] {
      for (uint32_t i = 0; i < 4; i++) f.send_frame(i, peers[i], loud);
    });
  }
  abi::PlayCommand play{};
  play.leg = Fixture::handle(7);
  play.playback = 1;
  play.list_offset = 32768;
  play.count = 1;
  play.loop = 1;
  play.gain = 1;
  const uint32_t piece[2] = {64, 16000};
  std::memcpy(f.prompts() + 32768, piece, sizeof piece);
  f.command(play);
  f.periods(2);
  // A prompt of its own.
  EXPECT_EQUAL(t, encoders_in_use(f), 1u);
  abi::StopPlayingCommand stop{};
  stop.leg = play.leg;
  f.command(stop);
  f.periods(2);
  EXPECT_EQUAL(t, encoders_in_use(f), 0u);
  EXPECT_EQUAL(t, context.encoders[1].touched(), there);
  close_all(f);
  EXPECT_EQUAL(t, encoders_in_use(f), 0u);
  EXPECT_EQUAL(t, context.held_payloads.in_use(), 0u);
  for (const base::Pool& pool : context.playout_memory) EXPECT_EQUAL(t, pool.in_use(), 0u);
  for (const base::Pool& pool : context.decoders) EXPECT_EQUAL(t, pool.in_use(), 0u);
  EXPECT_EQUAL(t, context.encoders_reserved[1], 0u);
}

void memory_follows_codec(test::Context& t) {
  Fixture f;
  engine::Context& context = f.context();
  constexpr abi::CodecKind kKinds[] = {abi::CodecKind::opus, abi::CodecKind::pcmu,
                                       abi::CodecKind::g722, abi::CodecKind::l16,
                                       abi::CodecKind::opus};
  f.open_leg(0);
  uint16_t sequence = 0;
  for (int round = 0; round < 10; round++) {
    const abi::CodecKind kind = kKinds[round % 5];
    f.configure(0, round % 2 == 0 ? 20 : 10, abi::Direction::sendrecv, kind);
    Peer peer = Fixture::peer_of(0);
    peer.sequence = sequence;
    uint8_t payload[40] = {0x08};
    for (int n = 0; n < 3; n++) {
      f.period([&] { f.send(0, peer, Fixture::type_of(kind), payload, sizeof payload, 160); });
    }
    sequence = peer.sequence;
    uint32_t playouts = 0;
    for (const base::Pool& pool : context.playout_memory) playouts += pool.in_use();
    EXPECT_EQUAL(t, playouts, 1u);
    EXPECT(t, encoders_in_use(f) <= 1);
    EXPECT(t, context.decoders[0].in_use() + context.decoders[1].in_use() <= 1);
    EXPECT_EQUAL(t, context.held_payloads.in_use(), round % 2 == 0 ? 0u : 1u);
  }
  f.close_leg(0);
  f.periods(2);
  EXPECT_EQUAL(t, encoders_in_use(f), 0u);
}
