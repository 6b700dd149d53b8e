// UDP sockets of the system. Measured cheapest for a mixer (limits.md section 1): one connected
// socket a leg, read without epoll until empty, plain send.
#pragma once

#include "net/link.h"

namespace net {

class UdpLink final : public Link {
 public:
  int receive(int socket, uint8_t* into, size_t capacity, Address* from, int64_t* wall_ns) override;
  bool send(int socket, const uint8_t* bytes, size_t count) override;
  bool send_to(int socket, const Address& to, const uint8_t* bytes, size_t count) override;
  bool connect(int socket, const Address& peer) override;
  void disconnect(int socket) override;
};

/** Reads "192.0.2.1" or "2001:db8::1"; false when it is neither. */
bool parse_address(const char* text, uint16_t port, Address& out);

/** A non-blocking socket bound to `local`; negative errno when that fails. */
int open_udp(const Address& local);

}  // namespace net
