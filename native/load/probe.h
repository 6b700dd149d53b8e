#pragma once
// Finds the chirp of the delay measurement in what a listener heard, and says how well.

#include <cstddef>
#include <cstdint>
#include <span>

namespace load {

enum class ProbeEnd : uint8_t {
  intact,   // the whole chirp is there, its beginning to the sample
  damaged,  // its beginning is there, the rest is not as it was sent
  broken,   // something of it is there, but not its beginning: no delay can be told
  missed,   // nothing of it is there
};

struct ProbeMatch {
  ProbeEnd end;
  /// intact, damaged: where the first sample of the chirp is.
  int lag_samples;
};

/// `frame` is the length of a packet in samples; `other_power` what else is in the mix, as a share
/// of the chirp's power: the correlation that can be had falls with it.
ProbeMatch find_probe(std::span<const int16_t> heard, std::span<const int16_t> chirp, size_t frame,
                      double other_power);

}  // namespace load
