// Aim: no data race between an engine's thread and the one that commands it. Method: two engines
// tick on threads of their own, one in virtual time as fast as it can, one by the run loop, while
// this thread sends random commands, empties the events and the recordings and reads the
// statistics. Made for ThreadSanitizer (`npm run check:native`), which sees what the rings promise.
#include <array>
#include <atomic>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "base/published_record.h"
#include "bench/engine_memory.h"
#include "bench/feed_link.h"
#include "engine/run_loop.h"
#include "test/test.h"

namespace {

constexpr uint32_t kLegs = 48;
constexpr uint32_t kConferences = 6;
constexpr uint32_t kRecordings = 4;
constexpr size_t kRecordingBytes = abi::kRecordRingHeaderBytes + 65536;
constexpr uint32_t kPromptList = 32768;
constexpr abi::CodecKind kKinds[] = {abi::CodecKind::pcmu, abi::CodecKind::g722,
                                     abi::CodecKind::opus, abi::CodecKind::l16};

std::atomic_ref<uint32_t> word(uint8_t* at) {
  return std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t*>(at));
}

/** One engine with its memory, and what the commanding side knows of it. */
class Worker {
 public:
  explicit Worker(uint64_t seed)
      : random_(seed),
        link_(kLegs),
        memory_({.legs = kLegs,
                 .command_slots = 256,
                 .event_slots = 256,
                 .prompt_bytes = 65536,
                 .recordings = kRecordings,
                 .recording_bytes = kRecordingBytes}) {
    const engine::SharedMemory memory = memory_.view();
    engine::Limits limits;
    limits.legs = kLegs;
    limits.conferences = kConferences;
    engine_ = std::make_unique<engine::Engine>(memory, limits, link_, seed);
    to_engine_ = base::SharedRing(memory.commands, memory.command_bytes, abi::kCommandSlotBytes);
    from_engine_ = base::SharedRing(memory.events, memory.event_bytes, abi::kEventSlotBytes);
    voice_.payloads.resize(7);
    for (auto& payload : voice_.payloads) {
      for (int i = 0; i < 160; i++) payload.push_back(static_cast<uint8_t>(random_.next()));
    }
    for (uint32_t leg = 0; leg < kLegs; leg++) link_.speak(leg, &voice_);
    generations_.fill(1);
  }

  /** The engine's thread. */
  void tick_until_stopped() {
    int64_t now = 1'000'000'000;
    engine::LoadMeter meter;
    for (uint32_t phase = 0; !engine_->stop_requested(); phase++) {
      if (phase % engine::kPhases == 0) link_.next_tick();
      engine_->tick(now);
      now += engine::kPhaseNs;
      if (phase % 125 == 0) engine_->publish(meter, false, now);
    }
  }
  void run_until_stopped() { engine::run(*engine_, engine::RunOptions{}); }

  // The commanding thread.
  void stop() {
    word(memory_.commands.data() + abi::kRingStopOffset).store(1, std::memory_order_release);
  }
  void round() {
    for (int i = 0; i < 20; i++) random_command();
    while (const uint8_t* slot = from_engine_.front()) {
      uint32_t type;
      std::memcpy(&type, slot, sizeof type);
      events_seen += type < 1000 ? 1 : 0;
      from_engine_.pop();
    }
    read_statistics();
    read_recordings();
  }
  uint64_t commands_sent = 0;
  uint64_t events_seen = 0;
  uint64_t records_read = 0;
  uint64_t samples_read = 0;
  int64_t samples_sum = 0;  // so that every sample is really read
  double packets = 0;

 private:
  template <class T>
  void command(T value) {
    value.type = static_cast<uint32_t>(T::kType);
    uint8_t* slot = to_engine_.reserve();
    if (slot == nullptr) return;
    std::memcpy(slot, &value, sizeof value);
    to_engine_.commit();
    commands_sent++;
  }
  uint32_t handle(uint32_t leg) const { return leg | generations_[leg] << 16; }
  uint32_t conference() { return static_cast<uint32_t>(random_.below(kConferences)) | 0x10000; }

