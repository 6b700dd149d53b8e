#pragma once
// The load driver: plays thousands of callers on one thread. A sweep of a leg every 20 ms sends,
// and every fourth one takes what has come; sweeps are spread over 20 slots of 1 ms, so that the
// load is even and the driver stays cheaper than the mixer it drives (no epoll, no allocation, no
// analysis while it measures).
//
//   commands.cc  what it is told      incoming.cc  what it hears
//   driver.cc    the sweeps, sending  report.cc    what it found out

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mapped.h"
#include "impairment.h"
#include "leg.h"
#include "sound.h"
#include "wire.h"

namespace load {

struct Options {
  int legs = 0;
  std::string address = "127.0.0.1";
  uint16_t base_port = 40000;
  int port_step = 2;
  int cpu = -1;
  double talker_dbfs = -20;
  double listener_dbfs = -66;
  std::string codec = "PCMU";
  /// Members of each conference with a tone.
  int talkers = 3;
  /// They talk one after another, each for so long; 0: all at once.
  int turn_ms = 0;
  ImpairmentOptions impairment;
};

inline constexpr int kChirpFrames = 5;  // 100 ms
inline constexpr double kChirpDbfs = -10;
// Frames before the captured second: a decoder that starts in the middle of a stream needs some.
inline constexpr int kWarmUpFrames = 15;
inline constexpr int kCaptureFrames = kWarmUpFrames + kFramesPerSecond;

/// A chirp that was sent.
struct Probe {
  int conference;
  int64_t realtime_ns;    // when its first packet left
  int64_t worst_late_ns;  // of its packets, against the driver's own plan
};

class Driver {
 public:
  explicit Driver(Options options);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  /// Prepares the signals and binds every socket; false with a message on stderr when there is no
  /// such codec or a port is taken.
  bool open();
  /// Handles commands from stdin until `quit` or end of input.
  void run();

 private:
  enum class Phase : uint8_t { idle, tones, delay };
  static constexpr int kBatch = 8;
  static constexpr int kControlBytes = 64;

  bool prepare_sound();
  bool open_socket(Leg& leg);
  void prepare_buffers();
  void claim_the_machine();

  void command(std::string_view line);
  void start_leg(std::string_view arguments);
  void poll_commands();

  void slot(int64_t slot_index);
  void sweep(Leg& leg);
  const Payload& sounding(Leg& leg, size_t& frame);
  const Payload& chirping(Leg& leg, size_t& frame);
  bool has_turn(const Leg& leg, int64_t clock_ms) const;
  void send(Leg& leg);
  void send_digit(Leg& leg);
  void transmit(Leg& leg, const uint8_t* packet, int bytes);

  static int64_t arrival_of(msghdr& header);
  void receive(Leg& leg);
  void drain();
  void take(Leg& leg, const uint8_t* packet, int length, int64_t arrived_ns);
  void follow(Leg& leg, const uint8_t* packet);

  void begin_phase(Phase phase, double seconds);
  void begin_tones(double seconds);
  void begin_delay(double seconds);
  void finish_phase();

  std::string counters_report() const;
  void report_tones() const;
  void report_delay() const;
  std::vector<int16_t> heard_second(const Leg& leg) const;

  const Options options_;
  Sound sound_;
  std::vector<Leg> legs_;
  std::vector<Capture> captures_;
  std::vector<DigitQueue> digits_;
  std::vector<Payload> tones_;
  Payload noise_;
  Payload chirp_;
  Impairment impairment_;
  std::string input_;
  bool stop_ = false;

  Phase phase_ = Phase::idle;
  int64_t phase_end_ns_ = 0;
  int64_t phase_begin_ns_ = 0;
  double phase_cpu_begin_s_ = 0;
  int64_t late_slots_ = 0;
  int64_t worst_late_ns_ = 0;
  int64_t slot_due_ns_ = 0;
  /// Milliseconds of talk; stands still while a second of audio is captured.
  int64_t turn_clock_ms_ = 0;
  /// Its value in that second.
  int64_t captured_turn_ms_ = 0;
  std::vector<Probe> probes_;
  std::unique_ptr<base::Mapped<uint8_t>> arrival_bytes_;  // of the packets of timed legs

  /// One packet going out, eight coming in.
  uint8_t packet_[kHeaderBytes + kLevelBytes + kMaxPayload] = {};
  uint8_t incoming_[kBatch][kHeaderBytes + 60 + kMaxPayload];
  alignas(16) uint8_t control_[kBatch][kControlBytes];
  iovec vectors_[kBatch];
  mmsghdr messages_[kBatch];

  /// Analyses what was captured while the load goes on: a pause would look like a broken network.
  std::thread analysis_;
};

}  // namespace load
