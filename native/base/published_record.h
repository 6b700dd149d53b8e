// A record that one thread writes and others read while it does: an odd version while it changes
// (seqlock). The version is the first word of the record; every word is an atomic of its own, so
// that what a reader throws away was no data race either.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace base {

template <class T>
void publish(T* shared, const T& value) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 8 == 0);
  uint32_t words[sizeof(T) / 4];
  std::memcpy(words, &value, sizeof value);
  auto* at = reinterpret_cast<uint32_t*>(shared);
  std::atomic_ref<uint32_t> version(at[0]);
  const uint32_t start = version.load(std::memory_order_relaxed);
  version.store(start + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  for (size_t i = 1; i < sizeof(T) / 4; i++) {
    std::atomic_ref<uint32_t>(at[i]).store(words[i], std::memory_order_relaxed);
  }
  version.store(start + 2, std::memory_order_release);
}

/** False: it changed meanwhile. */
template <class T>
bool read_published(T* shared, T& value) {
  uint32_t words[sizeof(T) / 4];
  auto* at = reinterpret_cast<uint32_t*>(shared);
  const uint32_t before = std::atomic_ref<uint32_t>(at[0]).load(std::memory_order_acquire);
  for (size_t i = 1; i < sizeof(T) / 4; i++) {
    words[i] = std::atomic_ref<uint32_t>(at[i]).load(std::memory_order_relaxed);
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  words[0] = std::atomic_ref<uint32_t>(at[0]).load(std::memory_order_relaxed);
  std::memcpy(&value, words, sizeof value);
  return before % 2 == 0 && before == words[0];
}

}  // namespace base
