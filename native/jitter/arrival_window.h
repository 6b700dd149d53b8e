// What the arrivals of the last three seconds say about the network: the fastest transit (the base,
// which also follows clock drift) and how much slower the slow ones were. Old extremes leave with
// their block, so that one bad minute is forgotten in three seconds.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jitter {

class ArrivalWindow {
  static constexpr int block_count = 6;
  static constexpr int64_t block_ns = 500'000'000;
  struct Block {
    int64_t number = -1;
    int64_t fastest_ns = INT64_MAX;
    int64_t slowest_ns = INT64_MIN;
    int64_t second_ns = INT64_MIN;
    int64_t packets = 0;
    void add(const Block& other);
  };

 public:
  static constexpr size_t rare_bytes = block_count * sizeof(Block);
  void clear();

  // transit: arrival minus media time, both in ns on any fixed origin
  void add(int64_t arrival_ns, int64_t transit_ns);
  // A packet on the heels of a slower one: both were held up by the same thing, which counts once.
  void add_follower(int64_t arrival_ns, int64_t transit_ns);

  bool empty() const { return packets_ == 0; }
  int packets() const { return packets_; }
  int64_t base_ns() const { return base_ns_; }
  // How long after the base a packet may arrive: the second slowest of the window. A lone straggler
  // in three seconds, or a lone burst after a stall, is concealed; delaying everybody for it would
  // be worse.
  int64_t required_ns() const { return required_ns_; }

 private:
  void begin_block(int64_t number);
  void enter_block(int64_t arrival_ns);
  void update();

  int64_t base_ns_ = 0;
  int64_t required_ns_ = 0;
  int packets_ = 0;
  Block now_;                  // Half a second under way.
  Block before_;               // The blocks before it, taken together.
  Block blocks_[block_count];  // Touched only when a block begins.
};

}  // namespace jitter
