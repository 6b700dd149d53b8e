// An array of a fixed bound in memory that the kernel gives page by page on first touch: a bound
// costs nothing until it is used, and nothing on the tick ever allocates. Elements start as zero
// bytes.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace base {

/** Large pages are for what every tick touches: with small ones the processor looks up most of
 * their addresses anew each time. They are taken as a whole, 2 MiB. */
enum class Pages : uint8_t { small, large };

template <class T>
class Mapped {
 public:
  Mapped() = default;
  explicit Mapped(size_t count, Pages pages = Pages::small) : count_(count) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (count == 0) return;
    void* memory = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    // A wish, which kernels without them refuse.
    if (memory != MAP_FAILED && pages == Pages::large) {
      madvise(memory, count * sizeof(T), MADV_HUGEPAGE);
    }
    data_ = memory == MAP_FAILED ? nullptr : static_cast<T*>(memory);
  }
  ~Mapped() {
    if (data_ != nullptr) munmap(data_, count_ * sizeof(T));
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  /** False when the address space did not suffice. */
  bool valid() const { return data_ != nullptr || count_ == 0; }
  size_t size() const { return count_; }
  T& operator[](size_t index) { return data_[index]; }
  const T& operator[](size_t index) const { return data_[index]; }
  T* data() { return data_; }

 private:
  T* data_ = nullptr;
  size_t count_ = 0;
};

}  // namespace base
