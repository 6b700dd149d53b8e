#include "net/udp_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

namespace net {
namespace {

/** 64 KiB hold over a second of packets of one leg with the kernel's overhead, and bound a flood.
 */
constexpr int kReceiveBufferBytes = 64 * 1024;
constexpr int kSendBufferBytes = 64 * 1024;
/** DSCP EF for audio (RFC 4594 section 4.1). */
constexpr int kTrafficClass = 46 << 2;

union SystemAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

socklen_t to_system(const Address& address, SystemAddress& out) {
  std::memset(&out, 0, sizeof out);
  if (address.family == Family::ipv6) {
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(address.port);
    std::memcpy(&out.v6.sin6_addr, address.ip, 16);
    return sizeof out.v6;
  }
  out.v4.sin_family = AF_INET;
  out.v4.sin_port = htons(address.port);
  std::memcpy(&out.v4.sin_addr, address.ip, 4);
  return sizeof out.v4;
}

void from_system(const SystemAddress& address, Address& out) {
  out = Address{};
  if (address.any.sa_family == AF_INET6) {
    out.family = Family::ipv6;
    out.port = ntohs(address.v6.sin6_port);
    std::memcpy(out.ip, &address.v6.sin6_addr, 16);
  } else if (address.any.sa_family == AF_INET) {
    out.family = Family::ipv4;
    out.port = ntohs(address.v4.sin_port);
    std::memcpy(out.ip, &address.v4.sin_addr, 4);
  }
}

/** An ICMP error of an earlier send is reported once and says nothing about what waits. */
bool is_stale_error(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH || error == EINTR;
}

/** The time stamp that the kernel put beside the datagram; 0 when there is none. */
int64_t arrival_of(const msghdr& message) {
  if (message.msg_controllen < CMSG_LEN(sizeof(timespec))) return 0;
  const auto* head = static_cast<const cmsghdr*>(message.msg_control);
  if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_TIMESTAMPNS) return 0;
  timespec stamp;
  std::memcpy(&stamp, CMSG_DATA(head), sizeof stamp);
  return static_cast<int64_t>(stamp.tv_sec) * base::kNsPerSecond + stamp.tv_nsec;
}

/**
 * System calls without their wrappers: those are cancellation points, which costs two atomics a
 * call as soon as the process has threads (4 % of a loaded engine).
 */
bool send_once(int socket, const uint8_t* bytes, size_t count, const sockaddr* to,
               socklen_t length) {
  return ::syscall(SYS_sendto, socket, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, to, length) >= 0;
}

}  // namespace

int UdpLink::receive(int socket, uint8_t* into, size_t capacity, Address* from, int64_t* wall_ns) {
  SystemAddress source;
  source.any.sa_family = AF_UNSPEC;
  alignas(cmsghdr) uint8_t control[64];
  iovec part = {into, capacity};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  for (int attempt = 0; attempt < 3; attempt++) {
    message.msg_name = from == nullptr ? nullptr : &source;
    message.msg_namelen = from == nullptr ? 0 : sizeof source;
    message.msg_control = wall_ns == nullptr ? nullptr : control;
    message.msg_controllen = wall_ns == nullptr ? 0 : sizeof control;
    const long count = ::syscall(SYS_recvmsg, socket, &message, MSG_DONTWAIT);
    if (count >= 0) {
      if (from != nullptr) from_system(source, *from);
      if (wall_ns != nullptr) *wall_ns = arrival_of(message);
      return static_cast<int>(count);
    }
    if (!is_stale_error(errno)) return -1;
  }
  return -1;
}

bool UdpLink::send(int socket, const uint8_t* bytes, size_t count) {
  if (send_once(socket, bytes, count, nullptr, 0)) return true;
  // The error belongs to an earlier datagram; this one was not tried yet.
  return is_stale_error(errno) && send_once(socket, bytes, count, nullptr, 0);
}

bool UdpLink::send_to(int socket, const Address& to, const uint8_t* bytes, size_t count) {
  SystemAddress target;
  const socklen_t length = to_system(to, target);
  if (send_once(socket, bytes, count, &target.any, length)) return true;
  return is_stale_error(errno) && send_once(socket, bytes, count, &target.any, length);
}

bool UdpLink::connect(int socket, const Address& peer) {
  SystemAddress target;
  const socklen_t length = to_system(peer, target);
  return ::connect(socket, &target.any, length) == 0;
}

void UdpLink::disconnect(int socket) {
  SystemAddress nobody;
  std::memset(&nobody, 0, sizeof nobody);
  nobody.any.sa_family = AF_UNSPEC;
  ::connect(socket, &nobody.any, sizeof nobody.any);
}

bool parse_address(const char* text, uint16_t port, Address& out) {
  out = Address{};
  out.port = port;
  if (inet_pton(AF_INET, text, out.ip) == 1) {
    out.family = Family::ipv4;
    return true;
  }
  if (inet_pton(AF_INET6, text, out.ip) == 1) {
    out.family = Family::ipv6;
    return true;
  }
  return false;
}

int open_udp(const Address& local) {
  const int family = local.family == Family::ipv6 ? AF_INET6 : AF_INET;
  const int handle = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (handle < 0) return -errno;
  // All are wishes: without them calls work, only less well marked, buffered or measured.
  const int stamp = 1;
  ::setsockopt(handle, SOL_SOCKET, SO_TIMESTAMPNS, &stamp, sizeof stamp);
  ::setsockopt(handle, SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  ::setsockopt(handle, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  if (family == AF_INET6) {
    const int only = 1;
    ::setsockopt(handle, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    ::setsockopt(handle, IPPROTO_IPV6, IPV6_TCLASS, &kTrafficClass, sizeof kTrafficClass);
  } else {
    ::setsockopt(handle, IPPROTO_IP, IP_TOS, &kTrafficClass, sizeof kTrafficClass);
  }
  SystemAddress address;
  const socklen_t length = to_system(local, address);
  if (::bind(handle, &address.any, length) == 0) return handle;
  const int error = errno;
  ::close(handle);
  return -error;
}

}  // namespace net
