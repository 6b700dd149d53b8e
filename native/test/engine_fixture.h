// An engine without sockets and without a clock: the test gives commands, moves time phase by
// phase, and plays the peers. Socket 2n is RTP and 2n + 1 is RTCP of leg n.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "engine/engine.h"
#include "net/sim_link.h"
#include "rtp/packet.h"
#include "test/test.h"

namespace test {

inline net::Address address_of(uint8_t host, uint16_t port) {
  net::Address address;
  address.family = net::Family::ipv4;
  address.ip[0] = 192;
  address.ip[2] = 2;
  address.ip[3] = host;
  address.port = port;
  return address;
}

/** A peer of one leg: its numbers and the next frame to send. */
struct Peer {
  net::Address address;
  uint32_t ssrc = 0;
  uint32_t timestamp = 0;
  uint16_t sequence = 0;
};

class Fixture {
 public:
  static constexpr uint32_t kLegs = 64;
  static constexpr uint32_t kRecordings = 4;
  static constexpr size_t kRecordingBytes = abi::kRecordRingHeaderBytes + 65536;

  explicit Fixture(bool csrc = true)
      : commands_(words(abi::kRingHeaderBytes + 1024 * abi::kCommandSlotBytes)),
        events_(words(abi::kRingHeaderBytes + 4096 * abi::kEventSlotBytes)),
        statistics_(words(sizeof(abi::WorkerRecord) + kLegs * sizeof(abi::LegRecord))),
        prompts_(words(1 << 20)),
        recordings_(words(kRecordings * kRecordingBytes)) {
    engine::SharedMemory memory;
    memory.commands = bytes(commands_);
    memory.command_bytes = commands_.size() * 8;
    memory.events = bytes(events_);
    memory.event_bytes = events_.size() * 8;
    memory.statistics = bytes(statistics_);
    memory.prompts = bytes(prompts_);
    memory.prompt_bytes = prompts_.size() * 8;
    memory.recordings = bytes(recordings_);
    memory.recording_bytes = kRecordingBytes;
    memory.recording_count = kRecordings;
    engine::Limits limits;
    limits.legs = kLegs;
    limits.conferences = kLegs;
    limits.csrc = csrc;
    engine_ = std::make_unique<engine::Engine>(memory, limits, link, 7);
    to_engine_ = base::SharedRing(memory.commands, memory.command_bytes, abi::kCommandSlotBytes);
    from_engine_ = base::SharedRing(memory.events, memory.event_bytes, abi::kEventSlotBytes);
  }

  template <class T>
  void command(T value) {
    value.type = static_cast<uint32_t>(T::kType);
    uint8_t* slot = to_engine_.reserve();
    if (slot == nullptr) return;
    std::memcpy(slot, &value, sizeof value);
    to_engine_.commit();
  }

  /** Handles are index | generation << 16; the first of an index has generation 1. */
  static uint32_t handle(uint32_t index, uint32_t generation = 1) {
    return index | (generation << 16);
  }

  void open_leg(uint32_t index, uint32_t generation = 1) {
    abi::OpenLegCommand open{};
    open.leg = handle(index, generation);
    open.rtp_fd = static_cast<int>(index * 2);
    open.rtcp_fd = static_cast<int>(index * 2 + 1);
    open.ssrc = 0xabc00000 + index;
    open.first_sequence = 65530;  // wraps soon
    open.first_timestamp = 0xffffff00;
    command(open);
  }

  void configure(uint32_t index, uint8_t ptime_ms = 20,
                 abi::Direction direction = abi::Direction::sendrecv,
                 abi::CodecKind codec = abi::CodecKind::pcmu, uint32_t generation = 1,
                 uint8_t event_type = 101) {
    command(parameters(index, ptime_ms, direction, codec, generation, event_type));
  }

