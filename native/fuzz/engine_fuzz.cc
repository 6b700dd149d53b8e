// Any datagrams at an engine at work: two legs in a conference, two that relay, an echo. The input
// says what arrives where, and when the clock moves. Whatever comes, an honest leg in the same
// conference gets its packet each period on one line of numbers, and all is closed at the end.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "engine/engine.h"
#include "rtp/packet.h"

namespace {

constexpr uint32_t kLegs = 6;
/** Nobody attacks this one; it talks and listens in the conference. */
constexpr uint32_t kHonest = 0;

void demand(bool condition) {
  if (!condition) abort();
}

net::Address address_of(uint8_t host) {
  net::Address address;
  address.family = net::Family::ipv4;
  address.ip[0] = 192;
  address.ip[3] = host;
  address.port = 4000;
  return address;
}

/** Sockets 2n and 2n + 1 are those of leg n. One datagram waits at a time. */
class FeedLink final : public net::Link {
 public:
  int waiting = -1;
  net::Address from;
  std::vector<uint8_t> bytes;
  uint32_t honest_packets = 0;

  int receive(int socket, uint8_t* into, size_t capacity, net::Address* source,
              int64_t* wall_ns) override {
    if (wall_ns != nullptr) *wall_ns = 0;
    if (socket != waiting) return -1;
    waiting = -1;
    const size_t count = bytes.size() < capacity ? bytes.size() : capacity;
    std::memcpy(into, bytes.data(), count);
    if (source != nullptr) *source = from;
    return static_cast<int>(count);
  }
  bool send(int socket, const uint8_t* data, size_t count) override {
    if (socket == 2 * static_cast<int>(kHonest)) take(data, count);
    return true;
  }
  bool send_to(int socket, const net::Address&, const uint8_t* data, size_t count) override {
    return send(socket, data, count);
  }
  bool connect(int, const net::Address&) override { return true; }
  void disconnect(int) override {}

 private:
  void take(const uint8_t* data, size_t count) {
    rtp::Packet packet{};
    demand(rtp::parse(data, count, packet));
    if (honest_packets > 0) {
      demand(static_cast<uint16_t>(packet.sequence - last_.sequence) == 1);
      demand(packet.timestamp - last_.timestamp == 160);
    }
    demand(packet.payload_type == 0 && packet.payload_bytes == 160);
    last_ = packet;
    honest_packets++;
  }

  rtp::Packet last_{};
};

/** One engine for all inputs: its memory is large. The legs are new each time. */
class Rig {
 public:
  Rig()
      : commands_(words(abi::kRingHeaderBytes + 256 * abi::kCommandSlotBytes)),
        events_(words(abi::kRingHeaderBytes + 256 * abi::kEventSlotBytes)),
        statistics_(words(sizeof(abi::WorkerRecord) + kLegs * sizeof(abi::LegRecord))),
        prompts_(words(4096)) {
    engine::SharedMemory memory;
    memory.commands = bytes(commands_);
    memory.command_bytes = commands_.size() * 8;
    memory.events = bytes(events_);
    memory.event_bytes = events_.size() * 8;
    memory.statistics = bytes(statistics_);
    memory.prompts = bytes(prompts_);
    memory.prompt_bytes = prompts_.size() * 8;
    engine::Limits limits;
    limits.legs = kLegs;
    limits.conferences = 1;
    engine = std::make_unique<engine::Engine>(memory, limits, link, 7);
    demand(engine->valid());
    to_engine_ = base::SharedRing(memory.commands, memory.command_bytes, abi::kCommandSlotBytes);
    from_engine_ = base::SharedRing(memory.events, memory.event_bytes, abi::kEventSlotBytes);
  }

  template <class T>
  void command(T value) {
    value.type = static_cast<uint32_t>(T::kType);
    uint8_t* slot = to_engine_.reserve();
    demand(slot != nullptr);
    std::memcpy(slot, &value, sizeof value);
    to_engine_.commit();
  }
  uint32_t handle(uint32_t index) const { return index | generation_ << 16; }

  void open(bool inband) {
    generation_ = generation_ % 60000 + 1;
    link.honest_packets = 0;
    abi::OpenConferenceCommand conference{};
    conference.conference = handle(0);
    command(conference);
    for (uint32_t i = 0; i < kLegs; i++) {
      abi::OpenLegCommand open{};
      open.leg = handle(i);
      open.rtp_fd = static_cast<int>(2 * i);
      open.rtcp_fd = static_cast<int>(2 * i + 1);
      open.ssrc = 0xabc00000 + i;
      open.inband_digits = inband && i > 0 ? 1 : 0;
      command(open);
      configure(i);
    }
    for (const uint32_t i : {0u, 1u, 2u}) route(i, abi::RouteKind::conference, handle(0));
    route(3, abi::RouteKind::relay, handle(4));
    route(5, abi::RouteKind::echo, 0);
    period();
  }

