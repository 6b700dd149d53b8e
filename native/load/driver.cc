#include "driver.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>

#include "clocks.h"
#include "signal.h"

namespace load {

namespace {

constexpr int64_t kSlotNs = 1'000'000;
constexpr int kSlots = 20;
constexpr int kChirpEveryFrames = 25;  // 500 ms
// Packets wait in the socket for up to 80 ms: one call for four costs less than four calls, and the
// kernel has noted when they came.
constexpr uint32_t kReceiveEverySweeps = 4;
// While a second of audio is captured, talkers do not change.
constexpr int64_t kCaptureNs = (kCaptureFrames + 10) * 20'000'000LL;

/// Event code of RFC 4733 section 3.2, or -1.
int event_code(char digit) {
  const char* const codes = "0123456789*#ABCD";
  const char* const at = std::strchr(codes, digit);
  return at == nullptr || digit == '\0' ? -1 : static_cast<int>(at - codes);
}

/// Without the library's wrapper: a cancellation point costs two atomics in a threaded process.
bool send_now(int fd, const uint8_t* packet, int bytes) {
  return syscall(SYS_sendto, fd, packet, bytes, MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0) == bytes;
}

}  // namespace

Driver::Driver(Options options) : options_(std::move(options)) {}

Driver::~Driver() {
  if (analysis_.joinable()) analysis_.join();
  for (const Leg& leg : legs_) {
    if (leg.fd >= 0) close(leg.fd);
  }
}

bool Driver::open() {
  if (!prepare_sound()) return false;
  claim_the_machine();
  const auto count = static_cast<size_t>(options_.legs);
  legs_.resize(count);
  captures_.resize(count);
  digits_.resize(count);
  for (size_t index = 0; index < count; ++index) {
    Leg& leg = legs_[index];
    leg.index = static_cast<int>(index);
    leg.sequence = static_cast<uint16_t>(index * 7);
    leg.timestamp = static_cast<uint32_t>(index) * 1000u;
    if (!open_socket(leg)) return false;
    captures_[index].bytes.resize(static_cast<size_t>(kCaptureFrames) *
                                  static_cast<size_t>(sound_.max_payload()));
    captures_[index].lengths.resize(kCaptureFrames);
  }
  prepare_buffers();
  impairment_.init(options_.impairment, options_.legs,
                   kHeaderBytes + kLevelBytes + sound_.max_payload());
  std::printf("{\"type\":\"ready\",\"legs\":%d,\"basePort\":%u}\n", options_.legs,
              options_.base_port);
  std::fflush(stdout);
  fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
  return true;
}

bool Driver::prepare_sound() {
  if (!sound_.open(options_.codec)) {
    std::fprintf(stderr, "--codec: expected PCMU, PCMA, G722, opus or L16, got %s\n",
                 options_.codec.c_str());
    return false;
  }
  const int rate_hz = sound_.rate_hz();
  for (int index = 0; index < kToneCount; ++index) {
    tones_.push_back(sound_.encode(tone(rate_hz, tone_hz(index), options_.talker_dbfs)));
  }
  noise_ = sound_.encode(noise(rate_hz, options_.listener_dbfs, 1));
  chirp_ = sound_.encode(chirp(rate_hz, kChirpFrames * sound_.frame_samples(), kChirpDbfs));
  return true;
}

void Driver::claim_the_machine() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (options_.cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<size_t>(options_.cpu), &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
  }
  sched_param realtime{};
  realtime.sched_priority = 1;
  sched_setscheduler(0, SCHED_FIFO, &realtime);  // best effort: an even load needs punctual slots
}

bool Driver::open_socket(Leg& leg) {
  const int port = options_.base_port + options_.port_step * leg.index;
  leg.fd = port > 65535 ? -1 : socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, options_.address.c_str(), &local.sin_addr);
  if (leg.fd >= 0 && bind(leg.fd, reinterpret_cast<sockaddr*>(&local), sizeof local) == 0) {
    return true;
  }
  std::fprintf(stderr,
               "port %d of leg %d: %s; choose another --base-port or --local, or raise ulimit -n\n",
               port, leg.index, port > 65535 ? "there is none" : std::strerror(errno));
  return false;
}