  /** What configure() says, for a test to change. */
  abi::ConfigureCommand parameters(uint32_t index, uint8_t ptime_ms = 20,
                                   abi::Direction direction = abi::Direction::sendrecv,
                                   abi::CodecKind codec = abi::CodecKind::pcmu,
                                   uint32_t generation = 1, uint8_t event_type = 101) {
    abi::ConfigureCommand configure{};
    configure.leg = handle(index, generation);
    const net::Address peer = address_of(static_cast<uint8_t>(index + 1), 4000);
    std::memcpy(configure.address, peer.ip, sizeof configure.address);
    configure.family = 4;
    configure.port = peer.port;
    configure.direction = static_cast<uint8_t>(direction);
    configure.ptime_ms = ptime_ms;
    configure.send_codec = static_cast<uint8_t>(codec);
    configure.send_rate_khz = rate_khz_of(codec);
    configure.send_payload_type = type_of(codec);
    configure.event_send_payload_type = event_type;
    configure.comfort_noise_payload_type = 13;
    const abi::CodecKind receive[] = {abi::CodecKind::pcmu, abi::CodecKind::pcma,
                                      abi::CodecKind::g722, abi::CodecKind::opus,
                                      abi::CodecKind::l16};
    for (const abi::CodecKind kind : receive) {
      configure.receive_rates_khz[configure.receive_count] = rate_khz_of(kind);
      configure.receive_payload_types[configure.receive_count] = type_of(kind);
      configure.receive_codecs[configure.receive_count++] = static_cast<uint8_t>(kind);
    }
    configure.event_receive_count = 1;
    configure.event_receive_payload_types[0] = 101;
    return configure;
  }

  static uint8_t rate_khz_of(abi::CodecKind kind) {
    const codec::Codec* codec = engine::codec_of(kind);
    return codec == nullptr ? 0 : static_cast<uint8_t>(codec->sample_rate_hz / 1000);
  }
  static uint8_t type_of(abi::CodecKind kind) {
    switch (kind) {
      case abi::CodecKind::pcma:
        return 8;
      case abi::CodecKind::g722:
        return 9;
      case abi::CodecKind::opus:
        return 111;
      case abi::CodecKind::l16:
        return 96;
      case abi::CodecKind::none:
      case abi::CodecKind::pcmu:
        break;
    }
    return 0;
  }

  /** A configured leg with a peer at the signalled address. */
  Peer connect(uint32_t index) {
    open_leg(index);
    configure(index);
    return peer_of(index);
  }
  static Peer peer_of(uint32_t index) {
    Peer peer;
    peer.address = address_of(static_cast<uint8_t>(index + 1), 4000);
    peer.ssrc = 0x1000 + index;
    peer.timestamp = 0xfffffe00;
    peer.sequence = 65533;
    return peer;
  }

  void route(uint32_t index, abi::RouteKind kind, uint32_t target = 0, bool muted = false,
             uint32_t generation = 1) {
    abi::RouteCommand route{};
    route.leg = handle(index, generation);
    route.kind = static_cast<uint8_t>(kind);
    route.target = target;
    route.muted = muted ? 1 : 0;
    command(route);
  }
  void close_leg(uint32_t index, uint32_t generation = 1) {
    abi::CloseLegCommand close{};
    close.leg = handle(index, generation);
    command(close);
  }
  void open_conference(uint32_t index) {
    abi::OpenConferenceCommand open{};
    open.conference = handle(index);
    command(open);
  }

