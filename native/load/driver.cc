#include "driver.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <span>
#include <string>

namespace load {

namespace {

constexpr int64_t kSlotNs = 1'000'000;
constexpr int kSlots = 20;
constexpr int kChirpFrames = 5;        // 100 ms
constexpr int kChirpEveryFrames = 25;  // 500 ms
constexpr double kChirpDbfs = -10;
// Frames before the captured second: a decoder that starts in the middle of a stream needs some.
constexpr int kWarmUpFrames = 15;
constexpr int kCaptureFrames = kWarmUpFrames + kFramesPerSecond;

int64_t now_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

double cpu_seconds() {
  return static_cast<double>(now_ns(CLOCK_PROCESS_CPUTIME_ID)) / 1e9;
}

void put16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

void put32(uint8_t* at, uint32_t value) {
  put16(at, static_cast<uint16_t>(value >> 16));
  put16(at + 2, static_cast<uint16_t>(value));
}

uint32_t get32(const uint8_t* at) {
  return static_cast<uint32_t>(at[0]) << 24 | static_cast<uint32_t>(at[1]) << 16 |
         static_cast<uint32_t>(at[2]) << 8 | at[3];
}

uint16_t get16(const uint8_t* at) {
  return static_cast<uint16_t>(at[0] << 8 | at[1]);
}

/// Event code of RFC 4733 section 3.2, or -1.
int event_code(char digit) {
  const char* const codes = "0123456789*#ABCD";
  const char* const at = std::strchr(codes, digit);
  return at == nullptr || digit == '\0' ? -1 : static_cast<int>(at - codes);
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

  legs_.resize(static_cast<size_t>(options_.legs));
  for (int index = 0; index < options_.legs; ++index) {
    Leg& leg = legs_[static_cast<size_t>(index)];
    leg.index = index;
    leg.port = static_cast<uint16_t>(options_.base_port + 2 * index);
    leg.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_port = htons(leg.port);
    inet_pton(AF_INET, options_.address.c_str(), &local.sin_addr);
    if (leg.fd < 0 || bind(leg.fd, reinterpret_cast<sockaddr*>(&local), sizeof local) != 0) {
      std::fprintf(stderr, "port %u of leg %d: %s; choose another --base-port or raise ulimit -n\n",
                   leg.port, index, std::strerror(errno));
      return false;
    }
    leg.sequence = static_cast<uint16_t>(index * 7);
    leg.timestamp = static_cast<uint32_t>(index) * 1000u;
    leg.packet[0] = 0x80;
    put32(leg.packet + 8, 0x10000000u + static_cast<uint32_t>(index));
    leg.capture.resize(static_cast<size_t>(kCaptureFrames) *
                       static_cast<size_t>(sound_.max_payload()));
    leg.capture_bytes.resize(kCaptureFrames);
  }
  std::printf("{\"type\":\"ready\",\"legs\":%d,\"basePort\":%u}\n", options_.legs,
              options_.base_port);
  std::fflush(stdout);
  fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
  return true;
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
    slot(index);
    if (index % kSlots == 0) poll_commands();
    if (phase_ != Phase::idle && next_ns >= phase_end_ns_) finish_phase();
  }
}

void Driver::slot(int64_t slot_index) {
  const auto first = static_cast<size_t>(slot_index % kSlots);
  for (size_t index = first; index < legs_.size(); index += kSlots) {
    if (legs_[index].active) sweep(legs_[index]);
  }
}

void Driver::sweep(Leg& leg) {
  receive(leg);
  if (leg.digits.empty()) {
    send(leg);
  } else {
    send_digit(leg);
  }
}

void Driver::receive(Leg& leg) {
  // One packet is due per sweep; look for a second one only after a sweep that found none.
  const bool got = take(leg);
  if (got && leg.missed_last) {
    leg.missed_last = take(leg) ? leg.missed_last : false;
  } else if (!got) {
    leg.missed_last = true;
  }
}

bool Driver::take(Leg& leg) {
  uint8_t buffer[kHeaderBytes + 60 + kMaxPayload];
  ssize_t length;
  int64_t arrived_ns = 0;
  if (leg.timed) {
    iovec vector{buffer, sizeof buffer};
    alignas(cmsghdr) char control[64];
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    length = recvmsg(leg.fd, &message, MSG_DONTWAIT);
    for (cmsghdr* c = length < 0 ? nullptr : CMSG_FIRSTHDR(&message); c != nullptr;
         c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_type != SCM_TIMESTAMPNS) continue;
      timespec stamp;
      std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
      arrived_ns = stamp.tv_sec * 1'000'000'000LL + stamp.tv_nsec;
    }
  } else {
    length = recv(leg.fd, buffer, sizeof buffer, MSG_DONTWAIT);
  }
  if (length < 0) return false;
  Counters& counters = leg.counters;
  int header = kHeaderBytes + 4 * (buffer[0] & 0x0f);
  if ((buffer[0] & 0x10) != 0 && length >= header + 4) header += 4 + 4 * get16(buffer + header + 2);
  const auto payload_bytes = static_cast<int>(length) - header;
  if (payload_bytes < 1 || payload_bytes > sound_.max_payload() || (buffer[0] & 0xc0) != 0x80 ||
      (buffer[1] & 0x7f) != leg.payload_type) {
    // A key press or comfort noise is not expected from the far end while we measure.
    ++counters.malformed;
    return true;
  }
  const uint16_t sequence = get16(buffer + 2);
  const uint32_t timestamp = get32(buffer + 4);
  const uint32_t ssrc = get32(buffer + 8);
  ++counters.received;
  if (leg.seen && ssrc == leg.ssrc) {
    const auto step = static_cast<int16_t>(sequence - leg.last_sequence);
    if (step > 1) counters.lost += static_cast<uint64_t>(step - 1);
    if (step <= 0) ++counters.reordered;
    const auto expected = static_cast<uint32_t>(step) * sound_.timestamp_step();
    if (timestamp - leg.last_timestamp != expected) ++counters.timestamp_errors;
  } else if (leg.seen) {
    ++counters.ssrc_changes;
  }
  leg.seen = true;
  leg.ssrc = ssrc;
  leg.last_sequence = sequence;
  leg.last_timestamp = timestamp;
  if (phase_ == Phase::tones && leg.captured < kCaptureFrames) {
    const auto slot = static_cast<size_t>(leg.captured++);
    std::memcpy(leg.capture.data() + slot * static_cast<size_t>(sound_.max_payload()),
                buffer + header, static_cast<size_t>(payload_bytes));
    leg.capture_bytes[slot] = static_cast<uint16_t>(payload_bytes);
  }
  if (phase_ == Phase::delay && leg.timed &&
      static_cast<size_t>(leg.arrived) < leg.arrivals.size()) {
    Arrival& arrival = leg.arrivals[static_cast<size_t>(leg.arrived++)];
    arrival.realtime_ns = arrived_ns;
    arrival.payload.assign(buffer + header, buffer + length);
  }
  return true;
}

