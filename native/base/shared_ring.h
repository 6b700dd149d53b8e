// Single-producer single-consumer ring in memory shared between the JavaScript thread and an engine
// thread. Positions run freely modulo 2^32; the slot is the position modulo the (power of two)
// capacity.
//
//   offset   0  write position, stored by the producer only
//   offset  64  read position, stored by the consumer only (own cache line)
//   offset 128  stop flag, set by the JavaScript side (command ring only)
//   offset 256  slots
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/abi.gen.h"

namespace base {

class SharedRing {
 public:
  SharedRing() = default;
  /** `bytes` covers header and slots; their number is rounded down to a power of two. */
  SharedRing(uint8_t* memory, size_t bytes, uint32_t slot_bytes)
      : memory_(memory), slot_bytes_(slot_bytes) {
    size_t slots = bytes > abi::kRingHeaderBytes ? (bytes - abi::kRingHeaderBytes) / slot_bytes : 0;
    capacity_ = 1;
    while (static_cast<size_t>(capacity_) * 2 <= slots) capacity_ *= 2;
  }

  /** The oldest slot, or null when there is none. */
  const uint8_t* front() const {
    const uint32_t read = word(abi::kRingReadOffset).load(std::memory_order_relaxed);
    const uint32_t write = word(abi::kRingWriteOffset).load(std::memory_order_acquire);
    return read == write ? nullptr : slot(read);
  }
  void pop() { advance(abi::kRingReadOffset); }

  /** A free slot to fill before `commit`, or null when the ring is full. */
  uint8_t* reserve() {
    const uint32_t write = word(abi::kRingWriteOffset).load(std::memory_order_relaxed);
    const uint32_t read = word(abi::kRingReadOffset).load(std::memory_order_acquire);
    return write - read >= capacity_ ? nullptr : slot(write);
  }
  void commit() { advance(abi::kRingWriteOffset); }

  bool stop_requested() const {
    return word(abi::kRingStopOffset).load(std::memory_order_acquire) != 0;
  }

 private:
  std::atomic_ref<uint32_t> word(uint32_t offset) const {
    return std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t*>(memory_ + offset));
  }
  uint8_t* slot(uint32_t position) const {
    return memory_ + abi::kRingHeaderBytes +
           static_cast<size_t>(position & (capacity_ - 1)) * slot_bytes_;
  }
  void advance(uint32_t offset) {
    word(offset).store(word(offset).load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  uint8_t* memory_ = nullptr;
  uint32_t slot_bytes_ = 0;
  uint32_t capacity_ = 0;
};

}  // namespace base
