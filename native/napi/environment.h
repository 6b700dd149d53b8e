// What one environment owns. Its destructor runs when the environment ends, whatever ended it.
#pragma once

#include <unistd.h>

#include <set>

namespace binding {

struct Environment {
  std::set<int> sockets;

  Environment() = default;
  ~Environment() {
    for (const int socket : sockets) ::close(socket);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
};

}  // namespace binding
