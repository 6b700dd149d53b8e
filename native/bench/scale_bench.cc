// What grows with the number of conferees: `build/Release/scale_bench memory|growth|idle [codec]`.
// One engine, without sockets and in virtual time. `memory`: bytes in the memory of the machine, by
// part. `growth`: CPU time of a conferee from 100 to 4,000. `idle`: of conferences in which nothing
// happens. JSON for bench/scale.ts. `--instructions`, under callgrind: a dump for each size.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/clock.h"
#include "bench/callgrind.h"
#include "bench/engine_memory.h"
#include "bench/feed_link.h"
#include "codec/codec.h"
#include "engine/engine.h"

namespace {

/** By default of the program. */
constexpr uint8_t kContributors = 8;
constexpr uint32_t kTalkers = 3;

const codec::Codec& codec_named(const std::string& name, abi::CodecKind& kind) {
  kind = name == "opus"   ? abi::CodecKind::opus
         : name == "g722" ? abi::CodecKind::g722
                          : abi::CodecKind::pcmu;
  return *engine::codec_of(kind);
}

uint8_t payload_type_of(abi::CodecKind kind) {
  return kind == abi::CodecKind::opus ? 111 : kind == abi::CodecKind::g722 ? 9 : 0;
}

/** A second of syllables at this amplitude, over a little noise. */
bench::Voice voice_of(const codec::Codec& codec, abi::CodecKind kind, double amplitude) {
  bench::Voice voice;
  voice.payload_type = payload_type_of(kind);
  voice.units = static_cast<uint32_t>(codec.rtp_clock_hz) / 50;
  std::vector<uint64_t> memory(codec.encoder_bytes / 8 + 16);
  const auto at = reinterpret_cast<uintptr_t>(memory.data());
  void* state = reinterpret_cast<void*>((at + 63) & ~uintptr_t{63});
  if (codec.encoder_bytes > 0) codec.init_encoder(state, codec::Params{});
  uint32_t random = 1;
  const int samples = codec.sample_rate_hz / 50;
  for (int frame = 0; frame < 50; frame++) {
    int16_t pcm[960];
    for (int i = 0; i < samples; i++) {
      random = random * 1664525u + 1013904223u;
      const double seconds = static_cast<double>(frame * samples + i) / codec.sample_rate_hz;
      const double syllable = 0.6 + 0.4 * std::sin(seconds * 25);
      pcm[i] = static_cast<int16_t>(amplitude * syllable * std::sin(seconds * 1500) +
                                    static_cast<double>(random >> 27) - 16);
    }
    std::vector<uint8_t> payload(1440);
    const int bytes = codec.encode(state, pcm, samples, payload.data(), 1440);
    payload.resize(static_cast<size_t>(std::max(bytes, 0)));
    voice.payloads.push_back(payload);
  }
  return voice;
}

/** An engine with its shared memory, its peers, and virtual time. */
class Scene {
 public:
  Scene(const std::string& codec_name, uint32_t legs, uint32_t conferences)
      : codec_(codec_named(codec_name, kind_)),
        loud_(voice_of(codec_, kind_, 6000)),
        quiet_(voice_of(codec_, kind_, 0)),
        link_(legs),
        memory_({.legs = legs}) {
    const engine::SharedMemory memory = memory_.view();
    engine::Limits limits;
    limits.legs = legs;
    limits.conferences = conferences;
    engine_ = std::make_unique<engine::Engine>(memory, limits, link_, 1);
    ring_ = base::SharedRing(memory.commands, memory.command_bytes, abi::kCommandSlotBytes);
  }