  void configure(uint32_t index) {
    abi::ConfigureCommand to{};
    to.leg = handle(index);
    const net::Address peer = address_of(static_cast<uint8_t>(index + 1));
    std::memcpy(to.address, peer.ip, sizeof to.address);
    to.family = 4;
    to.port = peer.port;
    to.rtcp_port = index == 2 ? peer.port : 0;
    to.direction = static_cast<uint8_t>(abi::Direction::sendrecv);
    to.ptime_ms = 20;
    to.send_codec = static_cast<uint8_t>(index == 4 ? abi::CodecKind::opus : abi::CodecKind::pcmu);
    to.send_rate_khz = index == 4 ? 48 : 8;
    to.send_payload_type = index == 4 ? 111 : 0;
    to.event_send_payload_type = 101;
    to.comfort_noise_payload_type = 13;
    // Leg 0 is the one whose packets are held to be plain.
    if (index > 0) {
      to.audio_level_receive_id = to.audio_level_send_id = 1;
      to.mix_levels_receive_id = to.mix_levels_send_id = 2;
      to.send_comfort_noise = index % 2;
      to.send_dtx = 1;
      to.ptime_ms = index == 2 ? 40 : index == 5 ? 10 : 20;
    }
    constexpr struct {
      uint8_t type;
      abi::CodecKind kind;
      uint8_t rate_khz;
    } kReceive[] = {{0, abi::CodecKind::pcmu, 8},
                    {8, abi::CodecKind::pcma, 8},
                    {9, abi::CodecKind::g722, 16},
                    {111, abi::CodecKind::opus, 48},
                    {96, abi::CodecKind::l16, 16}};
    for (const auto& each : kReceive) {
      to.receive_payload_types[to.receive_count] = each.type;
      to.receive_codecs[to.receive_count] = static_cast<uint8_t>(each.kind);
      to.receive_rates_khz[to.receive_count++] = each.rate_khz;
    }
    to.event_receive_count = 1;
    to.event_receive_payload_types[0] = 101;
    command(to);
  }

  void route(uint32_t index, abi::RouteKind kind, uint32_t target) {
    abi::RouteCommand to{};
    to.leg = handle(index);
    to.kind = static_cast<uint8_t>(kind);
    to.target = target;
    command(to);
  }

  void step() {
    demand(engine->tick(now));
    now += engine::kPhaseNs;
    while (from_engine_.front() != nullptr) from_engine_.pop();
  }
  void period() {
    for (uint32_t i = 0; i < engine::kPhases; i++) step();
    periods++;
  }

  void close() {
    for (uint32_t i = 0; i < kLegs; i++) {
      abi::CloseLegCommand close{};
      close.leg = handle(i);
      command(close);
    }
    abi::CloseConferenceCommand close{};
    close.conference = handle(0);
    command(close);
    for (int i = 0; i < 4; i++) period();
    demand(engine->context().leg_count == 0 && engine->context().conference_count == 0);
  }

  FeedLink link;
  std::unique_ptr<engine::Engine> engine;
  int64_t now = 1'000'000'000;
  uint32_t periods = 0;

 private:
  using Words = std::vector<uint64_t>;
  static Words words(size_t bytes) { return Words((bytes + 7) / 8); }
  static uint8_t* bytes(Words& words) { return reinterpret_cast<uint8_t*>(words.data()); }

  uint32_t generation_ = 0;
  Words commands_;
  Words events_;
  Words statistics_;
  Words prompts_;
  base::SharedRing to_engine_;
  base::SharedRing from_engine_;
};

/** A datagram: raw bytes, or those behind a header that is right, so that the payload is reached.
 */
void arrive(Rig& rig, uint8_t code, const uint8_t* data, size_t size) {
  constexpr uint8_t kTypes[] = {0, 8, 9, 111, 96, 13, 101, 72};
  const uint32_t leg = 1 + code % (kLegs - 1);
  FeedLink& link = rig.link;
  link.waiting = static_cast<int>(2 * leg);
  link.from = address_of(static_cast<uint8_t>(code >= 0xf0 ? 99 : leg + 1));
  if ((code & 0x40) == 0 || size < 3) {
    if ((code & 0x20) != 0) {
      link.waiting++;
      link.from.port++;
    }
    link.bytes.assign(data, data + size);
    return;
  }
  link.bytes.assign(rtp::kHeaderBytes, 0);
  link.bytes.insert(link.bytes.end(), data + 3, data + size);
  const uint16_t sequence = base::load_be16(data);
  rtp::write_header(link.bytes.data(), {sequence * 160u, data[2] > 250 ? 9u : 7u, sequence,
                                        kTypes[data[2] % 8], 0, data[2] % 16 == 0});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Rig rig;
  if (size < 1) return 0;
  rig.open(data[0] % 2 != 0);
  data++;
  size--;
  const uint32_t began = rig.periods;
  const uint32_t sent = rig.link.honest_packets;
  while (size >= 2 && rig.periods - began < 200) {
    const uint8_t code = data[0];
    size_t bytes = data[1];
    data += 2;
    size -= 2;
    if (code < 48) {
      rig.period();
      continue;
    }
    bytes = bytes < size ? bytes : size;
    arrive(rig, code, data, bytes);
    data += bytes;
    size -= bytes;
    for (int i = 0; i < (code % 4 == 0 ? 10 : 0); i++) rig.step();
    if (code % 4 == 0) rig.periods++;
  }
  const uint32_t periods = rig.periods - began;
  const uint32_t packets = rig.link.honest_packets - sent;
  demand(packets + 1 >= periods && packets <= periods + 1);
  rig.close();
  return 0;
}
