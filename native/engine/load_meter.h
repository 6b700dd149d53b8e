// How busy and how late the loop is: the measure of a mixer's capacity (R45). Windows of one
// second, of which the last ten count.
#pragma once

#include <cstdint>

namespace engine {

class LoadMeter {
 public:
  static constexpr int kWindows = 10;
  static constexpr int kBuckets = 24;

  void on_phase(int64_t now_ns, int64_t late_ns, int64_t wall_ns, int64_t cpu_ns, uint32_t legs);

  /** Share of wall time spent in phases, over the windows. */
  double busy_share() const { return share(&Window::wall_ns); }
  double cpu_share() const { return share(&Window::cpu_ns); }
  double lateness_p99_ms() const;
  /** How many legs there were while that was measured: what a leg costs is the one over the other.
   */
  double mean_legs() const;

 private:
  struct Window {
    int64_t start_ns = 0;
    int64_t end_ns = 0;
    int64_t wall_ns = 0;
    int64_t cpu_ns = 0;
    double leg_ns = 0;
    uint32_t late[kBuckets] = {};
  };
  double share(int64_t Window::*member) const;

  Window windows_[kWindows];
  int current_ = 0;
  int64_t last_ns_ = 0;
};

}  // namespace engine