void Driver::run() {
  int64_t next_ns = now_ns(CLOCK_MONOTONIC) + kSlotNs;
  for (int64_t index = 0; !stop_; ++index, next_ns += kSlotNs) {
    const timespec until{next_ns / 1'000'000'000LL, next_ns % 1'000'000'000LL};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
    const int64_t late_ns = now_ns(CLOCK_MONOTONIC) - next_ns;
    if (late_ns > 5 * kSlotNs) ++late_slots_;
    worst_late_ns_ = std::max(worst_late_ns_, late_ns);
    slot_due_ns_ = next_ns;
    const bool capturing = phase_ == Phase::tones && next_ns - phase_begin_ns_ < kCaptureNs;
    if (capturing) {
      captured_turn_ms_ = turn_clock_ms_;
    } else {
      ++turn_clock_ms_;
    }
    slot(index);
    if (impairment_.on()) impairment_.flush(send_now);
    if (index % kSlots == 0) poll_commands();
    if (phase_ != Phase::idle && next_ns >= phase_end_ns_) finish_phase();
  }
}

void Driver::slot(int64_t slot_index) {
  const auto first = static_cast<size_t>(slot_index % kSlots);
  for (size_t index = first; index < legs_.size(); index += kSlots) {
    if (index + kSlots < legs_.size()) __builtin_prefetch(&legs_[index + kSlots]);
    if (legs_[index].active) sweep(legs_[index]);
  }
}

void Driver::sweep(Leg& leg) {
  if (leg.frame % kReceiveEverySweeps == 0) receive(leg);
  if (leg.has_digits) {
    send_digit(leg);
  } else {
    send(leg);
  }
}

bool Driver::has_turn(const Leg& leg, int64_t clock_ms) const {
  if (options_.turn_ms == 0) return true;
  // Conferences do not all change at the same moment.
  const int64_t turn = (clock_ms + leg.conference * 37) / options_.turn_ms;
  return (turn + leg.conference) % options_.talkers == leg.member;
}

/// What the leg sends in this frame.
const Payload& Driver::sounding(Leg& leg, size_t& frame) {
  if (phase_ == Phase::delay && leg.member == 0 && leg.measured) return chirping(leg, frame);
  const Payload& payload =
      leg.tone_hz == 0 || has_turn(leg, turn_clock_ms_) ? *leg.payload : noise_;
  frame = payload.at(leg.frame);
  return payload;
}

/// The first member of a conference chirps, and is quiet in between.
const Payload& Driver::chirping(Leg& leg, size_t& frame) {
  // Conferences take turns, so that the chirps of all are not sent in one slot.
  const uint32_t position =
      (leg.frame + static_cast<uint32_t>(leg.conference) * 3u) % kChirpEveryFrames;
  if (position == 0) {
    leg.probe = static_cast<int>(probes_.size());
    probes_.push_back({leg.conference, now_ns(CLOCK_REALTIME), 0});
  }
  if (position >= kChirpFrames || leg.probe < 0) {
    leg.probe = -1;
    frame = noise_.at(leg.frame);
    return noise_;
  }
  Probe& probe = probes_[static_cast<size_t>(leg.probe)];
  probe.worst_late_ns = std::max(probe.worst_late_ns, now_ns(CLOCK_MONOTONIC) - slot_due_ns_);
  frame = position;
  return chirp_;
}

void Driver::send(Leg& leg) {
  size_t frame = 0;
  const Payload& payload = sounding(leg, frame);
  const std::vector<uint8_t>& bytes = payload.frames[frame];
  put_header(packet_, leg.payload_type, leg.sequence++, leg.timestamp,
             0x10000000u + static_cast<uint32_t>(leg.index));
  int header = kHeaderBytes;
  if (leg.level_id != 0) {
    put_level(packet_, leg.level_id, payload.levels[frame]);
    header += kLevelBytes;
  }
  std::memcpy(packet_ + header, bytes.data(), bytes.size());
  leg.timestamp += sound_.timestamp_step();
  ++leg.frame;
  transmit(leg, packet_, header + static_cast<int>(bytes.size()));
}

void Driver::transmit(Leg& leg, const uint8_t* packet, int bytes) {
  if (impairment_.on()) {
    impairment_.offer(leg.fd, packet, bytes);
    ++leg.counters.sent;
  } else if (send_now(leg.fd, packet, bytes)) {
    ++leg.counters.sent;
  } else {
    ++leg.counters.send_errors;
  }
}

