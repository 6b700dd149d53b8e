#include "jitter/arrival_window.h"

#include <algorithm>

namespace jitter {

void ArrivalWindow::add(int64_t arrival_ns, int64_t transit_ns) {
  const int64_t number = arrival_ns / block_ns;
  Block& newest = blocks_[((number % block_count) + block_count) % block_count];
  if (newest.number != number) newest = Block{.number = number};
  newest.packets++;
  newest.fastest_ns = std::min(newest.fastest_ns, transit_ns);
  newest.second_ns = std::max(newest.second_ns, std::min(newest.slowest_ns, transit_ns));
  newest.slowest_ns = std::max(newest.slowest_ns, transit_ns);

  Block all;
  packets_ = 0;
  for (const Block& block : blocks_) {
    if (block.packets == 0 || block.number > number || block.number <= number - block_count)
      continue;
    packets_ += block.packets;
    all.fastest_ns = std::min(all.fastest_ns, block.fastest_ns);
    all.second_ns =
        std::max({all.second_ns, block.second_ns, std::min(all.slowest_ns, block.slowest_ns)});
    all.slowest_ns = std::max(all.slowest_ns, block.slowest_ns);
  }
  base_ns_ = all.fastest_ns;
  required_ns_ = packets_ < 2 ? 0 : all.second_ns - base_ns_;
}

}  // namespace jitter
