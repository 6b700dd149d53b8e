// Equal blocks for what only some of the legs need, in one mapping. The one given back last is
// taken first, so that only as many are ever touched as were needed at once. One thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/mapped.h"

namespace base {

class Pool {
 public:
  Pool() = default;
  Pool(size_t blocks, size_t block_bytes, Pages pages = Pages::small)
      : block_bytes_((block_bytes + kAlignment - 1) / kAlignment * kAlignment),
        memory_(blocks * block_bytes_, pages),
        free_(blocks) {}

  bool valid() const { return memory_.valid() && free_.valid(); }
  size_t block_bytes() const { return block_bytes_; }
  uint32_t in_use() const { return fresh_ - free_count_; }
  Mapped<uint8_t>& memory() { return memory_; }
  /** Blocks that occupy memory. */
  uint32_t touched() const { return touched_; }

  /** A block with what its last user left in it; null when all are taken. */
  uint8_t* take() {
    if (free_count_ > 0) return block(free_[--free_count_]);
    if (fresh_ == free_.size()) return nullptr;
    touch(fresh_ + 1);
    return block(fresh_++);
  }
  void give(uint8_t* at) {
    free_[free_count_++] =
        static_cast<uint32_t>(static_cast<size_t>(at - memory_.data()) / block_bytes_);
  }
  /** Has the kernel give the memory of so many blocks now rather than when they are needed. */
  void touch(uint32_t blocks) {
    for (; touched_ < blocks && touched_ < free_.size(); touched_++) {
      volatile uint8_t* at = block(touched_);
      for (size_t i = 0; i < block_bytes_; i += kPageBytes) at[i] = 0;
      at[block_bytes_ - 1] = 0;
    }
  }

 private:
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kPageBytes = 4096;

  uint8_t* block(uint32_t index) { return memory_.data() + index * block_bytes_; }

  size_t block_bytes_ = 0;
  Mapped<uint8_t> memory_;
  Mapped<uint32_t> free_;
  uint32_t free_count_ = 0;
  uint32_t fresh_ = 0;  // blocks that were ever taken
  uint32_t touched_ = 0;
};

}  // namespace base
