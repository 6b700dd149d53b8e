// Load on one engine thread over real sockets on the loopback, without Node: conferences of PCMU
// callers that all send every frame; one caller of each speaks in bursts. Prints CPU a conferee,
// losses, lateness, and the delay from the packet that begins a burst to the packet that carries it
// to a listener.
//
//   build/Release/engine_load [conferences] [size] [seconds] [realtime 0|1] [engine cpu] [client
//   cpu]
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "bench/engine_memory.h"
#include "engine/run_loop.h"
#include "net/udp_link.h"
#include "rtp/packet.h"

namespace {

constexpr int kFrame = 160;
constexpr int64_t kPeriodNs = 20'000'000;
constexpr uint16_t kFirstPort = 28000;
/** A burst of 200 ms each 2 s. */
constexpr int kBurstEvery = 100;
constexpr int kBurstFrames = 10;

struct Caller {
  int socket = -1;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint16_t last_received = 0;
  bool received = false;
  uint64_t packets_in = 0;
  uint64_t lost = 0;
  int64_t offset_ns = 0;
  int64_t burst_ns = 0;  // of the talker: when the present burst began
  bool heard = true;     // of the listener: the present burst is measured
};

struct Options {
  int conferences = 150;
  int size = 10;
  int seconds = 20;
  bool realtime = true;
  int engine_cpu = 0;
  int client_cpu = 1;
};

net::Address local(uint16_t port) {
  net::Address address;
  net::parse_address("127.0.0.1", port, address);
  return address;
}

template <class T>
void command(base::SharedRing& ring, T value) {
  value.type = static_cast<uint32_t>(T::kType);
  uint8_t* slot = ring.reserve();
  while (slot == nullptr) {
    usleep(1000);
    slot = ring.reserve();
  }
  std::memcpy(slot, &value, sizeof value);
  ring.commit();
}

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(cpu), &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

bool open_all(const Options& options, base::SharedRing& ring, std::vector<Caller>& callers) {
  const int legs = options.conferences * options.size;
  for (int c = 0; c < options.conferences; c++) {
    abi::OpenConferenceCommand open{};
    open.conference = static_cast<uint32_t>(c) | 0x10000;
    command(ring, open);
  }
  for (int i = 0; i < legs; i++) {
    const auto port = static_cast<uint16_t>(kFirstPort + 2 * i);
    abi::OpenLegCommand open{};
    open.leg = static_cast<uint32_t>(i) | 0x10000;
    open.rtp_fd = net::open_udp(local(port));
    open.rtcp_fd = net::open_udp(local(static_cast<uint16_t>(port + 1)));
    open.ssrc = 0x10000u + static_cast<uint32_t>(i);
    Caller& caller = callers[static_cast<size_t>(i)];
    const auto caller_port = static_cast<uint16_t>(kFirstPort + 2 * legs + i);
    caller.socket = net::open_udp(local(caller_port));
    if (open.rtp_fd < 0 || open.rtcp_fd < 0 || caller.socket < 0) return false;
    net::UdpLink().connect(caller.socket, local(port));
    caller.offset_ns = (static_cast<int64_t>(i) * 7919 % 1000) * kPeriodNs / 1000;
    command(ring, open);
    abi::ConfigureCommand configure{};
    configure.leg = open.leg;
    const net::Address to = local(caller_port);
    std::memcpy(configure.address, to.ip, 16);
    configure.family = 4;
    configure.port = caller_port;
    configure.direction = static_cast<uint8_t>(abi::Direction::sendrecv);
    configure.ptime_ms = 20;
    configure.send_codec = static_cast<uint8_t>(abi::CodecKind::pcmu);
    configure.send_rate_khz = 8;
    configure.receive_rates_khz[0] = 8;
    configure.event_send_payload_type = 101;
    configure.comfort_noise_payload_type = abi::kNoPayloadType;
    configure.receive_count = 1;
    configure.receive_codecs[0] = static_cast<uint8_t>(abi::CodecKind::pcmu);
    command(ring, configure);
    abi::RouteCommand route{};
    route.leg = open.leg;
    route.kind = static_cast<uint8_t>(abi::RouteKind::conference);
    route.target = static_cast<uint32_t>(i / options.size) | 0x10000;
    command(ring, route);
  }
  return true;
}

struct Client {
  const Options& options;
  std::vector<Caller>& callers;
  std::vector<double> delays;
  uint8_t speech[kFrame];
  uint8_t noise[kFrame];
  net::UdpLink link;

