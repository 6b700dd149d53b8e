// What the jitter buffer of a leg is told about arrivals: by ticks that come late, a wall clock
// that is set, and a kernel that hands packets over late.
#include "base/clock.h"
#include "net/arrival_clock.h"
#include "test/engine_fixture.h"
#include "test/engine_tests.h"

namespace {

using test::Fixture;
using Verdict = net::ArrivalClock::Verdict;

constexpr int64_t kMs = base::kNsPerMs;
constexpr int64_t kWall = 1'700'000'000'000'000'000;

/** A peer that sends every 20 ms on the dot, to a leg that echoes; time moves phase by phase. */
class Stream {
 public:
  explicit Stream(Fixture& fixture) : f_(fixture), peer_(fixture.connect(0)) {
    f_.route(0, abi::RouteKind::echo);
    next_ns_ = f_.now + 3 * kMs;
  }

  int64_t wall_offset_ns = kWall;
  int64_t late_ns = 0;       // of the ticks
  int64_t reading_ns = 100;  // between the clock readings of a phase
  int64_t held_ns = 0;       // from a packet's stamp to its being there

  void run(int64_t duration_ns) {
    for (const int64_t end = f_.now + duration_ns; f_.now < end;) phase();
  }
  double wanted_ms() {
    return static_cast<double>(f_.context().playouts[0].buffer.statistics().target_ns) / 1e6;
  }
  uint64_t concealed() { return f_.context().playouts[0].buffer.statistics().concealed; }

 private:
  void phase() {
    const int64_t woken = f_.now + late_ns;
    while (next_ns_ + held_ns <= woken) {
      uint8_t payload[160] = {};
      f_.send(0, peer_, 0, payload, sizeof payload, 160, false, next_ns_ + wall_offset_ns);
      next_ns_ += 20 * kMs;
    }
    f_.context().woken_ns = woken;
    f_.context().arrival_clock.sample(woken, woken + reading_ns + wall_offset_ns,
                                      woken + reading_ns);
    f_.step();
    f_.drop_sent(0);
  }

  Fixture& f_;
  test::Peer peer_;
  int64_t next_ns_ = 0;
};

}  // namespace

void arrival_clock_stamps(test::Context& t) {
  net::ArrivalClock clock;
  int64_t now = 100 * kMs;
  EXPECT_EQUAL(t, clock.arrival(kWall + now, 0, now).verdict, Verdict::unknown);
  EXPECT(t, clock.sample(now, kWall + now, now));
  EXPECT_EQUAL(t, clock.arrival(kWall + 85 * kMs, 80 * kMs, now).ns, 85 * kMs);
  // Between the wake-up and the reading of this very socket.
  EXPECT_EQUAL(t, clock.arrival(kWall + now + kMs, 80 * kMs, now).ns, now + kMs);
  // It was not there at 80 ms, whatever its stamp says.
  EXPECT_EQUAL(t, clock.arrival(kWall + 70 * kMs, 80 * kMs, now).verdict, Verdict::held_back);
  EXPECT_EQUAL(t, clock.arrival(kWall + 70 * kMs, 80 * kMs, now).ns, now);
  EXPECT_EQUAL(t, clock.arrival(0, 80 * kMs, now).verdict, Verdict::unknown);
  // Set back by an hour: what was stamped before and after.
  const int64_t hour = 3'600'000 * kMs;
  now += 2 * kMs;
  EXPECT(t, clock.sample(now, kWall - hour + now, now));
  EXPECT_EQUAL(t, clock.steps(), 1u);
  EXPECT_EQUAL(t, clock.arrival(kWall + 99 * kMs, 82 * kMs, now).ns, 99 * kMs);
  EXPECT_EQUAL(t, clock.arrival(kWall - hour + 101 * kMs, 82 * kMs, now).ns, 101 * kMs);
  EXPECT_EQUAL(t, clock.arrival(42, 82 * kMs, now).verdict, Verdict::unknown);
  // A stall between the readings tells nothing.
  EXPECT(t, !clock.sample(now, kWall - hour + now + 9 * kMs, now + 9 * kMs));
  EXPECT_EQUAL(t, clock.offset_ns(), kWall - hour);
  EXPECT_EQUAL(t, clock.steps(), 1u);
}

void arrival_late_ticks(test::Context& t) {
  for (const int64_t late : {4 * kMs, 13 * kMs, 19 * kMs}) {
    Fixture f;
    Stream stream(f);
    stream.run(5'000 * kMs);
    const uint64_t before = stream.concealed();
    for (int stall = 0; stall < 10; stall++) {
      // The loop catches up: each phase a little less late.
      for (stream.late_ns = late; stream.late_ns > 0; stream.late_ns -= 2 * kMs)
        stream.run(2 * kMs);
      stream.late_ns = 0;
      stream.run(311 * kMs);
      EXPECT(t, stream.wanted_ms() < 1.0);
    }
    EXPECT_EQUAL(t, stream.concealed(), before);
  }
}

void arrival_clock_set(test::Context& t) {
  for (const int64_t step : {100 * kMs, -100 * kMs, 15 * kMs, -3'600'000 * kMs}) {
    Fixture f;
    Stream stream(f);
    for (int set = 0; set < 10; set++) {
      stream.run(1'503 * kMs);
      stream.wall_offset_ns += step;
      stream.run(100 * kMs);
      EXPECT(t, stream.wanted_ms() < 1.0);
      stream.run(397 * kMs);
      // Something keeps the thread between the readings.
      stream.reading_ns = 9 * kMs;
      stream.run(20 * kMs);
      stream.reading_ns = 100;
    }
    EXPECT(t, stream.wanted_ms() < 1.0);
    EXPECT_EQUAL(t, f.context().arrival_clock.steps(), 10u);
  }
}

void arrival_held_back(test::Context& t) {
  Fixture f;
  Stream stream(f);
  stream.run(2'000 * kMs);
  // Now and then the kernel keeps packets for 30 ms though it stamps them at once.
  for (int i = 0; i < 40; i++) {
    stream.held_ns = 30 * kMs;
    stream.run(60 * kMs);
    stream.held_ns = 0;
    stream.run(200 * kMs);
  }
  EXPECT(t, f.context().count.packets_held_back > 0);
  EXPECT(t, stream.wanted_ms() > 15);
  // Known after the first few: no more holes.
  const uint64_t before = stream.concealed();
  for (int i = 0; i < 40; i++) {
    stream.held_ns = 30 * kMs;
    stream.run(60 * kMs);
    stream.held_ns = 0;
    stream.run(200 * kMs);
  }
  EXPECT_EQUAL(t, stream.concealed(), before);
}
