#include "jitter/arrival_window.h"

#include <algorithm>

namespace jitter {

void ArrivalWindow::Block::add(const Block& other) {
  packets += other.packets;
  fastest_ns = std::min(fastest_ns, other.fastest_ns);
  second_ns = std::max({second_ns, other.second_ns, std::min(slowest_ns, other.slowest_ns)});
  slowest_ns = std::max(slowest_ns, other.slowest_ns);
}

void ArrivalWindow::clear() {
  for (Block& block : blocks_) block = Block{};
  now_ = Block{};
  before_ = Block{};
  base_ns_ = 0;
  required_ns_ = 0;
  packets_ = 0;
}

void ArrivalWindow::begin_block(int64_t number) {
  if (now_.number >= 0) blocks_[now_.number % block_count] = now_;
  now_ = Block{.number = number};
  before_ = Block{};
  for (const Block& block : blocks_) {
    if (block.packets == 0 || block.number >= number || block.number <= number - block_count) {
      continue;
    }
    before_.add(block);
  }
}

void ArrivalWindow::enter_block(int64_t arrival_ns) {
  const int64_t number = std::max(arrival_ns, int64_t{0}) / block_ns;
  if (number != now_.number) begin_block(number);
}

void ArrivalWindow::update() {
  Block all = before_;
  all.add(now_);
  packets_ = static_cast<int>(all.packets);
  base_ns_ = all.fastest_ns;
  const bool two = all.second_ns != INT64_MIN;
  required_ns_ = two ? std::max(all.second_ns - base_ns_, int64_t{0}) : 0;
}

void ArrivalWindow::add(int64_t arrival_ns, int64_t transit_ns) {
  enter_block(arrival_ns);
  now_.packets++;
  now_.fastest_ns = std::min(now_.fastest_ns, transit_ns);
  now_.second_ns = std::max(now_.second_ns, std::min(now_.slowest_ns, transit_ns));
  now_.slowest_ns = std::max(now_.slowest_ns, transit_ns);
  update();
}

void ArrivalWindow::add_follower(int64_t arrival_ns, int64_t transit_ns) {
  enter_block(arrival_ns);
  now_.packets++;
  now_.fastest_ns = std::min(now_.fastest_ns, transit_ns);
  update();
}

}  // namespace jitter
