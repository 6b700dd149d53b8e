// A conference of PCMU legs whose peers send frames that repeat, and what they hear.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "test/engine_fixture.h"
#include "test/signals.h"

namespace test {

inline constexpr int kFrame = 160;

/** A frame that repeats: the mix of steady contributors is then the same in every tick. */
using Frame = std::vector<int16_t>;

inline Frame noise(Random& random, int amplitude) {
  Frame frame(kFrame);
  for (int16_t& sample : frame) {
    sample = static_cast<int16_t>(random.below(2 * amplitude + 1) - amplitude);
  }
  return frame;
}

inline Frame tone(double hz, double amplitude) {
  Frame frame(kFrame);
  for (int i = 0; i < kFrame; i++) {
    frame[static_cast<size_t>(i)] =
        static_cast<int16_t>(std::lround(amplitude * std::sin(2 * M_PI * hz * i / 8000.0)));
  }
  return frame;
}

/** What arrives of a frame: companding is part of the path. */
inline Frame companded(Fixture& f, const Frame& frame) {
  uint8_t codes[kFrame];
  Frame out(kFrame);
  f.context().kernels.encode_ulaw(codes, frame.data(), kFrame);
  f.context().kernels.decode_ulaw(out.data(), codes, kFrame);
  return out;
}

struct Room {
  Fixture f;
  std::vector<Peer> peers;
  std::vector<Frame> frames;

  explicit Room(size_t count, const abi::OpenConferenceCommand& mix = {}) : frames(count) {
    abi::OpenConferenceCommand open = mix;
    open.conference = Fixture::handle(0);
    f.command(open);
    for (size_t i = 0; i < count; i++) {
      peers.push_back(f.connect(static_cast<uint32_t>(i)));
      f.route(static_cast<uint32_t>(i), abi::RouteKind::conference, Fixture::handle(0));
    }
  }
  /** Everybody with a frame sends it, for some periods. */
  void run(int periods) {
    for (int n = 0; n < periods; n++) {
      f.period([&] {
        for (size_t i = 0; i < frames.size(); i++) {
          if (!frames[i].empty())
            f.send_frame(static_cast<uint32_t>(i), peers[i], frames[i].data());
        }
      });
    }
  }
  /** Everything that a leg has sent, decoded in order. */
  std::vector<int16_t> heard(uint32_t index) {
    std::vector<int16_t> pcm;
    rtp::Packet packet{};
    while (f.sent(index, packet)) {
      int16_t frame[kFrame];
      if (packet.payload_bytes != kFrame) continue;
      f.decode(packet, frame);
      pcm.insert(pcm.end(), frame, frame + kFrame);
    }
    return pcm;
  }
  void forget() {
    for (uint32_t i = 0; i < peers.size(); i++) f.drop_sent(i);
  }
};

inline int peak(const std::vector<int16_t>& pcm) {
  int most = 0;
  for (const int16_t sample : pcm) most = std::max(most, std::abs(static_cast<int>(sample)));
  return most;
}

}  // namespace test