  Client(const Options& given, std::vector<Caller>& all) : options(given), callers(all) {
    for (int i = 0; i < kFrame; i++) {
      // 0x10 and 0x90 are loud; the quietest codes around zero are line noise.
      speech[i] = i / 8 % 2 == 0 ? 0x10 : 0x90;
      noise[i] = i % 3 == 0 ? 0xfe : i % 3 == 1 ? 0x7e : 0xff;
    }
  }

  void send(size_t index, int64_t frame) {
    Caller& caller = callers[index];
    const size_t conference = index / static_cast<size_t>(options.size);
    const bool talker = index % static_cast<size_t>(options.size) == 0;
    const int64_t place = (frame + static_cast<int64_t>(conference) * 13) % kBurstEvery;
    const bool speaks = talker && place < kBurstFrames;
    if (talker && place == 0) {
      caller.burst_ns = base::read_clock_ns(CLOCK_REALTIME);
      callers[index + 1].heard = false;
    }
    uint8_t packet[rtp::kHeaderBytes + kFrame];
    rtp::write_header(packet, {caller.timestamp, static_cast<uint32_t>(index) + 1,
                               caller.sequence++, 0, 0, false});
    caller.timestamp += kFrame;
    std::memcpy(packet + rtp::kHeaderBytes, speaks ? speech : noise, kFrame);
    link.send(caller.socket, packet, sizeof packet);
  }

  void drain(size_t index) {
    Caller& caller = callers[index];
    uint8_t bytes[1600];
    int count;
    // When the kernel had the packet: a late client must not be measured.
    int64_t arrival_ns = 0;
    while ((count = link.receive(caller.socket, bytes, sizeof bytes, nullptr, &arrival_ns)) >= 0) {
      rtp::Packet packet;
      if (!rtp::parse(bytes, static_cast<size_t>(count), packet)) continue;
      caller.packets_in++;
      if (caller.received) {
        const auto step = static_cast<uint16_t>(packet.sequence - caller.last_received);
        if (step > 1 && step < 1000) caller.lost += step - 1u;
      }
      caller.received = true;
      caller.last_received = packet.sequence;
      if (caller.heard || index % static_cast<size_t>(options.size) != 1) continue;
      // The first loud sample inside the frame tells how much of it was silence before the burst.
      for (uint32_t i = 0; i < packet.payload_bytes; i++) {
        if ((packet.payload[i] & 0x7f) > 0x40) continue;
        caller.heard = true;
        const double ms = static_cast<double>(arrival_ns - callers[index - 1].burst_ns) / 1e6;
        delays.push_back(ms + i / 8.0);
        break;
      }
    }
  }