  void open(uint32_t leg) {
    abi::OpenLegCommand open{};
    open.leg = handle(leg);
    open.rtp_fd = static_cast<int>(2 * leg);
    open.rtcp_fd = static_cast<int>(2 * leg + 1);
    open.inband_digits = leg % 3 == 0 ? 1 : 0;
    command(open);
    const abi::CodecKind kind = kKinds[random_.below(4)];
    const codec::Codec* codec = engine::codec_of(kind);
    abi::ConfigureCommand configure{};
    configure.leg = open.leg;
    const net::Address peer = bench::FeedLink::peer_of(leg);
    std::memcpy(configure.address, peer.ip, sizeof configure.address);
    configure.family = 4;
    configure.port = peer.port;
    configure.direction = static_cast<uint8_t>(abi::Direction::sendrecv);
    configure.ptime_ms = random_.below(3) == 0 ? 40 : 20;
    configure.send_codec = static_cast<uint8_t>(kind);
    configure.send_rate_khz =
        static_cast<uint8_t>(codec == nullptr ? 8 : codec->sample_rate_hz / 1000);
    configure.receive_codecs[0] = static_cast<uint8_t>(abi::CodecKind::pcmu);
    configure.receive_rates_khz[0] = 8;
    configure.receive_count = 1;
    configure.event_send_payload_type = leg % 2 == 0 ? 101 : abi::kNoPayloadType;
    configure.comfort_noise_payload_type = 13;
    command(configure);
  }
  void route(uint32_t leg) {
    abi::RouteCommand route{};
    route.leg = handle(leg);
    const int kind = random_.below(6);
    route.kind =
        static_cast<uint8_t>(kind < 4 ? kind : static_cast<int>(abi::RouteKind::conference));
    route.target = route.kind == static_cast<uint8_t>(abi::RouteKind::relay)
                       ? handle(static_cast<uint32_t>(random_.below(kLegs)))
                       : conference();
    command(route);
  }
  /** New words into the arena before the command that names them. */
  void play(uint32_t leg) {
    auto* samples = reinterpret_cast<int16_t*>(memory_.prompts.data() + 64 + leg * 640);
    if (played_[leg]) return;
    played_[leg] = true;
    for (int i = 0; i < 300; i++) samples[i] = static_cast<int16_t>(random_.below(9000));
    const uint32_t entry[2] = {64 + leg * 640, 300};
    std::memcpy(memory_.prompts.data() + kPromptList + leg * 8, entry, sizeof entry);
    abi::PlayCommand play{};
    play.leg = handle(leg);
    play.playback = leg + 1;
    play.list_offset = kPromptList + leg * 8;
    play.count = 1;
    play.gain = 0.7f;
    play.loop = 1;
    play.mode = static_cast<uint8_t>(random_.below(2));
    command(play);
  }
  void record(uint32_t leg) {
    abi::StartRecordingCommand start{};
    start.leg = handle(leg);
    start.ring = leg % kRecordings;
    start.rate_hz = 8000;
    start.max_ms = 500;
    start.side = static_cast<uint8_t>(random_.below(3));
    command(start);
  }
  void random_command() {
    const auto leg = static_cast<uint32_t>(random_.below(kLegs));
    switch (random_.below(10)) {
      case 0:
      case 1:
        open(leg);
        break;
      case 2:
      case 3:
      case 4:
        route(leg);
        break;
      case 5: {
        abi::CloseLegCommand close{};
        close.leg = handle(leg);
        command(close);
        generations_[leg] = generations_[leg] % 1000 + 1;
        break;
      }
      case 6:
        play(leg);
        break;
      case 7:
        record(leg);
        break;
      case 8: {
        abi::OpenConferenceCommand open{};
        open.conference = conference();
        open.contributors = 3;
        open.automatic_gain = open.noise_suppression = 1;
        command(open);
        break;
      }
      default: {
        abi::HearCommand hear{};
        hear.leg = handle(leg);
        hear.audience = static_cast<uint8_t>(random_.below(4));
        hear.hears = 1;
        hear.count = 1;
        hear.named[0] = static_cast<uint8_t>(random_.below(32));
        command(hear);
        abi::SendDigitsCommand digits{};
        digits.leg = handle(leg);
        digits.count = 3;
        digits.duration_ms = 80;
        command(digits);
        break;
      }
    }
  }
  void read_statistics() {
    abi::WorkerRecord worker;
    auto* record = reinterpret_cast<abi::WorkerRecord*>(memory_.statistics.data());
    if (base::read_published(record, worker)) packets = worker.packets_sent;
    auto* legs =
        reinterpret_cast<abi::LegRecord*>(memory_.statistics.data() + sizeof(abi::WorkerRecord));
    abi::LegRecord leg;
    for (uint32_t i = 0; i < kLegs; i++) {
      if (base::read_published(&legs[i], leg)) records_read++;
    }
  }
  void read_recordings() {
    for (uint32_t i = 0; i < kRecordings; i++) {
      uint8_t* ring = memory_.recordings.data() + i * kRecordingBytes;
      const uint32_t write = word(ring).load(std::memory_order_acquire);
      uint32_t read = word(ring + 64).load(std::memory_order_relaxed);
      for (; read != write; read += 2) {
        int16_t sample;
        std::memcpy(&sample, ring + abi::kRecordRingHeaderBytes + (read & 0xffff), sizeof sample);
        samples_read++;
        samples_sum += sample;
      }
      word(ring + 64).store(read, std::memory_order_release);
    }
  }

  test::Random random_;
  bench::Voice voice_;
  bench::FeedLink link_;
  bench::EngineMemory memory_;
  std::unique_ptr<engine::Engine> engine_;
  base::SharedRing to_engine_;
  base::SharedRing from_engine_;
  std::array<uint32_t, kLegs> generations_{};
  std::array<bool, kLegs> played_{};
};

void commands_while_ticking(test::Context& t) {
  Worker fast(1);
  Worker timed(2);
  std::thread first([&] { fast.tick_until_stopped(); });
  std::thread second([&] { timed.run_until_stopped(); });
  // As long as it takes until the slower one has sent a second of packets; never more than this.
  for (int round = 0; round < 100'000 && (timed.packets < 500 || fast.packets < 5000); round++) {
    fast.round();
    timed.round();
    std::this_thread::yield();
  }
  fast.stop();
  timed.stop();
  first.join();
  second.join();
  for (const Worker* worker : {&fast, &timed}) {
    EXPECT(t, worker->commands_sent > 100);
    EXPECT(t, worker->events_seen > 10);
    EXPECT(t, worker->records_read > 100);
    EXPECT(t, worker->packets > 0);
  }
  EXPECT(t, fast.samples_read > 0);
}

}  // namespace

int main(int argc, char** argv) {
  const test::Case cases[] = {
      {"threads: commands, events, statistics and recordings while engines tick",
       commands_while_ticking},
  };
  return test::run(cases, 1, argc > 1 ? argv[1] : nullptr);
}
