// A network in memory for tests: sockets are small numbers, datagrams queue until the engine reads
// them, and what the engine sends is kept for the test. Nothing allocates while the engine runs.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "net/link.h"

namespace net {

struct SimDatagram {
  Address address;
  uint16_t bytes = 0;
  int64_t stamp_ns = 0;
  std::array<uint8_t, 1500> data;
};

class SimLink final : public Link {
 public:
  static constexpr int kSockets = 256;
  static constexpr uint32_t kQueue = 64;

  SimLink() : sockets_(std::make_unique<Socket[]>(kSockets)) {}

  /** From the test: a datagram for the engine, with a stamp of the wall clock or without. A
   * connected socket drops strangers, as the kernel does. */
  bool deliver(int socket, const Address& from, const uint8_t* bytes, size_t count,
               int64_t stamp_ns = 0) {
    Socket& s = sockets_[static_cast<size_t>(socket)];
    if (s.connected && !(s.peer == from)) return false;
    return push(s.in, from, bytes, count, stamp_ns);
  }
  /** To the test: the oldest datagram that the engine sent on this socket, or null. Valid until the
   * next call. */
  const SimDatagram* sent(int socket) { return pop(sockets_[static_cast<size_t>(socket)].out); }
  bool connected(int socket) const { return sockets_[static_cast<size_t>(socket)].connected; }

  int receive(int socket, uint8_t* into, size_t capacity, Address* from,
              int64_t* wall_ns) override {
    const SimDatagram* datagram = pop(sockets_[static_cast<size_t>(socket)].in);
    if (datagram == nullptr) return -1;
    const size_t count = datagram->bytes < capacity ? datagram->bytes : capacity;
    std::memcpy(into, datagram->data.data(), count);
    if (from != nullptr) *from = datagram->address;
    if (wall_ns != nullptr) *wall_ns = datagram->stamp_ns;
    return static_cast<int>(count);
  }
  bool send(int socket, const uint8_t* bytes, size_t count) override {
    Socket& s = sockets_[static_cast<size_t>(socket)];
    return s.connected && push(s.out, s.peer, bytes, count);
  }
  bool send_to(int socket, const Address& to, const uint8_t* bytes, size_t count) override {
    return push(sockets_[static_cast<size_t>(socket)].out, to, bytes, count);
  }
  bool connect(int socket, const Address& peer) override {
    Socket& s = sockets_[static_cast<size_t>(socket)];
    s.connected = true;
    s.peer = peer;
    return true;
  }
  void disconnect(int socket) override { sockets_[static_cast<size_t>(socket)].connected = false; }

 private:
  struct Queue {
    std::array<SimDatagram, kQueue> datagrams;
    uint32_t read = 0;
    uint32_t write = 0;
  };
  struct Socket {
    Queue in;
    Queue out;
    Address peer;
    bool connected = false;
  };

  static bool push(Queue& queue, const Address& address, const uint8_t* bytes, size_t count,
                   int64_t stamp_ns = 0) {
    // A full queue loses the oldest: a test that does not read must not stop the engine.
    if (queue.write - queue.read == kQueue) queue.read++;
    SimDatagram& datagram = queue.datagrams[queue.write++ % kQueue];
    datagram.address = address;
    datagram.stamp_ns = stamp_ns;
    datagram.bytes =
        static_cast<uint16_t>(count < datagram.data.size() ? count : datagram.data.size());
    std::memcpy(datagram.data.data(), bytes, datagram.bytes);
    return true;
  }
  static const SimDatagram* pop(Queue& queue) {
    return queue.read == queue.write ? nullptr : &queue.datagrams[queue.read++ % kQueue];
  }

  std::unique_ptr<Socket[]> sockets_;
};

}  // namespace net
