// What a measurement found out: runs beside the load, on what was captured during it.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>

#include "clocks.h"
#include "driver.h"
#include "probe.h"
#include "signal.h"

namespace load {

namespace {

/// A chirp whose packets left later than this behind the plan says nothing about the target.
constexpr int64_t kProbeLateNs = 3'000'000;
/// How much of the stream is searched: chirps are 500 ms apart.
constexpr size_t kSearchFrames = 22;
constexpr int64_t kSearchNs = 450'000'000;
/// Own and foreign tones that are louder than this are heard.
constexpr double kAudibleDbfs = -60;
/// Concealment of what the network lost puts sound beside the tones.
constexpr double kAudibleImpairedDbfs = -35;

struct ToneSummary {
  int checked = 0, incomplete = 0, level_failures = 0, own_failures = 0, foreign_failures = 0;
  double worst_error = 0, worst_own = -200, worst_foreign = -200;
};

struct DelaySummary {
  std::vector<double> delays_ms;
  int missed = 0, damaged = 0, broken = 0, spoiled = 0;
};

}  // namespace

std::string Driver::counters_report() const {
  Counters sum;
  int active = 0, slow = 0, silent = 0;
  const double seconds = static_cast<double>(phase_end_ns_ - phase_begin_ns_) / 1e9;
  double slowest = 1e9;
  for (const Leg& leg : legs_) {
    if (!leg.active || !leg.measured) continue;
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
    sum.rtcp += c.rtcp;
    const double rate = static_cast<double>(c.received) / seconds;
    slowest = std::min(slowest, rate);
    if (rate < 49.5) ++slow;
    if (c.received == 0) ++silent;
  }
  const ImpairmentCounters& network = impairment_.counters();
  char text[1000];
  std::snprintf(
      text, sizeof text,
      "{\"type\":\"counters\",\"seconds\":%.3f,\"legs\":%d,\"sent\":%lu,\"sendErrors\":%lu,"
      "\"received\":%lu,\"lost\":%lu,\"reordered\":%lu,\"timestampErrors\":%lu,\"ssrcChanges\":%lu,"
      "\"malformed\":%lu,\"rtcp\":%lu,\"slowLegs\":%d,\"silentLegs\":%d,\"slowestRate\":%.2f,"
      "\"injectedLoss\":%lu,\"injectedDuplicates\":%lu,\"injectedDelays\":%lu,"
      "\"driverCpuSeconds\":%.3f,\"driverLateSlots\":%ld,\"driverWorstLateMs\":%.3f}\n",
      seconds, active, sum.sent, sum.send_errors, sum.received, sum.lost, sum.reordered,
      sum.timestamp_errors, sum.ssrc_changes, sum.malformed, sum.rtcp, slow, silent,
      active == 0 ? 0.0 : slowest, network.dropped, network.duplicated, network.delayed,
      cpu_seconds() - phase_cpu_begin_s_, late_slots_, static_cast<double>(worst_late_ns_) / 1e6);
  return text;
}

/// The captured second of a leg, decoded.
std::vector<int16_t> Driver::heard_second(const Leg& leg) const {
  const Capture& capture = captures_[static_cast<size_t>(leg.index)];
  std::vector<int16_t> samples;
  Sound::Decoder decoder(sound_);
  for (size_t slot = 0; slot < kCaptureFrames; ++slot) {
    decoder.append(capture.bytes.data() + slot * static_cast<size_t>(sound_.max_payload()),
                   capture.lengths[slot], samples);
  }
  samples.erase(samples.begin(), samples.end() - sound_.rate_hz());
  return samples;
}

void Driver::report_tones() const {
  ToneSummary sum;
  const double audible = impairment_.on() ? kAudibleImpairedDbfs : kAudibleDbfs;
  for (const Leg& leg : legs_) {
    if (!leg.active || !leg.measured) continue;
    if (captures_[static_cast<size_t>(leg.index)].frames < kCaptureFrames) {
      ++sum.incomplete;
      continue;
    }
    ++sum.checked;
    const auto levels = tone_levels_dbfs(heard_second(leg), sound_.rate_hz());
    // A conference has at most a few talkers; every other tone must be absent.
    std::array<bool, kToneCount> expected{};
    for (const Leg& other : legs_) {
      if (!other.active || other.conference != leg.conference || other.tone_hz == 0) continue;
      const auto tone = static_cast<size_t>(tone_index(other.tone_hz));
      if (other.index == leg.index) {
        expected[tone] = true;
        sum.worst_own = std::max(sum.worst_own, levels[tone]);
        if (levels[tone] > audible) ++sum.own_failures;
      } else if (has_turn(other, captured_turn_ms_)) {
        expected[tone] = true;
        const double error = std::abs(levels[tone] - options_.talker_dbfs);
        sum.worst_error = std::max(sum.worst_error, error);
        if (error > (impairment_.on() ? 3 : 1)) ++sum.level_failures;
      }
    }
    for (size_t tone = 0; tone < kToneCount; ++tone) {
      if (expected[tone]) continue;
      sum.worst_foreign = std::max(sum.worst_foreign, levels[tone]);
      if (levels[tone] > audible) ++sum.foreign_failures;
    }
  }
  std::printf(
      "{\"type\":\"tones\",\"checked\":%d,\"incomplete\":%d,\"levelFailures\":%d,\"ownFailures\":%"
      "d,"
      "\"foreignFailures\":%d,\"worstLevelErrorDb\":%.2f,\"worstOwnDbfs\":%.1f,"
      "\"worstForeignDbfs\":%.1f}\n",
      sum.checked, sum.incomplete, sum.level_failures, sum.own_failures, sum.foreign_failures,
      sum.worst_error, sum.worst_own, sum.worst_foreign);
}

void Driver::report_delay() const {
  // The chirp ends at 3 kHz: searching at 8 kHz is as exact as needed, and quick.
  const int factor = sound_.rate_hz() / 8000;
  const auto frame = static_cast<size_t>(sound_.frame_samples() / factor);
  const std::vector<int16_t> pattern =
      decimate(chirp(sound_.rate_hz(), kChirpFrames * sound_.frame_samples(), kChirpDbfs), factor);
  const double tone_power = std::pow(10.0, (options_.talker_dbfs - kChirpDbfs) / 10);
  DelaySummary sum;
  for (const Leg& leg : legs_) {
    const Capture& capture = captures_[static_cast<size_t>(leg.index)];
    if (!leg.timed || capture.arrived == 0) continue;
    std::vector<int16_t> heard;
    Sound::Decoder decoder(sound_);
    for (size_t n = 0; n < capture.arrived; ++n) {
      const Arrival& arrival = capture.arrivals[n];
      decoder.append(arrival.payload, arrival.bytes, heard);
    }
    heard = decimate(heard, factor);
    int others = 0;
    for (const Leg& other : legs_) {
      const bool talks = other.active && other.conference == leg.conference && other.tone_hz > 0;
      if (talks && other.member != 0 && other.index != leg.index) ++others;
    }
    if (options_.turn_ms > 0) others = std::min(others, 1);
    for (const Probe& probe : probes_) {
      // A probe near the end of the window has not been heard yet.
      if (probe.conference != leg.conference) continue;
      if (probe.realtime_ns + kSearchNs > capture.arrivals[capture.arrived - 1].realtime_ns)
        continue;
      if (probe.worst_late_ns > kProbeLateNs) {
        ++sum.spoiled;
        continue;
      }
      size_t first = 0;
      while (capture.arrivals[first].realtime_ns < probe.realtime_ns) ++first;
      const size_t frames = std::min(kSearchFrames, capture.arrived - first);
      const ProbeMatch match = find_probe(std::span(heard).subspan(first * frame, frames * frame),
                                          pattern, frame, tone_power * others);
      if (match.end == ProbeEnd::missed) ++sum.missed;
      if (match.end == ProbeEnd::broken) ++sum.broken;
      if (match.end == ProbeEnd::damaged) ++sum.damaged;
      if (match.lag_samples < 0) continue;
      const size_t packet = first + static_cast<size_t>(match.lag_samples) / frame;
      sum.delays_ms.push_back(
          static_cast<double>(capture.arrivals[packet].realtime_ns - probe.realtime_ns) / 1e6);
    }
  }
  std::vector<double>& delays = sum.delays_ms;
  std::sort(delays.begin(), delays.end());
  const auto at = [&](double share) {
    if (delays.empty()) return -1.0;
    return delays[static_cast<size_t>(share * static_cast<double>(delays.size() - 1))];
  };
  std::printf(
      "{\"type\":\"delay\",\"probes\":%zu,\"missed\":%d,\"broken\":%d,\"damaged\":%d,\"spoiled\":%"
      "d,"
      "\"minMs\":%.2f,\"p50Ms\":%.2f,\"p90Ms\":%.2f,\"p99Ms\":%.2f,\"maxMs\":%.2f,"
      "\"percentilesMs\":[",
      delays.size() + static_cast<size_t>(sum.missed + sum.broken), sum.missed, sum.broken,
      sum.damaged, sum.spoiled, at(0), at(0.5), at(0.9), at(0.99), at(1));
  for (int percent = 0; percent <= 100; ++percent) {
    std::printf("%s%.2f", percent == 0 ? "" : ",", at(percent / 100.0));
  }
  std::printf("]}\n");
}

}  // namespace load
