#include "engine/run_loop.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>

#include "base/clock.h"

namespace engine {
namespace {

/** Later than this the lost phases are left out: what they would send came too late for the peers'
 * buffers anyway. */
constexpr int64_t kMaxCatchUpNs = 60 * base::kNsPerMs;
/** Statistics of the worker every quarter of a second. */
constexpr uint32_t kPublishPhases = 125;
/** Without legs the loop only looks for commands, every 10 ms. */
constexpr int64_t kIdlePhases = 5;

bool sleep_until(int64_t time_ns) {
  timespec until{};
  until.tv_sec = static_cast<time_t>(time_ns / base::kNsPerSecond);
  until.tv_nsec = static_cast<long>(time_ns % base::kNsPerSecond);
  return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != EINTR;
}

/** The thread as it was, so that Node gets it back unchanged. */
class ThreadSetup {
 public:
  explicit ThreadSetup(const RunOptions& options) {
    pthread_getschedparam(pthread_self(), &policy_, &parameters_);
    if (options.realtime) {
      sched_param wanted{};
      wanted.sched_priority = options.realtime_priority;
      realtime_ = pthread_setschedparam(pthread_self(), SCHED_FIFO, &wanted) == 0;
    }
    if (options.cpu >= 0) {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(static_cast<size_t>(options.cpu), &set);
      pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
  }
  ~ThreadSetup() {
    if (realtime_) pthread_setschedparam(pthread_self(), policy_, &parameters_);
  }
  ThreadSetup(const ThreadSetup&) = delete;
  ThreadSetup& operator=(const ThreadSetup&) = delete;
  bool realtime() const { return realtime_; }

 private:
  int policy_ = 0;
  sched_param parameters_{};
  bool realtime_ = false;
};

double milliseconds(int64_t ns) {
  return static_cast<double>(ns) / base::kNsPerMs;
}

void count_lateness(Context& context, int64_t due_ns, int64_t late_ns) {
  Counters& count = context.count;
  if (late_ns > 5 * base::kNsPerMs) {
    count.ticks_late_5ms++;
    abi::TickLateEvent event{};
    event.due_ms = milliseconds(due_ns);
    event.late_ms = milliseconds(late_ns);
    context.post(event);
  } else if (late_ns > base::kNsPerMs) {
    count.ticks_late_1ms++;
  } else {
    count.ticks_on_time++;
  }
}

}  // namespace

RunEnd run(Engine& engine, const RunOptions& options) {
  const ThreadSetup thread(options);
  LoadMeter meter;
  Context& context = engine.context();
  int64_t due = base::monotonic_ns();
  uint32_t until_publish = 0;
  while (!engine.stop_requested()) {
    const int64_t start = base::monotonic_ns();
    const int64_t late = start - due;
    if (late > kMaxCatchUpNs) {
      const auto lost = static_cast<uint32_t>(late / kPhaseNs);
      engine.skip_phases(lost);
      due += lost * kPhaseNs;
    }
    if (!engine.idle()) count_lateness(context, due, late);
    const int64_t cpu_start = base::thread_cpu_ns();
    const int64_t before = base::monotonic_ns();
    const int64_t wall = base::read_clock_ns(CLOCK_REALTIME);
    context.arrival_clock.sample(before, wall, base::monotonic_ns());
    context.woken_ns = before;
    // The time on the grid, not the time of waking: a late tick must not look like late packets to
    // the jitter buffers.
    if (!engine.tick(due)) return RunEnd::failed;
    const int64_t end = base::monotonic_ns();
    meter.on_phase(end, engine.idle() ? 0 : late, end - start, base::thread_cpu_ns() - cpu_start,
                   context.leg_count);
    if (until_publish-- == 0) {
      until_publish = kPublishPhases;
      engine.publish(meter, thread.realtime(), end);
    }
    due += kPhaseNs;
    if (engine.idle()) {
      engine.skip_idle_phases(kIdlePhases - 1);
      due += (kIdlePhases - 1) * kPhaseNs;
      until_publish -= std::min<uint32_t>(until_publish, kIdlePhases - 1);
    }
    if (end < due) sleep_until(due);
  }
  return RunEnd::stopped;
}

}  // namespace engine