  void run(const std::atomic<bool>& stop) {
    pin(options.client_cpu);
    // The callers must not be late themselves, or their lateness is measured.
    sched_param parameters{};
    parameters.sched_priority = 10;
    if (options.realtime) pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters);
    const int64_t origin = base::monotonic_ns() + kPeriodNs;
    std::vector<int64_t> frames(callers.size(), 0);
    while (!stop.load()) {
      const int64_t now = base::monotonic_ns();
      for (size_t i = 0; i < callers.size(); i++) {
        if (now >= origin + frames[i] * kPeriodNs + callers[i].offset_ns) send(i, frames[i]++);
        if (i % static_cast<size_t>(options.size) == 1) drain(i);
      }
      for (size_t i = 0; i < callers.size(); i++) {
        if (i % 16 == static_cast<size_t>(now / 1'000'000 % 16)) drain(i);
      }
      usleep(500);
    }
    usleep(100'000);
    for (size_t i = 0; i < callers.size(); i++) drain(i);
  }
};

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return NAN;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  int* const numbers[] = {&options.conferences, &options.size, &options.seconds};
  for (int i = 0; i < 3 && i + 1 < argc; i++) *numbers[i] = std::atoi(argv[i + 1]);
  if (argc > 4) options.realtime = std::atoi(argv[4]) != 0;
  if (argc > 5) options.engine_cpu = std::atoi(argv[5]);
  if (argc > 6) options.client_cpu = std::atoi(argv[6]);
  const int legs = options.conferences * options.size;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  bench::EngineMemory memory({.legs = static_cast<uint32_t>(legs), .command_slots = 65536});
  engine::Limits limits;
  limits.legs = limits.conferences = static_cast<uint32_t>(legs);
  net::UdpLink link;
  const engine::SharedMemory view = memory.view();
  engine::Engine engine(view, limits, link, 1);
  base::SharedRing ring(view.commands, view.command_bytes, abi::kCommandSlotBytes);
  std::vector<Caller> callers(static_cast<size_t>(legs));
  if (!open_all(options, ring, callers)) {
    std::printf("cannot open the sockets\n");
    return 1;
  }
  std::thread tick([&] {
    engine::RunOptions run;
    run.realtime = options.realtime;
    run.cpu = options.engine_cpu;
    engine::run(engine, run);
  });
  Client client(options, callers);
  std::atomic<bool> stop{false};
  std::thread traffic([&] { client.run(stop); });
  usleep(2'000'000);
  clockid_t cpu_clock{};
  pthread_getcpuclockid(tick.native_handle(), &cpu_clock);
  const int64_t cpu_start = base::read_clock_ns(cpu_clock);
  const int64_t start = base::monotonic_ns();
  const engine::Counters before = engine.context().count;
  usleep(static_cast<useconds_t>(options.seconds) * 1'000'000);
  const double cpu = static_cast<double>(base::read_clock_ns(cpu_clock) - cpu_start) / 1e9;
  const double wall = static_cast<double>(base::monotonic_ns() - start) / 1e9;
  const engine::Counters after = engine.context().count;
  abi::WorkerRecord record;
  std::memcpy(&record, view.statistics, sizeof record);
  stop.store(true);
  traffic.join();
  uint64_t lost_out = 0;
  uint64_t received = 0;
  for (const Caller& caller : callers) {
    lost_out += caller.lost;
    received += caller.packets_in;
  }
  uint64_t lost_in = 0;
  for (int i = 0; i < legs; i++) {
    lost_in += engine.context().legs[static_cast<size_t>(i)].stream.lost();
  }
  std::vector<double> buffered;
  std::vector<double> wanted;
  for (int i = 0; i < legs; i++) {
    const jitter::Statistics statistics =
        engine.context().playouts[static_cast<size_t>(i)].buffer.statistics();
    buffered.push_back(static_cast<double>(statistics.delay_ns) / 1e6);
    wanted.push_back(static_cast<double>(statistics.target_ns) / 1e6);
  }
  std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t*>(view.commands + abi::kRingStopOffset))
      .store(1);
  tick.join();

  std::printf("legs %d (%d x %d), %.0f s, realtime %s\n", legs, options.conferences, options.size,
              wall, record.realtime != 0 ? "yes" : "no");
  std::printf("cpu %.1f %% of a core, %.3f ms a conferee-second, %.2f us a frame\n",
              cpu / wall * 100, cpu * 1000 / wall / legs, cpu * 1e6 / wall / legs / 50);
  std::printf(
      "packets in %llu out %llu, lost in %llu, lost out %llu (received %llu), send errors %llu\n",
      static_cast<unsigned long long>(after.packets_received - before.packets_received),
      static_cast<unsigned long long>(after.packets_sent - before.packets_sent),
      static_cast<unsigned long long>(lost_in), static_cast<unsigned long long>(lost_out),
      static_cast<unsigned long long>(received),
      static_cast<unsigned long long>(after.send_errors));
  std::printf(
      "ticks on time %llu, late over 1 ms %llu, over 5 ms %llu, skipped %llu; p99 %.2f ms; busy "
      "%.2f\n",
      static_cast<unsigned long long>(after.ticks_on_time - before.ticks_on_time),
      static_cast<unsigned long long>(after.ticks_late_1ms - before.ticks_late_1ms),
      static_cast<unsigned long long>(after.ticks_late_5ms - before.ticks_late_5ms),
      static_cast<unsigned long long>(after.ticks_skipped - before.ticks_skipped),
      record.lateness_p99_ms, record.busy_share);
  std::printf("concealed %llu, encoded %llu, shared %llu\n",
              static_cast<unsigned long long>(after.frames_concealed - before.frames_concealed),
              static_cast<unsigned long long>(after.frames_encoded - before.frames_encoded),
              static_cast<unsigned long long>(after.frames_shared - before.frames_shared));
  std::printf("delay of bursts (%zu): p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, max %.1f ms\n",
              client.delays.size(), percentile(client.delays, 0.5), percentile(client.delays, 0.9),
              percentile(client.delays, 0.99), percentile(client.delays, 1.0));
  std::printf(
      "jitter buffers: delay p50 %.1f ms, p90 %.1f, max %.1f; target p50 %.1f, p90 %.1f, max "
      "%.1f\n",
      percentile(buffered, 0.5), percentile(buffered, 0.9), percentile(buffered, 1.0),
      percentile(wanted, 0.5), percentile(wanted, 0.9), percentile(wanted, 1.0));
  return 0;
}