  void open_conference(uint32_t index) {
    abi::OpenConferenceCommand open{};
    open.conference = index | 0x10000;
    open.contributors = kContributors;
    command(open);
  }
  void join(uint32_t leg, uint32_t conference, bool talks, bool silent = false) {
    abi::OpenLegCommand open{};
    open.leg = leg | 0x10000;
    open.rtp_fd = static_cast<int>(2 * leg);
    open.rtcp_fd = static_cast<int>(2 * leg + 1);
    open.ssrc = 0x10000 + leg;
    command(open);
    abi::ConfigureCommand configure{};
    configure.leg = open.leg;
    const net::Address peer = bench::FeedLink::peer_of(leg);
    std::memcpy(configure.address, peer.ip, sizeof configure.address);
    configure.family = 4;
    configure.port = peer.port;
    configure.direction = static_cast<uint8_t>(abi::Direction::sendrecv);
    configure.ptime_ms = 20;
    configure.send_codec = configure.receive_codecs[0] = static_cast<uint8_t>(kind_);
    configure.send_rate_khz = configure.receive_rates_khz[0] =
        static_cast<uint8_t>(codec_.sample_rate_hz / 1000);
    configure.send_payload_type = configure.receive_payload_types[0] = payload_type_of(kind_);
    configure.receive_count = 1;
    configure.event_send_payload_type = 101;
    configure.comfort_noise_payload_type = abi::kNoPayloadType;
    command(configure);
    abi::RouteCommand route{};
    route.leg = open.leg;
    route.kind = static_cast<uint8_t>(abi::RouteKind::conference);
    route.target = conference | 0x10000;
    command(route);
    if (!silent) link_.speak(leg, talks ? &loud_ : &quiet_);
  }
  void run(int periods) {
    for (int i = 0; i < periods; i++) {
      link_.next_tick();
      for (uint32_t phase = 0; phase < engine::kPhases; phase++) step();
    }
    while (from_engine().front() != nullptr) from_engine().pop();
  }
  engine::Context& context() { return engine_->context(); }
  uint64_t sent() const { return link_.sent(); }
  base::Mapped<uint8_t>& statistics() { return memory_.statistics; }

 private:
  template <class T>
  void command(T value) {
    value.type = static_cast<uint32_t>(T::kType);
    uint8_t* slot = ring_.reserve();
    while (slot == nullptr) {
      step();
      slot = ring_.reserve();
    }
    std::memcpy(slot, &value, sizeof value);
    ring_.commit();
  }
  void step() {
    engine_->tick(now_);
    now_ += engine::kPhaseNs;
  }
  base::SharedRing& from_engine() {
    if (!attached_) {
      events_ring_ =
          base::SharedRing(memory_.events.data(), memory_.events.size(), abi::kEventSlotBytes);
      attached_ = true;
    }
    return events_ring_;
  }

  abi::CodecKind kind_ = abi::CodecKind::pcmu;
  const codec::Codec& codec_;
  const bench::Voice loud_;
  const bench::Voice quiet_;
  bench::FeedLink link_;
  bench::EngineMemory memory_;
  std::unique_ptr<engine::Engine> engine_;
  base::SharedRing ring_;
  base::SharedRing events_ring_;
  bool attached_ = false;
  int64_t now_ = 1'000'000'000;
};

/** Conferences of so many members each, the first few of them talking. */
void fill(Scene& scene, uint32_t legs, uint32_t size) {
  for (uint32_t leg = 0; leg < legs; leg++) {
    if (leg % size == 0) scene.open_conference(leg / size);
    scene.join(leg, leg / size, leg % size < kTalkers);
  }
  scene.run(100);
}

/** Pages of this memory that are there and are its own; the page of zeros that reading maps is not.
 */
size_t resident_bytes(const void* data, size_t bytes) {
  if (data == nullptr || bytes == 0) return 0;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const size_t first = reinterpret_cast<uintptr_t>(data) / page;
  const size_t count = (bytes + page - 1) / page;
  size_t resident = 0;
  std::vector<uint64_t> entries(4096);
  for (size_t at = 0; at < count; at += entries.size()) {
    const size_t wanted = std::min(entries.size(), count - at) * sizeof(uint64_t);
    const ssize_t got = pread(file, entries.data(), wanted, static_cast<off_t>((first + at) * 8));
    for (size_t i = 0; got > 0 && i < static_cast<size_t>(got) / 8; i++) {
      // Present, and mapped by this process only (Documentation/admin-guide/mm/pagemap.rst).
      resident += (entries[i] >> 63 & entries[i] >> 56 & 1) * page;
    }
  }
  close(file);
  return resident;
}

struct Part {
  const char* name;
  size_t bytes;
};

template <class T>
size_t of(base::Mapped<T>& mapped) {
  return resident_bytes(mapped.data(), mapped.size() * sizeof(T));
}

template <size_t count>
size_t of(base::Pool (&pools)[count]) {
  size_t sum = 0;
  for (base::Pool& pool : pools) sum += of(pool.memory());
  return sum;
}

std::vector<Part> parts_of(Scene& scene) {
  engine::Context& c = scene.context();
  return {
      {"legs", of(c.legs)},
      {"jitter buffers: state", of(c.playouts)},
      {"jitter buffers: packets, concealment, samples", of(c.playout_memory)},
      {"decoders", of(c.decoders)},
      {"encoders of their own", of(c.encoders)},
      {"encoders that members share", of(c.shared_encoder_states)},
      {"payloads that wait", of(c.held_payloads.memory())},
      {"resamplers", of(c.resamplers)},
      {"noise suppressors", of(c.suppressors)},
      {"digits and tones", of(c.detectors) + of(c.tones)},
      {"conferences", of(c.conferences) + of(c.shared_silence)},
      {"frames of the conference at work", of(c.contributions) + of(c.additions)},
      {"lists", of(c.own_list) + of(c.listener_list) + of(c.candidate_list) + of(c.leaving_list) +
                    of(c.halves) + of(c.relays)},
      {"statistics", of(scene.statistics())},
  };
}

void measure_memory(const std::string& codec) {
  constexpr uint32_t kLegs[] = {0, 500, 1500};
  std::printf("[");
  for (const uint32_t legs : kLegs) {
    Scene scene(codec, 2000, 2000);
    scene.run(1);
    if (legs > 0) fill(scene, legs, 10);
    std::printf("%s\n {\"legs\": %u, \"parts\": [", legs == 0 ? "" : ",", legs);
    bool first = true;
    for (const Part& part : parts_of(scene)) {
      std::printf("%s\n  {\"name\": \"%s\", \"bytes\": %zu}", first ? "" : ",", part.name,
                  part.bytes);
      first = false;
    }
    std::printf("]}");
  }
  std::printf("\n]\n");
}

/** Best of several rounds: other work on the machine only ever adds. */
double ns_a_period(Scene& scene, int rounds, int periods) {
  double best = 1e30;
  for (int round = 0; round < rounds; round++) {
    const int64_t start = base::thread_cpu_ns();
    scene.run(periods);
    best = std::min(best, static_cast<double>(base::thread_cpu_ns() - start) / periods);
  }
  return best;
}

class Figures {
 public:
  explicit Figures(bool instructions) : instructions_(instructions) {
    if (!instructions_) std::printf("[");
  }
  ~Figures() { std::printf(instructions_ ? "" : "\n]\n"); }

