// A sender, a network and a tick in virtual time around one jitter::Buffer. The audio is modelled
// as a count of samples only; hints are obeyed as the playout obeys them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "jitter/buffer.h"
#include "test/test.h"

namespace test {

struct Sender {
  int packet_ms = 20;
  double drift_ppm = 0;  // Positive: the sender's clock is fast.
  uint16_t sequence = 1000;
  uint32_t timestamp = 5000;
  uint32_t ssrc = 0x1234;
  int64_t sent = 0;         // Packets so far.
  int64_t media_units = 0;  // Since start.
  int64_t start_ns = 7'300'000;
};

struct Totals {
  int64_t played = 0;
  int64_t conceal_units = 0;
  int64_t silence_units = 0;
  int64_t out_of_order = 0;
  int64_t compressed_units = 0;
  int64_t expanded_units = 0;
  int64_t overfull = 0;
  int64_t worst_delay_ns = 0;
  std::vector<int64_t> delays_ns;
};

class JitterSim {
 public:
  explicit JitterSim(uint64_t seed, jitter::Config config = {}) : random(seed), config_(config) {
    memory_.resize(jitter::Buffer::bytes_for(config) / 16 + 1);
    valid = buffer.init(memory_.data(), config);
  }

  // What becomes of a packet sent now: arrival delays of its copies; none: lost.
  using Network = std::function<std::vector<int64_t>(int64_t now_ns)>;
  // Called before each packet; false: the sender pauses for this packet's time.
  using Talks = std::function<bool(int64_t now_ns)>;

  void run(int64_t duration_ns, const Network& network, const Talks& talks = nullptr) {
    const int64_t end_ns = now_ns + duration_ns;
    while (now_ns < end_ns) {
      const int64_t tick_ns = now_ns + tick_ns_;
      send_until(tick_ns, network, talks);
      while (!in_flight_.empty() && in_flight_.begin()->first <= tick_ns) {
        jitter::Packet packet = in_flight_.begin()->second;
        packet.arrival_ns = in_flight_.begin()->first;
        packet.payload = bytes_;
        inserts[static_cast<size_t>(buffer.insert(packet))]++;
        in_flight_.erase(in_flight_.begin());
      }
      now_ns = tick_ns;
      tick();
    }
  }

  Sender sender;
  Random random;
  Totals totals;
  int64_t now_ns = 0;
  int64_t inserts[6] = {};
  bool valid = false;
  bool quiet = false;  // Audio may be cut anywhere.
  bool keep_delays = false;
  int64_t last_sequence = -1;
  jitter::Buffer buffer;

 private:
  void send_until(int64_t until_ns, const Network& network, const Talks& talks) {
    const int units = sender.packet_ms * config_.clock_hz / 1000;
    for (;;) {
      const double seconds = static_cast<double>(sender.media_units) / config_.clock_hz /
                             (1.0 + sender.drift_ppm * 1e-6);
      const int64_t at_ns = sender.start_ns + static_cast<int64_t>(seconds * 1e9);
      if (at_ns > until_ns) return;
      if (!talks || talks(at_ns)) {
        jitter::Packet packet{};
        packet.sequence = sender.sequence++;
        packet.timestamp = sender.timestamp;
        packet.ssrc = sender.ssrc;
        packet.bytes = 160;
        for (const int64_t delay_ns : network(at_ns)) in_flight_.emplace(at_ns + delay_ns, packet);
        sender.sent++;
      }
      sender.timestamp += static_cast<uint32_t>(units);
      sender.media_units += units;
    }
  }

  void tick() {
    const int frame = config_.pull_ms * config_.clock_hz / 1000;
    int rounds = 0;
    while (queued_units_ < frame && rounds++ < 20) {
      const jitter::Pull pull = buffer.pull(now_ns, frame - queued_units_);
      if (pull.action == jitter::Action::play) {
        play(pull);
      } else {
        queued_units_ += pull.units;
        (pull.action == jitter::Action::conceal ? totals.conceal_units : totals.silence_units) +=
            pull.units;
        if (pull.units <= 0) totals.overfull++;
      }
    }
    if (queued_units_ < frame) totals.overfull++;
    queued_units_ -= frame;
  }

  void play(const jitter::Pull& pull) {
    int units = sender.packet_ms * config_.clock_hz / 1000;
    if (static_cast<int32_t>(pull.timestamp - last_timestamp_) <= 0 && totals.played > 0 &&
        !pull.first && !pull.talkspurt) {
      totals.out_of_order++;
    }
    last_timestamp_ = pull.timestamp;
    totals.played++;
    if (pull.waited_ns > totals.worst_delay_ns) totals.worst_delay_ns = pull.waited_ns;
    if (keep_delays) totals.delays_ns.push_back(pull.waited_ns);
    if (pull.stretch == jitter::Stretch::compress) {
      // Speech gives up to one pitch period of about 7 ms, silence everything.
      const int most = quiet ? units : config_.clock_hz * 7 / 1000;
      const int cut = pull.stretch_units < most ? pull.stretch_units : most;
      if (quiet || cut == most || pull.stretch_units == cut) {
        units -= cut;
        totals.compressed_units += cut;
      }
    } else if (pull.stretch == jitter::Stretch::expand && (quiet || pull.urgent)) {
      units += pull.stretch_units;
      totals.expanded_units += pull.stretch_units;
      buffer.expanded(pull.stretch_units);
    }
    queued_units_ += units;
  }

  static constexpr int64_t ns_per_ms_ = 1'000'000;
  jitter::Config config_;
  int64_t tick_ns_ = config_.pull_ms * ns_per_ms_;
  struct alignas(16) Line {
    char bytes[16];
  };
  std::vector<Line> memory_;
  std::multimap<int64_t, jitter::Packet> in_flight_;
  uint8_t bytes_[200] = {};
  int queued_units_ = 0;
  uint32_t last_timestamp_ = 0;
};

}  // namespace test