// RFC 4733: 100 ms of a digit (three of its packets repeat the end), then 100 ms of audio.
void Driver::send_digit(Leg& leg) {
  constexpr int kEventPackets = 8;
  constexpr int kPauseFrames = 5;
  DigitQueue& queue = digits_[static_cast<size_t>(leg.index)];
  const int code = event_code(queue.digits.front());
  if (queue.packets >= kEventPackets || code < 0) {
    if (code >= 0 && queue.packets++ < kEventPackets + kPauseFrames) return send(leg);
    queue.digits.erase(0, 1);
    queue.packets = 0;
    leg.has_digits = !queue.digits.empty();
    return send(leg);
  }
  if (queue.packets == 0) queue.timestamp = leg.timestamp;
  const bool end = queue.packets >= kEventPackets - 3;
  const int duration =
      std::min(queue.packets + 1, kEventPackets - 2) * static_cast<int>(sound_.timestamp_step());
  uint8_t packet[kHeaderBytes + 4];
  const auto type = static_cast<uint8_t>(queue.payload_type | (queue.packets == 0 ? 0x80 : 0));
  put_header(packet, type, leg.sequence++, queue.timestamp,
             0x10000000u + static_cast<uint32_t>(leg.index));
  packet[kHeaderBytes] = static_cast<uint8_t>(code);
  packet[kHeaderBytes + 1] = static_cast<uint8_t>(end ? 0x8a : 0x0a);
  put16(packet + kHeaderBytes + 2, static_cast<uint16_t>(duration));
  leg.timestamp += sound_.timestamp_step();
  ++leg.frame;
  ++queue.packets;
  transmit(leg, packet, sizeof packet);
}

void Driver::begin_phase(Phase phase, double seconds) {
  // What waits in the sockets belongs to the time before.
  drain();
  phase_ = phase;
  phase_begin_ns_ = now_ns(CLOCK_MONOTONIC);
  phase_end_ns_ = phase_begin_ns_ + static_cast<int64_t>(seconds * 1e9);
  phase_cpu_begin_s_ = cpu_seconds();
  late_slots_ = 0;
  worst_late_ns_ = 0;
  impairment_.reset_counters();
  for (Leg& leg : legs_) leg.counters = {};
}

void Driver::begin_tones(double seconds) {
  for (Capture& capture : captures_) capture.frames = 0;
  begin_phase(Phase::tones, seconds);
}

void Driver::begin_delay(double seconds) {
  probes_.clear();
  probes_.reserve(legs_.size() * static_cast<size_t>(seconds * 2 + 2));
  const auto frames = static_cast<size_t>(seconds * kFramesPerSecond) + 100;
  // Pages come one by one with what arrives: nothing here may hold up what is being sent.
  const auto room = static_cast<size_t>(sound_.max_payload());
  arrival_bytes_ = std::make_unique<base::Mapped<uint8_t>>(legs_.size() * frames * room);
  // Without address space for them no leg is timed, and the report has no probes.
  const bool kept = arrival_bytes_->valid();
  int last_conference = -1;
  for (Leg& leg : legs_) {
    leg.probe = -1;
    // The last member of each conference listens with the kernel's time stamps.
    const size_t next = static_cast<size_t>(leg.index) + 1;
    const bool last = next == legs_.size() || legs_[next].conference != leg.conference;
    leg.timed = kept && leg.active && leg.measured && leg.member > 0 && last &&
                leg.conference != last_conference;
    if (!leg.timed) continue;
    last_conference = leg.conference;
    const int on = 1;
    setsockopt(leg.fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    Capture& capture = captures_[static_cast<size_t>(leg.index)];
    capture.arrived = 0;
    capture.arrivals.resize(frames);
    uint8_t* bytes = arrival_bytes_->data() + static_cast<size_t>(leg.index) * frames * room;
    for (Arrival& arrival : capture.arrivals) {
      arrival.payload = bytes;
      bytes += room;
    }
  }
  begin_phase(Phase::delay, seconds);
}

void Driver::finish_phase() {
  drain();
  const Phase finished = phase_;
  phase_ = Phase::idle;
  if (analysis_.joinable()) analysis_.join();
  analysis_ = std::thread([this, finished, counters = counters_report()] {
    sched_param ordinary{};
    sched_setscheduler(0, SCHED_OTHER, &ordinary);
    if (finished == Phase::tones) report_tones();
    if (finished == Phase::delay) report_delay();
    std::fputs(counters.c_str(), stdout);
    std::fflush(stdout);
  });
}

}  // namespace load
