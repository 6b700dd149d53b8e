// How the engine reaches the network: datagrams on sockets that somebody else opened. Two links
// exist: UDP sockets of the system (udp_link) and an in-memory one for tests (sim_link). A virtual
// call costs nothing beside a system call. The folder knows addresses and bytes; it must never know
// RTP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace net {

enum class Family : uint8_t { none = 0, ipv4 = 4, ipv6 = 6 };

struct Address {
  uint8_t ip[16] = {};
  uint16_t port = 0;
  Family family = Family::none;

  bool operator==(const Address& other) const {
    return family == other.family && port == other.port && same_host(other);
  }
  bool same_host(const Address& other) const {
    return family == other.family &&
           std::memcmp(ip, other.ip, family == Family::ipv6 ? 16 : 4) == 0;
  }
  /** Somewhere to send to. */
  bool usable() const { return family != Family::none && port != 0; }
};

class Link {
 public:
  virtual ~Link() = default;
  /**
   * Bytes received, or negative when nothing waits. `from` null on a connected socket. `wall_ns`,
   * unless null, becomes the time of arrival by the wall clock, 0 when that is not known: the
   * engine reads a socket long after the packet came.
   */
  virtual int receive(int socket, uint8_t* into, size_t capacity, Address* from,
                      int64_t* wall_ns) = 0;
  /** To the connected peer. False when the datagram was not taken. */
  virtual bool send(int socket, const uint8_t* bytes, size_t count) = 0;
  virtual bool send_to(int socket, const Address& to, const uint8_t* bytes, size_t count) = 0;
  /** From now on only this peer is heard, and the route to it is kept. */
  virtual bool connect(int socket, const Address& peer) = 0;
  virtual void disconnect(int socket) = 0;
};

}  // namespace net
