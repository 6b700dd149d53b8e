// Bursts and gaps against the definition of RFC 3611 section 4.7.2, applied to a whole sequence at
// once.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "rtp/stream_stats.h"
#include "test/engine_fixture.h"
#include "test/engine_tests.h"

namespace {

using test::Fixture;
using test::Peer;

struct Plain {
  double burst_density = 0;
  double gap_density = 0;
  double burst_packets = 0;
  double gap_packets = 0;
};

/** Which packets are in a burst: from a loss to the last one that fewer than 16 in time part. */
std::vector<bool> bursts_of(const std::vector<bool>& came) {
  const int count = static_cast<int>(came.size());
  std::vector<bool> in_burst(came.size(), false);
  for (int first = 0; first < count; first++) {
    if (came[static_cast<size_t>(first)]) continue;
    int last = first;
    for (int i = first + 1; i < count && i - last <= 16; i++) {
      if (!came[static_cast<size_t>(i)]) last = i;
    }
    if (last > first) {
      for (int i = first; i <= last; i++) in_burst[static_cast<size_t>(i)] = true;
    }
    first = last;
  }
  return in_burst;
}

Plain plain_of(const std::vector<bool>& came) {
  const std::vector<bool> in_burst = bursts_of(came);
  double packets[2] = {}, lost[2] = {}, periods[2] = {};
  for (size_t i = 0; i < came.size(); i++) {
    const size_t kind = in_burst[i] ? 1 : 0;
    packets[kind]++;
    if (!came[i]) lost[kind]++;
    if (i == 0 || in_burst[i] != in_burst[i - 1]) periods[kind]++;
  }
  const auto share = [](double a, double b) { return b > 0 ? a / b : 0; };
  return {share(lost[1], packets[1]), share(lost[0], packets[0]), share(packets[1], periods[1]),
          share(packets[0], periods[0])};
}

bool near(double a, double b) {
  return std::fabs(a - b) < 1e-9;
}

void expect_same(test::Context& t, const rtp::BurstReport& report, const Plain& plain) {
  EXPECT(t, near(report.burst_density, plain.burst_density));
  EXPECT(t, near(report.gap_density, plain.gap_density));
  EXPECT(t, near(report.burst_packets, plain.burst_packets));
  EXPECT(t, near(report.gap_packets, plain.gap_packets));
}

/** Loss of two states, with means of 2 % and 40 %. */
struct Weather {
  test::Random random;
  bool bad = false;

  explicit Weather(uint64_t seed) : random(seed) {}
  bool loses() {
    if (random.below(bad ? 20 : 100) == 0) bad = !bad;
    return random.below(100) < (bad ? 40 : 2);
  }
};

std::vector<bool> of_text(const std::string& text) {
  std::vector<bool> came;
  for (const char c : text) came.push_back(c == '.');
  return came;
}

rtp::BurstReport fed_in_order(const std::vector<bool>& came) {
  rtp::StreamStats stats;
  for (size_t i = 0; i < came.size(); i++) {
    const auto at = static_cast<uint32_t>(i);
    if (came[i]) stats.on_packet(1, static_cast<uint16_t>(65000 + i), at * 160, at * 160);
  }
  return stats.bursts().report();
}

}  // namespace

void bursts_by_hand(test::Context& t) {
  const std::string in_time_15(15, '.');
  const std::string in_time_16(16, '.');
  // A lone loss, and a burst of 22 packets of which 4 are lost, in 78.
  const std::string text = std::string(5, '.') + "x" + std::string(20, '.') + "x...xx" +
                           in_time_15 + "x" + std::string(30, '.');
  const rtp::BurstReport report = fed_in_order(of_text(text));
  EXPECT(t, near(report.burst_density, 4.0 / 22));
  EXPECT(t, near(report.burst_packets, 22));
  EXPECT(t, near(report.gap_density, 1.0 / 56));
  EXPECT(t, near(report.gap_packets, 28));
  // 16 in time part two lone losses; 15 do not.
  EXPECT(t, near(fed_in_order(of_text("....x" + in_time_16 + "x...")).burst_density, 0));
  EXPECT(t, near(fed_in_order(of_text("....x" + in_time_15 + "x...")).burst_density, 2.0 / 17));
  const rtp::BurstReport clean = fed_in_order(of_text(std::string(500, '.')));
  EXPECT(t, near(clean.gap_density, 0) && near(clean.gap_packets, 500));
  EXPECT(t, near(clean.burst_packets, 0) && near(clean.burst_density, 0));
  EXPECT(t, near(rtp::BurstMetrics().report().gap_packets, 0));
}

