#pragma once
// The load driver: plays thousands of callers on one thread. One sweep of a leg per 20 ms both
// drains and sends, spread over 20 slots of 1 ms, so that the load is even and the driver stays
// cheaper than the mixer it drives (no epoll, no allocation, no analysis while it measures).

#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "leg.h"
#include "sound.h"

namespace load {

struct Options {
  int legs = 0;
  std::string address = "127.0.0.1";
  uint16_t base_port = 40000;
  int cpu = -1;
  double talker_dbfs = -20;
  double listener_dbfs = -66;
  std::string codec = "PCMU";
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

  void command(std::string_view line);
  void start_leg(std::string_view arguments);
  void poll_commands();
  void slot(int64_t slot_index);
  void sweep(Leg& leg);
  void receive(Leg& leg);
  bool take(Leg& leg);
  void send(Leg& leg);
  void send_digit(Leg& leg);
  void begin_tones(double seconds);
  void begin_delay(double seconds);
  void finish_phase();
  std::string counters_report() const;
  void report_tones() const;
  void report_delay() const;
  const Payload* payload_for(int tone);

  const Options options_;
  Sound sound_;
  std::vector<Leg> legs_;
  std::vector<Payload> tones_;
  Payload noise_;
  Payload chirp_;
  std::string input_;
  bool stop_ = false;

  Phase phase_ = Phase::idle;
  int64_t phase_end_ns_ = 0;
  int64_t phase_begin_ns_ = 0;
  double phase_cpu_begin_s_ = 0;
  int64_t late_slots_ = 0;
  int64_t worst_late_ns_ = 0;

  /// When the first packet of each chirp left: conference, realtime.
  struct Probe {
    int conference;
    int64_t realtime_ns;
  };
  std::vector<Probe> probes_;

  /// Analyses what was captured while the load goes on: a pause would look like a broken network.
  std::thread analysis_;
};

}  // namespace load