  /** A whole datagram from anywhere. */
  bool deliver(uint32_t index, const net::Address& from, const uint8_t* data, size_t count) {
    return link.deliver(static_cast<int>(index * 2), from, data, count);
  }
  bool send(uint32_t index, Peer& peer, uint8_t type, const uint8_t* payload, size_t count,
            uint32_t units, bool marker = false, int64_t stamp_ns = 0) {
    uint8_t packet[1500];
    rtp::write_header(packet, {peer.timestamp, peer.ssrc, peer.sequence, type, 0, marker});
    std::memcpy(packet + rtp::kHeaderBytes, payload, count);
    peer.sequence++;
    peer.timestamp += units;
    return link.deliver(static_cast<int>(index * 2), peer.address, packet,
                        rtp::kHeaderBytes + count, stamp_ns);
  }
  /** A packet with an extension: whole 32-bit words with their header. */
  bool send_extended(uint32_t index, Peer& peer, uint8_t type, const uint8_t* payload, size_t count,
                     uint32_t units, const uint8_t* extension, size_t extension_bytes) {
    uint8_t packet[1500];
    rtp::write_header(
        packet, {peer.timestamp, peer.ssrc, peer.sequence, type, 0, false, extension_bytes > 0});
    std::memcpy(packet + rtp::kHeaderBytes, extension, extension_bytes);
    std::memcpy(packet + rtp::kHeaderBytes + extension_bytes, payload, count);
    peer.sequence++;
    peer.timestamp += units;
    return deliver(index, peer.address, packet, rtp::kHeaderBytes + extension_bytes + count);
  }
  bool send_frame(uint32_t index, Peer& peer, const int16_t* pcm) {
    uint8_t payload[160];
    engine_->context().kernels.encode_ulaw(payload, pcm, 160);
    return send(index, peer, 0, payload, sizeof payload, 160);
  }
  bool send_event(uint32_t index, Peer& peer, uint32_t timestamp, uint8_t event, bool end,
                  uint16_t duration) {
    uint8_t payload[4] = {event, static_cast<uint8_t>((end ? 0x80 : 0) | 10)};
    base::store_be16(payload + 2, duration);
    const uint32_t kept = peer.timestamp;
    peer.timestamp = timestamp;
    const bool sent = send(index, peer, 101, payload, sizeof payload, 0);
    peer.timestamp = kept;
    return sent;
  }

  /** One period of 20 ms; `before` runs at its start, when peers send. */
  template <class Before>
  void period(Before before) {
    before();
    for (uint32_t phase = 0; phase < engine::kPhases; phase++) step();
  }
  void periods(int count) {
    for (int i = 0; i < count; i++) period([] {});
  }
  bool step() {
    const bool alive = engine_->tick(now);
    now += engine::kPhaseNs;
    return alive;
  }

  /** The next packet that a leg sent, parsed; false when there is none. */
  bool sent(uint32_t index, rtp::Packet& packet, const net::SimDatagram** raw = nullptr) {
    const net::SimDatagram* datagram = link.sent(static_cast<int>(index * 2));
    if (raw != nullptr) *raw = datagram;
    return datagram != nullptr && rtp::parse(datagram->data.data(), datagram->bytes, packet);
  }
  void drop_sent(uint32_t index) {
    while (link.sent(static_cast<int>(index * 2)) != nullptr) {
    }
  }
  void decode(const rtp::Packet& packet, int16_t* pcm) {
    engine_->context().kernels.decode_ulaw(pcm, packet.payload,
                                           static_cast<int>(packet.payload_bytes));
  }

  /** The next event of a kind; others before it are dropped. */
  template <class T>
  bool event(T& out) {
    while (const uint8_t* slot = from_engine_.front()) {
      uint32_t type;
      std::memcpy(&type, slot, sizeof type);
      const bool found = type == static_cast<uint32_t>(T::kType);
      if (found) std::memcpy(&out, slot, sizeof out);
      from_engine_.pop();
      if (found) return true;
    }
    return false;
  }
  base::SharedRing& events() { return from_engine_; }
  engine::Context& context() { return engine_->context(); }
  engine::Engine& engine() { return *engine_; }
  uint8_t* prompts() { return bytes(prompts_); }
  uint8_t* recording(uint32_t ring) { return bytes(recordings_) + ring * kRecordingBytes; }
  abi::LegRecord statistics(uint32_t index) {
    abi::LegRecord record;
    std::memcpy(&record,
                bytes(statistics_) + sizeof(abi::WorkerRecord) + index * sizeof(abi::LegRecord),
                sizeof record);
    return record;
  }

  net::SimLink link;
  int64_t now = 1'000'000'000;

 private:
  using Words = std::vector<uint64_t>;
  static Words words(size_t bytes) { return Words((bytes + 7) / 8); }
  static uint8_t* bytes(Words& words) { return reinterpret_cast<uint8_t*>(words.data()); }

  Words commands_;
  Words events_;
  Words statistics_;
  Words prompts_;
  Words recordings_;
  std::unique_ptr<engine::Engine> engine_;
  base::SharedRing to_engine_;
  base::SharedRing from_engine_;
};

}  // namespace test
