// A network for measurements of the engine alone: every leg's peer sends one packet a tick, made
// when the engine reads it, and what the engine sends is counted. Costs a copy a packet, whatever
// the number of legs, so that what grows is the engine's.
#pragma once

#include <cstring>
#include <vector>

#include "net/link.h"
#include "rtp/packet.h"

namespace bench {

/** Payloads of one voice, played round and round. */
struct Voice {
  uint8_t payload_type = 0;
  uint32_t units = 160;
  std::vector<std::vector<uint8_t>> payloads;
};

class FeedLink final : public net::Link {
 public:
  explicit FeedLink(size_t legs) : peers_(legs) {}

  /** Null: the peer says nothing at all. */
  void speak(size_t leg, const Voice* voice) { peers_[leg].voice = voice; }
  /** A tick begins: each peer has one more packet. */
  void next_tick() { tick_++; }
  uint64_t sent() const { return sent_; }

  static net::Address peer_of(size_t leg) {
    net::Address address;
    address.family = net::Family::ipv4;
    address.ip[0] = 127;
    address.ip[2] = static_cast<uint8_t>(leg >> 8);
    address.ip[3] = static_cast<uint8_t>(leg);
    address.port = 4000;
    return address;
  }

  int receive(int socket, uint8_t* into, size_t capacity, net::Address* from,
              int64_t* wall_ns) override {
    const auto leg = static_cast<size_t>(socket) / 2;
    Peer& peer = peers_[leg];
    if (socket % 2 != 0 || peer.voice == nullptr || peer.tick == tick_) return -1;
    peer.tick = tick_;
    const auto& payloads = peer.voice->payloads;
    const std::vector<uint8_t>& payload = payloads[(tick_ + leg) % payloads.size()];
    if (payload.empty() || capacity < rtp::kHeaderBytes + payload.size()) return -1;
    rtp::write_header(into, {tick_ * peer.voice->units, static_cast<uint32_t>(leg) + 1,
                             static_cast<uint16_t>(tick_), peer.voice->payload_type, 0, false});
    std::memcpy(into + rtp::kHeaderBytes, payload.data(), payload.size());
    if (from != nullptr) *from = peer_of(leg);
    if (wall_ns != nullptr) *wall_ns = 0;
    return static_cast<int>(rtp::kHeaderBytes + payload.size());
  }
  bool send(int, const uint8_t*, size_t) override {
    sent_++;
    return true;
  }
  bool send_to(int, const net::Address&, const uint8_t*, size_t) override {
    sent_++;
    return true;
  }
  bool connect(int, const net::Address&) override { return true; }
  void disconnect(int) override {}

 private:
  struct Peer {
    const Voice* voice = nullptr;
    uint32_t tick = 0;
  };
  std::vector<Peer> peers_;
  uint32_t tick_ = 0;
  uint64_t sent_ = 0;
};

}  // namespace bench