  /** The mean of a period, over `units` of something. */
  void measure(const char* shape, uint32_t count, Scene& scene) {
    constexpr int kCounted = 50;  // a whole second: reports and statistics come in it
    if (instructions_) {
      callgrind::zero();
      scene.run(kCounted);
      char title[120];
      std::snprintf(title, sizeof title, "%d|%s|%u", kCounted, shape, count);
      callgrind::dump(title);
      return;
    }
    const double ns = ns_a_period(scene, 15, kCounted);
    std::printf("%s\n  {\"shape\": \"%s\", \"count\": %u, \"ns\": %.0f}", first_ ? "" : ",", shape,
                count, ns);
    std::fflush(stdout);
    first_ = false;
  }

 private:
  bool instructions_;
  bool first_ = true;
};

void measure_growth(const std::string& codec, bool instructions) {
  Figures figures(instructions);
  for (const uint32_t legs : {100u, 300u, 1000u, 2000u, 4000u}) {
    {
      Scene scene(codec, legs, legs);
      fill(scene, legs, 10);
      figures.measure("conferences of 10", legs, scene);
    }
    Scene scene(codec, legs, legs);
    fill(scene, legs, legs);
    figures.measure("one conference", legs, scene);
  }
}

void measure_idle(const std::string& codec, bool instructions) {
  Figures figures(instructions);
  {
    Scene scene(codec, 16, 2000);
    scene.run(100);
    figures.measure("nothing open", 0, scene);
  }
  Scene scene(codec, 16, 2000);
  // One leg elsewhere keeps the ticks going.
  scene.open_conference(1999);
  scene.join(0, 1999, false);
  scene.run(100);
  figures.measure("one conferee", 1, scene);
  for (uint32_t i = 0; i < 1000; i++) scene.open_conference(i);
  scene.run(100);
  figures.measure("one conferee, and empty conferences", 1000, scene);
  Scene quiet(codec, 2000, 1000);
  for (uint32_t i = 0; i < 1000; i++) {
    quiet.open_conference(i);
    quiet.join(2 * i, i, false, true);
    quiet.join(2 * i + 1, i, false, true);
  }
  quiet.run(100);
  figures.measure("conferences of two who say nothing", 1000, quiet);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  std::string codec = "pcmu";
  bool instructions = false;
  for (int i = 2; i < argc; i++) {
    if (std::string(argv[i]) == "--instructions") {
      instructions = true;
    } else {
      codec = argv[i];
    }
  }
  if (what == "memory") {
    measure_memory(codec);
  } else if (what == "growth") {
    measure_growth(codec, instructions);
  } else if (what == "idle") {
    measure_idle(codec, instructions);
  } else {
    std::fprintf(stderr, "scale_bench memory|growth|idle [pcmu|g722|opus] [--instructions]\n");
    return 2;
  }
  return 0;
}