void Driver::send(Leg& leg) {
  const std::vector<uint8_t>* payload = &leg.payload->frame(leg.frame);
  if (phase_ == Phase::delay && leg.member == 0) {
    // Conferences take turns, so that the chirps of all are not sent in one slot.
    const uint32_t position =
        (leg.frame + static_cast<uint32_t>(leg.conference) * 3u) % kChirpEveryFrames;
    if (position < kChirpFrames) {
      payload = &chirp_.frame(position);
      if (position == 0) probes_.push_back({leg.conference, now_ns(CLOCK_REALTIME)});
    } else {
      payload = &noise_.frame(leg.frame);
    }
  }
  leg.packet[1] = leg.payload_type;
  put16(leg.packet + 2, leg.sequence++);
  put32(leg.packet + 4, leg.timestamp);
  std::memcpy(leg.packet + kHeaderBytes, payload->data(), payload->size());
  leg.timestamp += sound_.timestamp_step();
  ++leg.frame;
  const auto length = static_cast<ssize_t>(kHeaderBytes + payload->size());
  if (::send(leg.fd, leg.packet, static_cast<size_t>(length), MSG_DONTWAIT) == length) {
    ++leg.counters.sent;
  } else {
    ++leg.counters.send_errors;
  }
}

// RFC 4733: 100 ms of a digit (three of its packets repeat the end), then 100 ms of audio.
void Driver::send_digit(Leg& leg) {
  constexpr int kEventPackets = 8;
  constexpr int kPauseFrames = 5;
  const int code = event_code(leg.digits.front());
  if (leg.digit_packets >= kEventPackets || code < 0) {
    if (code >= 0 && leg.digit_packets++ < kEventPackets + kPauseFrames) return send(leg);
    leg.digits.erase(0, 1);
    leg.digit_packets = 0;
    return send(leg);
  }
  if (leg.digit_packets == 0) leg.digit_timestamp = leg.timestamp;
  const bool end = leg.digit_packets >= kEventPackets - 3;
  const int duration = std::min(leg.digit_packets + 1, kEventPackets - 2) *
                       static_cast<int>(sound_.timestamp_step());
  uint8_t packet[kHeaderBytes + 4];
  std::memcpy(packet, leg.packet, kHeaderBytes);
  packet[1] = static_cast<uint8_t>(leg.digit_payload_type | (leg.digit_packets == 0 ? 0x80 : 0));
  put16(packet + 2, leg.sequence++);
  put32(packet + 4, leg.digit_timestamp);
  packet[kHeaderBytes] = static_cast<uint8_t>(code);
  packet[kHeaderBytes + 1] = static_cast<uint8_t>(end ? 0x8a : 0x0a);
  put16(packet + kHeaderBytes + 2, static_cast<uint16_t>(duration));
  leg.timestamp += sound_.timestamp_step();
  ++leg.frame;
  ++leg.digit_packets;
  if (::send(leg.fd, packet, sizeof packet, MSG_DONTWAIT) > 0) ++leg.counters.sent;
}

