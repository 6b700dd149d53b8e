// stall_witness: a loop that does nothing, every 2 ms, above the engine's priority on the engine's
// processor: `stall_witness CPU`, until stdin ends; each byte on stdin makes it print as well. How
// late it wakes is the machine's share in the lateness of an engine beside it (host of a virtual
// machine, interrupts, other real-time threads); the rest is the engine's. Prints lines of JSON:
// counts from the start, and the stalls since the line before as [due, woken] in ms of the
// monotonic clock.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "base/clock.h"

namespace {

constexpr int64_t kPeriodNs = 2 * base::kNsPerMs;
/** Above the engine's (engine/run_loop.h). */
constexpr int kPriority = 60;

/** Written by the watching thread, read by the printing one; a full list forgets and says so. */
struct Stall {
  int64_t due_ns;
  int64_t woken_ns;
};
constexpr size_t kStalls = 16'384;

struct Witness {
  Stall stalls[kStalls] = {};
  std::atomic<size_t> stall_count{0};
  size_t printed = 0;
  int cpu = 0;
  std::atomic<bool> stop{false};
  std::atomic<bool> realtime{false};
  std::atomic<uint64_t> wakes{0};
  std::atomic<uint64_t> late_1ms{0};
  std::atomic<uint64_t> late_5ms{0};
  std::atomic<int64_t> worst_ns{0};
};

void sleep_until(int64_t time_ns) {
  timespec until{};
  until.tv_sec = static_cast<time_t>(time_ns / base::kNsPerSecond);
  until.tv_nsec = static_cast<long>(time_ns % base::kNsPerSecond);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

void* watch(void* argument) {
  auto* witness = static_cast<Witness*>(argument);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(witness->cpu), &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  sched_param wanted{};
  wanted.sched_priority = kPriority;
  witness->realtime = pthread_setschedparam(pthread_self(), SCHED_FIFO, &wanted) == 0;
  int64_t due = base::monotonic_ns();
  while (!witness->stop.load(std::memory_order_relaxed)) {
    due += kPeriodNs;
    sleep_until(due);
    const int64_t woken = base::monotonic_ns();
    const int64_t late = woken - due;
    if (late > base::kNsPerMs) {
      const size_t at = witness->stall_count.load(std::memory_order_relaxed);
      witness->stalls[at % kStalls] = {due, woken};
      witness->stall_count.store(at + 1, std::memory_order_release);
    }
    witness->wakes++;
    if (late > 5 * base::kNsPerMs) {
      witness->late_5ms++;
    } else if (late > base::kNsPerMs) {
      witness->late_1ms++;
    }
    if (late > witness->worst_ns) witness->worst_ns = late;
  }
  return nullptr;
}

void print_stalls(Witness& witness) {
  const size_t count = witness.stall_count.load(std::memory_order_acquire);
  // The one behind the oldest may be under the writer's hand.
  const size_t kept = count > kStalls - 64 ? count - (kStalls - 64) : 0;
  std::printf(",\"forgotten\":%zu,\"stalls\":[",
              kept > witness.printed ? kept - witness.printed : 0);
  const char* before = "";
  for (size_t i = witness.printed > kept ? witness.printed : kept; i < count; i++) {
    const Stall& stall = witness.stalls[i % kStalls];
    std::printf("%s[%.3f,%.3f]", before, static_cast<double>(stall.due_ns) / 1e6,
                static_cast<double>(stall.woken_ns) / 1e6);
    before = ",";
  }
  witness.printed = count;
  std::printf("]");
}

void print(Witness& witness) {
  std::printf("{\"realtime\":%s,\"wakes\":%llu,\"late1Ms\":%llu,\"late5Ms\":%llu,\"worstMs\":%.2f",
              witness.realtime ? "true" : "false", static_cast<unsigned long long>(witness.wakes),
              static_cast<unsigned long long>(witness.late_1ms),
              static_cast<unsigned long long>(witness.late_5ms),
              static_cast<double>(witness.worst_ns) / 1e6);
  print_stalls(witness);
  std::printf("}\n");
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: stall_witness CPU\n");
    return 2;
  }
  Witness witness;
  witness.cpu = std::atoi(arguments[1]);
  signal(SIGINT, SIG_IGN);  // Ctrl-C is for the parent, which then closes our stdin
  pthread_t thread;
  if (pthread_create(&thread, nullptr, watch, &witness) != 0) {
    std::fprintf(stderr, "stall_witness: no thread\n");
    return 1;
  }
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) print(witness);
  witness.stop.store(true, std::memory_order_relaxed);
  pthread_join(thread, nullptr);
  print(witness);
  return 0;
}
