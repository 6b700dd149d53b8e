#include <cstdlib>
#include <vector>

#include "test/engine_fixture.h"
#include "test/engine_tests.h"

namespace {

using test::Fixture;
using test::Peer;

/** One random command about one of a few legs and conferences, often about ones that are not there.
 */
void random_command(Fixture& f, test::Random& random, std::vector<uint32_t>& generation) {
  const auto index = static_cast<uint32_t>(random.below(12));
  const uint32_t current = generation[index];
  const auto conference = static_cast<uint32_t>(random.below(3));
  switch (random.below(12)) {
    case 0:
    case 1:
      f.open_leg(index, current);
      break;
    case 2:
    case 3:
      f.configure(index, static_cast<uint8_t>(random.below(70)),
                  static_cast<abi::Direction>(random.below(4)),
                  random.below(2) == 0 ? abi::CodecKind::pcmu : abi::CodecKind::pcma, current);
      break;
    case 4:
      f.route(index, abi::RouteKind::relay,
              Fixture::handle(static_cast<uint32_t>(random.below(12)), current), false, current);
      break;
    case 5:
    case 6:
      f.route(index, abi::RouteKind::conference, Fixture::handle(conference), random.below(3) == 0,
              current);
      break;
    case 7:
      f.route(index, static_cast<abi::RouteKind>(random.below(4)), 0, false, current);
      break;
    case 8:
      f.close_leg(index, current);
      generation[index]++;
      break;
    case 9:
      f.open_conference(conference);
      break;
    case 10: {
      abi::CloseConferenceCommand close{};
      close.conference = Fixture::handle(conference);
      if (random.below(4) == 0) f.command(close);
      break;
    }
    case 11: {
      abi::SendDigitsCommand digits{};
      digits.leg = Fixture::handle(index, current);
      digits.count = static_cast<uint8_t>(random.below(40));
      digits.duration_ms = 100;
      f.command(digits);
      break;
    }
  }
}

void random_packets(Fixture& f, test::Random& random, std::vector<Peer>& peers) {
  int16_t loud[160];
  for (int16_t& sample : loud) sample = static_cast<int16_t>(random.below(8000) - 4000);
  for (uint32_t i = 0; i < peers.size(); i++) {
    if (random.below(5) > 0) f.send_frame(i, peers[i], loud);
    if (random.below(40) == 0) f.send_event(i, peers[i], peers[i].timestamp, 3, true, 800);
  }
}

}  // namespace

void churn_random_commands(test::Context& t) {
  for (uint64_t seed = 1; seed <= 6; seed++) {
    test::Random random(seed);
    Fixture f;
    std::vector<uint32_t> generation(12, 1);
    std::vector<Peer> peers;
    for (uint32_t i = 0; i < 12; i++) peers.push_back(Fixture::peer_of(i));
    std::vector<int> talking(1 << 16);
    for (int n = 0; n < 400; n++) {
      for (int i = random.below(6); i > 0; i--) random_command(f, random, generation);
      f.period([&] { random_packets(f, random, peers); });
      while (const uint8_t* slot = f.events().front()) {
        abi::TalkingEvent event;
        std::memcpy(&event, slot, sizeof event);
        f.events().pop();
        if (event.type != static_cast<uint32_t>(abi::Event::talking)) continue;
        int& state = talking[(event.leg ^ (event.leg >> 12)) & 0xffff];
        EXPECT(t, state != event.talking);
        state = event.talking;
      }
    }
    // Everything is closed: nothing may be left in any list.
    for (uint32_t i = 0; i < 12; i++) {
      engine::Leg& leg = f.context().legs[i];
      if (!leg.open) continue;
      abi::CloseLegCommand close{};
      close.leg = leg.handle;
      f.command(close);
    }
    for (uint32_t i = 0; i < 3; i++) {
      abi::CloseConferenceCommand close{};
      close.conference = Fixture::handle(i);
      f.command(close);
    }
    f.periods(5);
    EXPECT_EQUAL(t, f.context().leg_count, 0u);
    EXPECT_EQUAL(t, f.context().conference_count, 0u);
    EXPECT_EQUAL(t, f.context().relay_count, 0u);
    for (const engine::PhaseLists& phase : f.context().phases) {
      EXPECT_EQUAL(t, phase.first_leg, engine::kNone);
      EXPECT_EQUAL(t, phase.first_conference, engine::kNone);
      EXPECT_EQUAL(t, phase.load, 0u);
    }
  }
}

void hostile_packets(test::Context& t) {
  Fixture f;
  test::Random random(21);
  Peer victim = f.connect(0);
  Peer good = f.connect(1);
  f.open_conference(0);
  f.route(0, abi::RouteKind::conference, Fixture::handle(0));
  f.route(1, abi::RouteKind::conference, Fixture::handle(0));
  int16_t loud[160];
  for (int16_t& sample : loud) sample = static_cast<int16_t>(random.below(8000) - 4000);
  uint8_t bytes[1500];
  for (int n = 0; n < 2000; n++) {
    f.period([&] {
      f.send_frame(1, good, loud);
      f.send_frame(0, victim, loud);
      for (int i = 0; i < 4; i++) {
        // Half of them are nearly right: a version, a known type, the right SSRC.
        const int count = random.below(n % 7 == 0 ? 1500 : 64);
        for (int k = 0; k < count; k++) bytes[k] = static_cast<uint8_t>(random.next());
        if (random.below(2) == 0) bytes[0] = static_cast<uint8_t>(0x80 | (bytes[0] & 0x3f));
        if (random.below(2) == 0) bytes[1] = random.below(2) == 0 ? 0 : 101;
        if (random.below(3) == 0) base::store_be32(bytes + 8, victim.ssrc);
        f.deliver(0, victim.address, bytes, static_cast<size_t>(count));
        net::Address beside = victim.address;
        beside.port++;
        f.link.deliver(1, beside, bytes, static_cast<size_t>(count));
      }
    });
    rtp::Packet packet{};
    f.drop_sent(0);
    int packets = 0;
    while (f.sent(1, packet)) packets++;
    if (n > 1) EXPECT_EQUAL(t, packets, 1);
  }
  EXPECT(t, f.context().count.packets_rejected > 100);
  EXPECT(t, f.context().count.rtcp_malformed > 100);
  EXPECT_EQUAL(t, f.statistics(1).packets_lost, 0.0);
}