void Driver::begin_tones(double seconds) {
  phase_ = Phase::tones;
  phase_begin_ns_ = now_ns(CLOCK_MONOTONIC);
  phase_end_ns_ = phase_begin_ns_ + static_cast<int64_t>(seconds * 1e9);
  phase_cpu_begin_s_ = cpu_seconds();
  late_slots_ = 0;
  worst_late_ns_ = 0;
  for (Leg& leg : legs_) {
    leg.counters = {};
    leg.captured = 0;
  }
}

void Driver::begin_delay(double seconds) {
  begin_tones(seconds);
  phase_ = Phase::delay;
  probes_.clear();
  probes_.reserve(legs_.size() * static_cast<size_t>(seconds * 2 + 2));
  const auto frames = static_cast<size_t>(seconds * kFramesPerSecond) + 100;
  int last_conference = -1;
  for (Leg& leg : legs_) {
    // The last member of each conference listens with the kernel's time stamps.
    const size_t next = static_cast<size_t>(leg.index) + 1;
    const bool last = next == legs_.size() || legs_[next].conference != leg.conference;
    leg.timed = leg.active && leg.member > 0 && last && leg.conference != last_conference;
    if (!leg.timed) continue;
    last_conference = leg.conference;
    const int on = 1;
    setsockopt(leg.fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    leg.arrived = 0;
    leg.arrivals.resize(frames);
    for (Arrival& arrival : leg.arrivals)
      arrival.payload.reserve(static_cast<size_t>(sound_.max_payload()));
  }
}

void Driver::finish_phase() {
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

std::string Driver::counters_report() const {
  Counters sum;
  int active = 0, slow = 0, silent = 0;
  const double seconds = static_cast<double>(phase_end_ns_ - phase_begin_ns_) / 1e9;
  double slowest = 1e9;
  for (const Leg& leg : legs_) {
    if (!leg.active) continue;
    ++active;
    const Counters& c = leg.counters;
    sum.sent += c.sent;
    sum.send_errors += c.send_errors;
    sum.received += c.received;
    sum.lost += c.lost;
    sum.reordered += c.reordered;
    sum.timestamp_errors += c.timestamp_errors;
    sum.ssrc_changes += c.ssrc_changes;
    sum.malformed += c.malformed;
    const double rate = static_cast<double>(c.received) / seconds;
    slowest = std::min(slowest, rate);
    if (rate < 49.5) ++slow;
    if (c.received == 0) ++silent;
  }
  char text[800];
  std::snprintf(
      text, sizeof text,
      "{\"type\":\"counters\",\"seconds\":%.3f,\"legs\":%d,\"sent\":%lu,\"sendErrors\":%lu,"
      "\"received\":%lu,\"lost\":%lu,\"reordered\":%lu,\"timestampErrors\":%lu,\"ssrcChanges\":%lu,"
      "\"malformed\":%lu,\"slowLegs\":%d,\"silentLegs\":%d,\"slowestRate\":%.2f,"
      "\"driverCpuSeconds\":%.3f,\"driverLateSlots\":%ld,\"driverWorstLateMs\":%.3f}\n",
      seconds, active, sum.sent, sum.send_errors, sum.received, sum.lost, sum.reordered,
      sum.timestamp_errors, sum.ssrc_changes, sum.malformed, slow, silent, slowest,
      cpu_seconds() - phase_cpu_begin_s_, late_slots_, static_cast<double>(worst_late_ns_) / 1e6);
  return text;
}

void Driver::report_tones() const {
  int checked = 0, incomplete = 0, level_failures = 0, own_failures = 0, foreign_failures = 0;
  double worst_error = 0, worst_own = -200, worst_foreign = -200;
  const int rate_hz = sound_.rate_hz();
  std::vector<int16_t> samples;
  for (const Leg& leg : legs_) {
    if (!leg.active) continue;
    if (leg.captured < kCaptureFrames) {
      ++incomplete;
      continue;
    }
    samples.clear();
    Sound::Decoder decoder(sound_);
    for (size_t slot = 0; slot < kCaptureFrames; ++slot) {
      decoder.append(leg.capture.data() + slot * static_cast<size_t>(sound_.max_payload()),
                     leg.capture_bytes[slot], samples);
    }
    samples.erase(samples.begin(), samples.end() - rate_hz);
    ++checked;
    // A conference has at most a few talkers; every other tone must be absent.
    std::vector<int> present;
    for (const Leg& other : legs_) {
      if (other.active && other.conference == leg.conference && other.tone_hz > 0) {
        present.push_back(other.tone_hz);
        const double level = tone_level_dbfs(samples, rate_hz, other.tone_hz);
        if (other.index == leg.index) {
          worst_own = std::max(worst_own, level);
          if (level > -60) ++own_failures;
        } else {
          const double error = std::abs(level - options_.talker_dbfs);
          worst_error = std::max(worst_error, error);
          if (error > 1) ++level_failures;
        }
      }
    }
    for (int index = 0; index < kToneCount; ++index) {
      const int frequency = tone_hz(index);
      if (std::find(present.begin(), present.end(), frequency) != present.end()) continue;
      const double level = tone_level_dbfs(samples, rate_hz, frequency);
      worst_foreign = std::max(worst_foreign, level);
      if (level > -60) ++foreign_failures;
    }
  }
  std::printf(
      "{\"type\":\"tones\",\"checked\":%d,\"incomplete\":%d,\"levelFailures\":%d,\"ownFailures\":%"
      "d,"
      "\"foreignFailures\":%d,\"worstLevelErrorDb\":%.2f,\"worstOwnDbfs\":%.1f,"
      "\"worstForeignDbfs\":%.1f}\n",
      checked, incomplete, level_failures, own_failures, foreign_failures, worst_error, worst_own,
      worst_foreign);
}

void Driver::report_delay() const {
  // The chirp ends at 3 kHz: searching at 8 kHz is as exact as needed, and quick.
  const int factor = sound_.rate_hz() / 8000;
  const std::vector<int16_t> pattern =
      decimate(chirp(sound_.rate_hz(), kChirpFrames * sound_.frame_samples(), kChirpDbfs), factor);
  std::vector<double> delays_ms;
  int missed = 0;
  for (const Leg& leg : legs_) {
    if (!leg.timed || leg.arrived == 0) continue;
    const auto arrived = static_cast<size_t>(leg.arrived);
    std::vector<int16_t> heard;
    Sound::Decoder decoder(sound_);
    for (size_t n = 0; n < arrived; ++n) {
      const auto& payload = leg.arrivals[n].payload;
      decoder.append(payload.data(), static_cast<int>(payload.size()), heard);
    }
    heard = decimate(heard, factor);
    for (const Probe& probe : probes_) {
      // A probe near the end of the window has not been heard yet.
      if (probe.conference != leg.conference) continue;
      if (probe.realtime_ns + 450'000'000 > leg.arrivals[arrived - 1].realtime_ns) continue;
      size_t first = 0;
      while (leg.arrivals[first].realtime_ns < probe.realtime_ns) ++first;
      const size_t frames = std::min<size_t>(22, arrived - first);
      const auto frame = static_cast<size_t>(sound_.frame_samples() / factor);
      const Match match =
          find_pattern(std::span(heard).subspan(first * frame, frames * frame), pattern);
      if (match.correlation < 0.5) {
        ++missed;
        continue;
      }
      const size_t packet = first + static_cast<size_t>(match.lag_samples) / frame;
      delays_ms.push_back(
          static_cast<double>(leg.arrivals[packet].realtime_ns - probe.realtime_ns) / 1e6);
    }
  }
  std::sort(delays_ms.begin(), delays_ms.end());
  const auto at = [&](double share) {
    if (delays_ms.empty()) return -1.0;
    return delays_ms[static_cast<size_t>(share * static_cast<double>(delays_ms.size() - 1))];
  };
  std::printf(
      "{\"type\":\"delay\",\"probes\":%zu,\"missed\":%d,\"minMs\":%.2f,\"p50Ms\":%.2f,\"p90Ms\":%."
      "2f,"
      "\"p99Ms\":%.2f,\"maxMs\":%.2f,\"percentilesMs\":[",
      delays_ms.size(), missed, at(0), at(0.5), at(0.9), at(0.99), at(1));
  for (int percent = 0; percent <= 100; ++percent) {
    std::printf("%s%.2f", percent == 0 ? "" : ",", at(percent / 100.0));
  }
  std::printf("]}\n");
}

}  // namespace load
