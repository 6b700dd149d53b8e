// Aim: the jitter buffer keeps order and delay whatever the network does. Method: seeded simulation
// in virtual time (jitter_sim.h); a failing test prints its seed.
#include <algorithm>

#include "test/audio_tests.h"
#include "test/jitter_sim.h"

namespace {

constexpr int64_t ms = 1'000'000;
constexpr int64_t second = 1'000'000'000;

using Arrivals = std::vector<int64_t>;

void show_seed(const test::Context& t, uint64_t seed) {
  if (t.failures > 0)
    std::printf("  %s: seed %llu\n", t.name, static_cast<unsigned long long>(seed));
}

int64_t percentile(std::vector<int64_t> values, double share) {
  if (values.empty()) return -1;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

int64_t missed_units(const test::JitterSim& sim) {
  return sim.totals.conceal_units;
}

}  // namespace

void jitter_clean_delay(test::Context& t) {
  // Every phase of the sender against the tick, arrivals with loopback-like jitter of up to 0.8 ms.
  std::vector<int64_t> delays;
  for (int phase = 0; phase < 200; phase++) {
    test::JitterSim sim(static_cast<uint64_t>(phase));
    sim.keep_delays = true;
    sim.sender.start_ns = 7 * ms + phase * ms / 10;
    sim.run(10 * second, [&](int64_t) { return Arrivals{sim.random.below(800'000)}; });
    EXPECT_EQUAL(t, missed_units(sim), 0);
    EXPECT_EQUAL(t, sim.totals.compressed_units + sim.totals.expanded_units, 0);
    EXPECT(t, sim.totals.played >= 498);
    delays.insert(delays.end(), sim.totals.delays_ns.begin(), sim.totals.delays_ns.end());
    show_seed(t, static_cast<uint64_t>(phase));
  }
  std::printf("  clean: p50 %.1f ms, p99 %.1f ms, max %.1f ms\n",
              static_cast<double>(percentile(delays, 0.5)) / 1e6,
              static_cast<double>(percentile(delays, 0.99)) / 1e6,
              static_cast<double>(percentile(delays, 1)) / 1e6);
  EXPECT(t, percentile(delays, 0.5) <= 14 * ms);
  EXPECT(t, percentile(delays, 0.99) <= 24 * ms);
}

void jitter_before_tick(test::Context& t) {
  // A packet that comes 2 ms before the tick, steadily, plays in that tick.
  test::JitterSim sim(1);
  sim.keep_delays = true;
  sim.sender.start_ns = 16 * ms;
  sim.run(20 * second, [&](int64_t) { return Arrivals{0}; });
  EXPECT_EQUAL(t, missed_units(sim), 0);
  EXPECT_BETWEEN(t, percentile(sim.totals.delays_ns, 1), 3'999'999, 4'000'001);
}

void jitter_shrinks(test::Context& t) {
  for (const bool quiet : {false, true}) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
      test::JitterSim sim(seed);
      sim.quiet = quiet;
      sim.run(60 * second, [&](int64_t) { return Arrivals{sim.random.below(300) * ms}; });
      EXPECT(t, sim.totals.worst_delay_ns <= 200 * ms);
      EXPECT(t, sim.totals.played > 1500);
      sim.run(5 * second, [&](int64_t) { return Arrivals{0}; });
      sim.keep_delays = true;
      sim.run(1 * second, [&](int64_t) { return Arrivals{0}; });
      EXPECT(t, percentile(sim.totals.delays_ns, 1) <= 60 * ms);
      EXPECT(t, percentile(sim.totals.delays_ns, 1) <= 26 * ms);
      sim.run(10 * second, [&](int64_t) { return Arrivals{0}; });
      EXPECT_EQUAL(t, sim.totals.out_of_order, 0);
      show_seed(t, seed);
    }
  }
}

void jitter_drift(test::Context& t) {
  // A virtual day at +-200 ppm, no under-run, delay bounded.
  for (const double ppm : {-200.0, 200.0}) {
    for (const bool quiet : {false, true}) {
      test::JitterSim sim(99);
      sim.quiet = quiet;
      sim.sender.drift_ppm = ppm;
      sim.run(1 * second, [&](int64_t) { return Arrivals{sim.random.below(2000) * 1000}; });
      const int64_t before = missed_units(sim) + sim.totals.silence_units;
      sim.run(86'400 * second, [&](int64_t) { return Arrivals{sim.random.below(2000) * 1000}; });
      EXPECT_EQUAL(t, missed_units(sim) + sim.totals.silence_units - before, 0);
      EXPECT_EQUAL(t, sim.buffer.statistics().discarded, 0);
      EXPECT(t, sim.totals.worst_delay_ns <= 45 * ms);
      // 200 ppm of a day are 17.28 s.
      const double moved =
          static_cast<double>(ppm > 0 ? sim.totals.compressed_units : sim.totals.expanded_units) /
          8000;
      EXPECT_BETWEEN(t, moved, 17.0, 18.5);
      std::printf("  drift %+.0f ppm: worst delay %.1f ms, %.2f s taken out, %.2f s put in\n", ppm,
                  static_cast<double>(sim.totals.worst_delay_ns) / 1e6,
                  static_cast<double>(sim.totals.compressed_units) / 8000,
                  static_cast<double>(sim.totals.expanded_units) / 8000);
    }
  }
}

void jitter_hostile_network(test::Context& t) {
  // Loss, reordering, duplication and delay together; nothing plays twice or backwards, every tick
  // is filled.
  for (uint64_t seed = 1; seed <= 300; seed++) {
    test::JitterSim sim(seed);
    const int loss = sim.random.below(30);
    const int duplicates = sim.random.below(20);
    const int jitter_ms = 1 + sim.random.below(120);
    sim.sender.packet_ms = 10 * (1 + sim.random.below(6));
    sim.sender.drift_ppm = sim.random.below(400) - 200;
    sim.run(30 * second, [&](int64_t) {
      Arrivals arrivals;
      if (sim.random.below(100) < loss) return arrivals;
      arrivals.push_back(sim.random.below(jitter_ms) * ms);
      if (sim.random.below(100) < duplicates) arrivals.push_back(sim.random.below(jitter_ms) * ms);
      return arrivals;
    });
    const jitter::Statistics s = sim.buffer.statistics();
    EXPECT_EQUAL(t, sim.totals.out_of_order, 0);
    EXPECT_EQUAL(t, sim.totals.overfull, 0);
    EXPECT(t, sim.totals.worst_delay_ns <= 200 * ms);
    const int64_t accounted =
        static_cast<int64_t>(s.played + s.duplicate + s.late + s.discarded) + sim.buffer.queued();
    EXPECT_EQUAL(t, static_cast<int64_t>(s.received), accounted);
    show_seed(t, seed);
  }
}

void jitter_loss_accounting(test::Context& t) {
  test::JitterSim sim(5);
  int sent = 0;
  sim.run(20 * second, [&](int64_t) { return sent++ % 10 == 5 ? Arrivals{} : Arrivals{2 * ms}; });
  const jitter::Statistics s = sim.buffer.statistics();
  EXPECT_BETWEEN(t, s.lost, 99, 100);
  EXPECT_EQUAL(t, sim.totals.conceal_units, 160 * static_cast<int64_t>(s.concealed));
  EXPECT_BETWEEN(t, s.concealed, 99, 100);
  EXPECT_EQUAL(t, s.late, 0);
  EXPECT_EQUAL(t, sim.totals.silence_units, 0);
}

void jitter_wraps(test::Context& t) {
  test::JitterSim sim(3);
  sim.sender.sequence = 65500;
  sim.sender.timestamp = 0xFFFFFFFFu - 160 * 100;
  sim.run(40 * second, [&](int64_t) { return Arrivals{sim.random.below(5) * ms}; });
  // The wraps did happen.
  EXPECT(t, sim.sender.sequence < 65500 && sim.sender.sent > 36);
  EXPECT(t, sim.sender.timestamp < 0x80000000u);
  EXPECT_EQUAL(t, missed_units(sim), 0);
  EXPECT_EQUAL(t, sim.totals.out_of_order, 0);
  EXPECT_EQUAL(t, sim.buffer.statistics().restarts, 0);
  EXPECT_EQUAL(t, sim.buffer.statistics().lost, 0);
  EXPECT(t, sim.totals.played >= sim.sender.sent - 2);
}

void jitter_sequence_wraps_often(test::Context& t) {
  // More than 2^17 packets, with loss, through two wraps of the sequence.
  test::JitterSim sim(4);
  int wraps = 0;
  uint16_t before = sim.sender.sequence;
  sim.run(int64_t{140'000} * 20 * ms, [&](int64_t) {
    if (sim.sender.sequence < before) wraps++;
    before = sim.sender.sequence;
    return sim.random.below(50) == 0 ? Arrivals{} : Arrivals{sim.random.below(10) * ms};
  });
  EXPECT_EQUAL(t, wraps, 2);
  EXPECT_EQUAL(t, sim.totals.out_of_order, 0);
  EXPECT_EQUAL(t, sim.buffer.statistics().restarts, 0);
  EXPECT_BETWEEN(t, sim.buffer.statistics().lost, 2500, 3100);
}

void jitter_dtx(test::Context& t) {
  // 1 s of talk, 1.5 s of pause with the timestamp running on: silence is not loss, nothing is cut.
  test::JitterSim sim(6);
  const auto talks = [](int64_t now_ns) { return now_ns % (2500 * ms) < second; };
  sim.run(
      60 * second, [&](int64_t) { return Arrivals{sim.random.below(15) * ms}; }, talks);
  // At the end of a spurt the buffer runs empty once, without knowing why: 100 ms are concealed
  // (and fade).
  EXPECT(t, missed_units(sim) <= 24 * (100 + 20) * 8);
  EXPECT(t, sim.totals.played >= sim.sender.sent - 2);
  EXPECT_EQUAL(t, sim.buffer.statistics().lost, 0);
  EXPECT_EQUAL(t, sim.buffer.statistics().restarts, 0);
  EXPECT(t, sim.totals.worst_delay_ns <= 60 * ms);
}

void jitter_timestamp_restart(test::Context& t) {
  // After a transfer the same stream goes on with other timestamps, back or forth; audio must go
  // on.
  for (const uint32_t jump : {0x80000000u, 0xFFFF0000u, 0x00100000u, 0xFFFFFF00u}) {
    test::JitterSim sim(8);
    sim.run(5 * second, [&](int64_t) { return Arrivals{3 * ms}; });
    sim.sender.timestamp += jump;
    const int64_t played = sim.totals.played;
    sim.run(5 * second, [&](int64_t) { return Arrivals{3 * ms}; });
    EXPECT(t, sim.totals.played - played >= 248);
    EXPECT_EQUAL(t, sim.buffer.statistics().restarts, 0);
    EXPECT(t, missed_units(sim) + sim.totals.silence_units <= 3 * 160);
  }
}

void jitter_new_stream(test::Context& t) {
  test::JitterSim sim(9);
  sim.run(5 * second, [&](int64_t) { return Arrivals{3 * ms}; });
  sim.sender.ssrc = 0xABCD;
  sim.sender.sequence = 40000;
  sim.sender.timestamp = 77;
  const int64_t played = sim.totals.played;
  sim.run(5 * second, [&](int64_t) { return Arrivals{3 * ms}; });
  EXPECT(t, sim.totals.played - played >= 247);
  EXPECT_EQUAL(t, sim.buffer.statistics().restarts, 1);
  EXPECT_EQUAL(t, sim.inserts[static_cast<size_t>(jitter::Insert::restarted)], 2);
  // A sequence jump of the same stream does the same, after one stray packet.
  sim.sender.sequence = static_cast<uint16_t>(sim.sender.sequence + 20000);
  sim.run(5 * second, [&](int64_t) { return Arrivals{3 * ms}; });
  EXPECT_EQUAL(t, sim.buffer.statistics().restarts, 2);
  // A lone foreign packet moves nothing.
  const uint8_t payload[160] = {};
  jitter::Packet stray{};
  stray.ssrc = 0xABCD;
  stray.sequence = static_cast<uint16_t>(sim.sender.sequence + 9000);
  stray.bytes = 160;
  stray.payload = payload;
  stray.arrival_ns = sim.now_ns;
  EXPECT(t, sim.buffer.insert(stray) == jitter::Insert::stray);
  stray.ssrc = 99;
  EXPECT(t, sim.buffer.insert(stray) == jitter::Insert::stray);
  EXPECT_EQUAL(t, sim.buffer.statistics().restarts, 2);
}

void jitter_packet_lengths(test::Context& t) {
  for (const int packet_ms : {10, 20, 30, 40, 60}) {
    for (int phase = 0; phase < 20; phase++) {
      test::JitterSim sim(static_cast<uint64_t>(packet_ms + phase));
      sim.sender.packet_ms = packet_ms;
      sim.sender.start_ns = (5 + phase) * ms;
      // The first packets tell the length, so the first second may stumble.
      sim.run(2 * second, [&](int64_t) { return Arrivals{sim.random.below(1000) * 1000}; });
      const int64_t before = missed_units(sim) + sim.totals.silence_units;
      sim.totals.worst_delay_ns = 0;
      sim.run(30 * second, [&](int64_t) { return Arrivals{sim.random.below(1000) * 1000}; });
      EXPECT_EQUAL(t, missed_units(sim) + sim.totals.silence_units - before, 0);
      EXPECT_EQUAL(t, sim.totals.out_of_order, 0);
      EXPECT(t, sim.totals.worst_delay_ns <= 45 * ms);
      show_seed(t, static_cast<uint64_t>(packet_ms + phase));
    }
  }
}

void jitter_path_change(test::Context& t) {
  // The path gets 150 ms longer, later shorter again; and once the network stands still for 400 ms.
  test::JitterSim sim(11);
  const auto steady = [&](int64_t extra) {
    return [&sim, extra](int64_t) { return Arrivals{extra + sim.random.below(3) * ms}; };
  };
  sim.run(10 * second, steady(0));
  sim.run(10 * second, steady(150 * ms));
  sim.keep_delays = true;
  sim.run(2 * second, steady(150 * ms));
  EXPECT(t, percentile(sim.totals.delays_ns, 1) <= 30 * ms);
  sim.run(10 * second, steady(0));
  sim.totals.delays_ns.clear();
  sim.run(2 * second, steady(0));
  EXPECT(t, percentile(sim.totals.delays_ns, 1) <= 30 * ms);
  const int64_t played = sim.totals.played;
  const int64_t stall_end_ns = sim.now_ns + 400 * ms;
  sim.run(10 * second, [&](int64_t now_ns) {
    return Arrivals{std::max(stall_end_ns - now_ns, int64_t{0}) + sim.random.below(3) * ms};
  });
  EXPECT(t, sim.totals.played - played >= 480);
  sim.totals.delays_ns.clear();
  sim.run(2 * second, steady(0));
  EXPECT(t, percentile(sim.totals.delays_ns, 1) <= 30 * ms);
  // A path that becomes 500 ms longer, more than any delay we allow, is taken as the new base.
  sim.run(10 * second, steady(500 * ms));
  const int64_t before = sim.totals.played;
  sim.run(10 * second, steady(500 * ms));
  EXPECT(t, sim.totals.played - before >= 499);
}

void jitter_one_standstill(test::Context& t) {
  for (const bool quiet : {false, true}) {
    test::JitterSim sim(12);
    sim.quiet = quiet;
    int64_t stall_end_ns = 0;
    const auto network = [&](int64_t now_ns) {
      return Arrivals{std::max(stall_end_ns - now_ns, int64_t{0}) + sim.random.below(2) * ms};
    };
    const auto stand_still = [&] {
      stall_end_ns = sim.now_ns + 100 * ms;
      sim.run(1 * second, network);
    };
    sim.run(10 * second, network);
    // Five packets at once after 100 ms of nothing: one event, not five late packets.
    stand_still();
    sim.keep_delays = true;
    sim.run(1 * second, network);
    EXPECT(t, sim.buffer.statistics().target_ns <= 2 * ms);
    EXPECT(t, percentile(sim.totals.delays_ns, 1) <= 30 * ms);
    // Twice within seconds is the way of this network: the delay is kept for the next time.
    sim.run(5 * second, network);
    stand_still();
    stand_still();
    EXPECT(t, sim.buffer.statistics().target_ns >= 70 * ms);
    const int64_t missed = missed_units(sim);
    stand_still();
    EXPECT(t, missed_units(sim) - missed <= 160);
    EXPECT_EQUAL(t, sim.totals.out_of_order, 0);
  }
}

void jitter_bounds(test::Context& t) {
  jitter::Config config;
  alignas(16) static uint8_t memory[64 * 1024];
  jitter::Buffer buffer;
  config.slots = 33;
  EXPECT(t, !buffer.init(memory, config));
  config.slots = 32;
  EXPECT(t, buffer.init(memory, config));
  EXPECT(t, jitter::Buffer::bytes_for(config) <= 32 * 32 + 8192);
  const uint8_t payload[400] = {};
  jitter::Packet packet{};
  packet.payload = payload;
  packet.bytes = 201;
  EXPECT(t, buffer.insert(packet) == jitter::Insert::too_large);
  // A packet without payload (some send it to keep a path open) takes its turn like any other.
  packet.bytes = 0;
  packet.payload = nullptr;
  EXPECT(t, buffer.insert(packet) == jitter::Insert::restarted);
  buffer.reset();
  packet.payload = payload;
  packet.bytes = 160;
  for (int i = 0; i < 100; i++) {
    packet.sequence = static_cast<uint16_t>(i);
    packet.timestamp = static_cast<uint32_t>(i * 160);
    packet.arrival_ns = i;  // All at once.
    buffer.insert(packet);
    EXPECT(t, buffer.queued() <= 32);
  }
  packet.sequence = 99;
  EXPECT(t, buffer.insert(packet) == jitter::Insert::duplicate);
  packet.sequence = 3;
  EXPECT(t, buffer.insert(packet) == jitter::Insert::late);
  const jitter::Statistics s = buffer.statistics();
  EXPECT_EQUAL(t, s.discarded, 69u);
  EXPECT_EQUAL(t, s.received, 104u);
}

// Payloads share a ring: what came last stays, whole, and what it pushed out counts like what is
// too old.
void jitter_payload_ring(test::Context& t) {
  jitter::Config config;
  config.payload_bytes = 1024;
  alignas(16) static uint8_t memory[4096];
  jitter::Buffer buffer;
  config.payload_bytes = 1000;
  EXPECT(t, !buffer.init(memory, config));
  config.payload_bytes = 1024;
  EXPECT(t, jitter::Buffer::bytes_for(config) <= sizeof memory);
  EXPECT(t, buffer.init(memory, config));
  uint8_t payload[200];
  jitter::Packet packet{};
  packet.payload = payload;
  packet.ssrc = 1;
  int64_t now = 0;
  for (int i = 0; i < 12; i++) {
    std::memset(payload, i, sizeof payload);
    packet.bytes = 150 + i;
    packet.sequence = static_cast<uint16_t>(65530 + i);
    packet.timestamp = static_cast<uint32_t>(i * 160);
    packet.arrival_ns = now + i;
    buffer.insert(packet);
  }
  const int kept = buffer.queued();
  EXPECT_BETWEEN(t, kept, 5, 6);
  // Each is counted once, also before its turn comes.
  EXPECT_EQUAL(t, buffer.statistics().discarded, static_cast<uint64_t>(12 - kept));
  int played = 0;
  for (int tick = 0; tick < 30; tick++) {
    now += 20 * ms;
    const jitter::Pull pull = buffer.pull(now, 160);
    if (pull.action != jitter::Action::play) continue;
    const int number = 12 - kept + played++;
    EXPECT_EQUAL(t, pull.bytes, 150 + number);
    bool whole = true;
    for (int k = 0; k < pull.bytes; k++) whole = whole && pull.payload[k] == number;
    EXPECT(t, whole);
    buffer.played(160);
  }
  EXPECT_EQUAL(t, played, kept);
  EXPECT_EQUAL(t, buffer.statistics().discarded, static_cast<uint64_t>(12 - kept));
  // Of what was played, only what the ring still holds is given once more.
  jitter::Pull earlier;
  EXPECT(t, buffer.earlier(1, earlier));
  EXPECT_EQUAL(t, earlier.bytes, 160);
  EXPECT(t, !buffer.earlier(kept, earlier));
}