/** Long holes, reordering, duplicates and what is discarded later, over wraps of the sequence. */
void bursts_as_defined(test::Context& t) {
  for (uint64_t seed = 1; seed <= 60; seed++) {
    Weather weather(seed);
    test::Random& random = weather.random;
    const int count = 1 + random.below(seed % 3 == 0 ? 200 : 5000);
    std::vector<bool> came;
    std::vector<bool> late;                     // is discarded, each copy of it
    std::vector<bool> pushed_out;               // is discarded when others have come
    std::vector<std::pair<int, int>> arrivals;  // when, which
    int hole = 0;
    for (int i = 0; i < count; i++) {
      if (hole == 0 && random.below(700) == 0) hole = 1 + random.below(300);
      const bool lost = weather.loses() || hole > 0;
      hole = std::max(0, hole - 1);
      came.push_back(!lost || i == 0 || i == count - 1);
      late.push_back(came.back() && random.below(80) == 0);
      pushed_out.push_back(came.back() && random.below(80) == 0);
      if (!came.back()) continue;
      // The first comes first, so that the stream begins where the sequence does.
      const int moved = i > 0 && !pushed_out.back() && random.below(10) == 0 ? random.below(40) : 0;
      arrivals.emplace_back(i + moved, i);
      if (!pushed_out.back() && random.below(20) == 0) {
        arrivals.emplace_back(i + moved + random.below(20), i);
      }
    }
    std::stable_sort(arrivals.begin(), arrivals.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    rtp::StreamStats stats;
    const auto first = static_cast<uint16_t>(random.next());
    std::vector<int> waiting;  // to be pushed out
    for (const auto& [when, which] : arrivals) {
      const auto index = static_cast<size_t>(which);
      const auto units = static_cast<uint32_t>(which) * 160;
      // Later than that is past changing.
      while (!waiting.empty() && when - waiting.front() > 10) {
        stats.on_discarded(static_cast<uint16_t>(first + waiting.front()));
        waiting.erase(waiting.begin());
      }
      stats.on_packet(7, static_cast<uint16_t>(first + which), units, units);
      if (late[index]) stats.on_discarded(static_cast<uint16_t>(first + which));
      if (pushed_out[index]) waiting.push_back(which);
      if (late[index] || pushed_out[index]) came[index] = false;
    }
    for (const int which : waiting) stats.on_discarded(static_cast<uint16_t>(first + which));
    const int before = t.failures;
    expect_same(t, stats.bursts().report(), plain_of(came));
    if (t.failures != before) std::printf("  bursts: seed %d\n", static_cast<int>(seed));
  }
}

/** A sender that starts over takes what was counted along. */
void bursts_over_streams(test::Context& t) {
  rtp::StreamStats stats;
  std::vector<bool> came;
  Weather weather(5);
  for (uint32_t ssrc = 1; ssrc <= 40; ssrc++) {
    const int count = 1 + weather.random.below(150);
    const auto first = static_cast<uint16_t>(weather.random.next());
    for (int i = 0; i < count; i++) {
      came.push_back(!weather.loses() || i == 0 || i == count - 1);
      const auto units = static_cast<uint32_t>(i) * 160;
      if (came.back()) stats.on_packet(ssrc, static_cast<uint16_t>(first + i), units, units);
    }
    expect_same(t, stats.bursts().report(), plain_of(came));
  }
}

/** Through a whole engine: lost packets and late ones, as the record of the leg says. */
void bursts_of_leg(test::Context& t) {
  Fixture f;
  Peer peer = f.connect(0);
  f.route(0, abi::RouteKind::echo);
  const std::vector<int16_t> frame(160, 1000);
  constexpr int kLateBy = 20;  // periods; the buffer waits for 10 at most
  Weather weather(11);
  std::vector<bool> came;
  std::vector<int> late;
  double discarded = 0;
  double lost = 0;
  for (int n = 0; n < 3000; n++) {
    f.period([&] {
      const Peer start = peer;
      if (!late.empty() && n - late.front() == kLateBy) {
        Peer past = start;
        past.sequence = static_cast<uint16_t>(past.sequence - kLateBy);
        past.timestamp -= kLateBy * 160;
        f.send_frame(0, past, frame.data());
        late.erase(late.begin());
        discarded++;
      }
      const bool is_late = n > 100 && n < 2900 && n % 97 == 0;
      const bool is_lost = !is_late && n > 100 && weather.loses();
      came.push_back(!is_late && !is_lost);
      if (is_late) late.push_back(n);
      if (is_lost) lost++;
      if (came.back()) {
        f.send_frame(0, peer, frame.data());
      } else {
        peer.sequence++;
        peer.timestamp += 160;
      }
    });
    f.drop_sent(0);
  }
  // Losses at the very end are known by the packet after them.
  for (int n = 0; n < 10; n++) {
    f.period([&] { f.send_frame(0, peer, frame.data()); });
    came.push_back(true);
  }
  f.close_leg(0);
  f.periods(2);
  const abi::LegRecord record = f.statistics(0);
  const Plain plain = plain_of(came);
  std::printf("  bursts: density %.3f of %.0f ms, gaps %.4f of %.0f ms, %.0f discarded\n",
              record.burst_density, record.burst_ms, record.gap_density, record.gap_ms,
              record.packets_discarded);
  EXPECT_EQUAL(t, record.packets_lost, lost);
  EXPECT_EQUAL(t, record.packets_discarded, discarded);
  EXPECT_EQUAL(t, record.packets_late, discarded);
  EXPECT(t, discarded > 20 && lost > 200);
  EXPECT_BETWEEN(t, record.burst_density, 0.15, 0.45);
  EXPECT_BETWEEN(t, record.gap_density, 0.001, 0.04);
  EXPECT(t, near(record.burst_density, plain.burst_density));
  EXPECT(t, near(record.gap_density, plain.gap_density));
  EXPECT(t, near(record.burst_ms, plain.burst_packets * 20));
  EXPECT(t, near(record.gap_ms, plain.gap_packets * 20));
  EXPECT_BETWEEN(t, record.buffer_target_ms, 0, 200);
  EXPECT_BETWEEN(t, record.buffer_maximum_ms, record.delay_ms / 2, 200);
}
