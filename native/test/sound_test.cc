// Aim: what a conferee hears is the others, as well as the codecs allow, for as long as it lasts.
// Method: whole engines in virtual time; what comes out is held against sums in floating point, or
// followed sample by sample.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <vector>

#include "test/engine_fixture.h"
#include "test/engine_tests.h"
#include "test/room.h"
#include "test/signals.h"

namespace {

using test::Fixture;
using test::Peer;
using Signal = std::function<double(double seconds)>;
using Samples = std::vector<double>;

bool long_tests() {
  return std::getenv("MINUSONE_LONG_TESTS") != nullptr;
}

/** One end of a codec, encoder and decoder with their states. */
struct Coder {
  const codec::Codec* codec;
  std::vector<uint64_t> encoder;
  std::vector<uint64_t> decoder;

  explicit Coder(const codec::Codec& which)
      : codec(&which),
        encoder(which.encoder_bytes / 8 + 16),
        decoder(which.decoder_bytes / 8 + 16) {
    if (which.encoder_bytes > 0) which.init_encoder(place(encoder), codec::Params{});
    if (which.decoder_bytes > 0) which.init_decoder(place(decoder), codec::Params{});
  }
  int rate() const { return codec->sample_rate_hz; }
  size_t frame() const { return static_cast<size_t>(rate() / 50); }
  std::vector<uint8_t> encode(const int16_t* pcm) {
    std::vector<uint8_t> payload(1440);
    const int bytes =
        codec->encode(place(encoder), pcm, static_cast<int>(frame()), payload.data(), 1440);
    payload.resize(static_cast<size_t>(std::max(bytes, 0)));
    return payload;
  }
  void decode(const uint8_t* payload, size_t bytes, Samples& out) {
    int16_t pcm[codec::max_packet_samples];
    const int samples = codec->decode(place(decoder), payload, static_cast<int>(bytes), pcm,
                                      codec::max_packet_samples);
    out.insert(out.end(), pcm, pcm + std::max(samples, 0));
  }

 private:
  static void* place(std::vector<uint64_t>& memory) {
    auto at = reinterpret_cast<uintptr_t>(memory.data());
    at = (at + codec::state_alignment - 1) & ~(uintptr_t{codec::state_alignment} - 1);
    return reinterpret_cast<void*>(at);
  }
};

/** A peer that says a signal and decodes what it hears. */
struct Speaker {
  Coder coder;
  Signal says;
  Peer peer;
  Samples heard;
  int64_t sample = 0;

  Speaker(abi::CodecKind kind, Signal signal, uint32_t index)
      : coder(*engine::codec_of(kind)),
        says(std::move(signal)),
        peer(Fixture::peer_of(index)),
        type_(Fixture::type_of(kind)) {}

  std::vector<int16_t> next_frame() {
    std::vector<int16_t> pcm(coder.frame());
    for (int16_t& value : pcm) {
      const double seconds = static_cast<double>(sample++) / coder.rate();
      value = static_cast<int16_t>(std::lround(std::clamp(says(seconds), -32768.0, 32767.0)));
    }
    return pcm;
  }
  void say(Fixture& f, uint32_t index) {
    if (!says) return;
    const std::vector<uint8_t> payload = coder.encode(next_frame().data());
    f.send(index, peer, type_, payload.data(), payload.size(),
           static_cast<uint32_t>(coder.codec->rtp_clock_hz) / 50);
  }
  void listen(Fixture& f, uint32_t index) {
    rtp::Packet packet{};
    while (f.sent(index, packet)) coder.decode(packet.payload, packet.payload_bytes, heard);
  }

 private:
  uint8_t type_;
};

struct Conversation {
  Fixture f;
  std::vector<Speaker> speakers;

  Conversation(abi::CodecKind kind, const std::vector<Signal>& signals) {
    f.open_conference(0);
    for (uint32_t i = 0; i < signals.size(); i++) {
      f.open_leg(i);
      f.configure(i, 20, abi::Direction::sendrecv, kind);
      f.route(i, abi::RouteKind::conference, Fixture::handle(0));
      speakers.emplace_back(kind, signals[i], i);
    }
  }
  void run(int periods) {
    for (int n = 0; n < periods; n++) {
      f.period([&] {
        for (uint32_t i = 0; i < speakers.size(); i++) speakers[i].say(f, i);
      });
      for (uint32_t i = 0; i < speakers.size(); i++) speakers[i].listen(f, i);
    }
  }
};

Signal tone(double hz, double amplitude) {
  return [=](double seconds) { return amplitude * std::sin(2 * test::pi * hz * seconds); };
}

/** Several partials that no frame is a multiple of, up to the edge of the band. */
Signal chord(double lowest_hz, double highest_hz, double amplitude) {
  return [=](double seconds) {
    double sum = 0;
    double hz = lowest_hz;
    for (int i = 0; i < 7 && hz < highest_hz; i++, hz *= 1.37) {
      sum += std::sin(2 * test::pi * hz * seconds + i * i);
    }
    return amplitude * sum / 4;
  };
}

double amplitude_of(const Samples& pcm, size_t from, size_t count, double hz, int rate) {
  double real = 0;
  double imaginary = 0;
  for (size_t i = 0; i < count; i++) {
    const double window =
        1 - std::cos(2 * test::pi * static_cast<double>(i) / static_cast<double>(count));
    const double angle = 2 * test::pi * hz * static_cast<double>(i) / rate;
    real += pcm[from + i] * window * std::cos(angle);
    imaginary += pcm[from + i] * window * std::sin(angle);
  }
  return 2 * std::hypot(real, imaginary) / static_cast<double>(count);
}

/** Ratio of `ideal` to what `pcm` differs from it, at the best shift; in dB, after a second. */
double snr_db(const Samples& ideal, const Samples& pcm, int rate, int most_shift) {
  const auto from = static_cast<size_t>(rate);
  const auto count = static_cast<size_t>(rate);
  double best = -100;
  for (int shift = 0; shift <= most_shift; shift++) {
    if (from + count + static_cast<size_t>(shift) > pcm.size()) break;
    double signal = 0;
    double noise = 0;
    for (size_t n = from; n < from + count; n++) {
      const double difference = pcm[n + static_cast<size_t>(shift)] - ideal[n];
      signal += ideal[n] * ideal[n];
      noise += difference * difference;
    }
    best = std::max(best, 10 * std::log10(signal / std::max(noise, 1e-9)));
  }
  return best;
}

Samples ideal_sum(const std::vector<Signal>& signals, size_t without, int rate, int seconds) {
  Samples sum(static_cast<size_t>(rate * seconds));
  for (size_t n = 0; n < sum.size(); n++) {
    for (size_t i = 0; i < signals.size(); i++) {
      if (i != without && signals[i]) sum[n] += signals[i](static_cast<double>(n) / rate);
    }
  }
  return sum;
}

/** What two passes through the codec leave of it, with an exact sum in between and no mixer. */
Samples codec_alone(abi::CodecKind kind, const std::vector<Signal>& signals, size_t without,
                    int frames) {
  Coder last(*engine::codec_of(kind));
  Samples sum(last.frame() * static_cast<size_t>(frames));
  for (size_t i = 0; i < signals.size(); i++) {
    if (i == without || !signals[i]) continue;
    Speaker speaker(kind, signals[i], 0);
    Samples decoded;
    for (int n = 0; n < frames; n++) {
      const std::vector<uint8_t> payload = speaker.coder.encode(speaker.next_frame().data());
      speaker.coder.decode(payload.data(), payload.size(), decoded);
    }
    for (size_t n = 0; n < sum.size() && n < decoded.size(); n++) sum[n] += decoded[n];
  }
  Samples out;
  for (size_t at = 0; at + last.frame() <= sum.size(); at += last.frame()) {
    std::vector<int16_t> pcm(last.frame());
    for (size_t n = 0; n < pcm.size(); n++) {
      pcm[n] = static_cast<int16_t>(std::lround(std::clamp(sum[at + n], -32768.0, 32767.0)));
    }
    const std::vector<uint8_t> payload = last.encode(pcm.data());
    last.decode(payload.data(), payload.size(), out);
  }
  return out;
}

}  // namespace

void sound_as_good_as_the_codec(test::Context& t) {
  struct Row {
    abi::CodecKind kind;
    const char* name;
    double highest_hz;
  };
  for (const Row& row :
       {Row{abi::CodecKind::pcmu, "PCMU", 3400}, Row{abi::CodecKind::pcma, "PCMA", 3400},
        Row{abi::CodecKind::g722, "G.722", 7000}, Row{abi::CodecKind::opus, "Opus", 7000},
        Row{abi::CodecKind::l16, "L16", 7000}}) {
    const std::vector<Signal> signals = {chord(311, row.highest_hz, 3000),
                                         chord(457, row.highest_hz, 4000),
                                         chord(211, row.highest_hz, 2000), Signal{}};
    Conversation room(row.kind, signals);
    room.run(150);
    const int rate = room.speakers[0].coder.rate();
    // A contributor with an encoder of its own, and a listener of the shared one.
    for (const size_t ear : {size_t{0}, size_t{3}}) {
      const Samples ideal = ideal_sum(signals, ear, rate, 3);
      // Frames in buffers, and the delay of the codec twice.
      const int most = rate / 50 * 8;
      const double limit =
          snr_db(ideal, codec_alone(row.kind, signals, ear, 150), rate, rate / 50 * 3);
      const double here = snr_db(ideal, room.speakers[ear].heard, rate, most);
      std::printf("  %s, %s: %.1f dB, without a mixer %.1f dB\n", row.name,
                  ear == 0 ? "contributor" : "listener", here, limit);
      // The limit of L16 is that of rounding.
      EXPECT(t, here >= std::min(limit, 70.0) - 1);
    }
  }
}

void sound_three_loud(test::Context& t) {
  const double amplitude = 32768 * std::pow(10.0, -3.0 / 20);
  const std::vector<double> hz = {437, 1091, 1777};
  for (const abi::CodecKind kind :
       {abi::CodecKind::pcmu, abi::CodecKind::pcma, abi::CodecKind::g722, abi::CodecKind::l16}) {
    std::vector<Signal> signals;
    for (const double each : hz) signals.push_back(tone(each, amplitude));
    Conversation room(kind, signals);
    room.run(150);
    for (size_t ear = 0; ear < 3; ear++) {
      const Speaker& speaker = room.speakers[ear];
      const auto rate = static_cast<size_t>(speaker.coder.rate());
      const size_t from = speaker.heard.size() - rate;
      std::vector<double> levels;
      for (size_t mouth = 0; mouth < 3; mouth++) {
        const double level =
            amplitude_of(speaker.heard, from, rate, hz[mouth], speaker.coder.rate());
        if (mouth == ear) {
          EXPECT(t, level < 33);  // -60 dBFS
        } else {
          levels.push_back(20 * std::log10(level / amplitude));
        }
      }
      // Both at one gain, which is that of the limiter: two at -3 dBFS peak at +3, and -1 is the
      // limit.
      EXPECT(t, std::fabs(levels[0] - levels[1]) < 0.1);
      for (const double level : levels) EXPECT_BETWEEN(t, level, -5.0, 0.0);
      for (size_t n = from; n < speaker.heard.size(); n++) {
        EXPECT(t, std::fabs(speaker.heard[n]) <= 29204 * (kind == abi::CodecKind::g722 ? 1.06 : 1));
      }
    }
  }
}

void sound_eight_at_full_scale(test::Context& t) {
  std::vector<Signal> signals;
  for (int i = 0; i < 8; i++) {
    // Square waves are the worst: all of them at full scale all the time.
    signals.push_back([i](double seconds) {
      return std::fmod(seconds * (90 + 17 * i), 1.0) < 0.5 ? 32767.0 : -32768.0;
    });
  }
  signals.emplace_back();
  for (const abi::CodecKind kind :
       {abi::CodecKind::pcmu, abi::CodecKind::pcma, abi::CodecKind::l16}) {
    Conversation room(kind, signals);
    room.run(150);
    for (const Speaker& speaker : room.speakers) {
      double most = 0;
      for (const double sample : speaker.heard) most = std::max(most, std::fabs(sample));
      EXPECT_BETWEEN(t, most, 20000, 29204);
    }
  }
}

/**
 * A tone for 10⁶ frames (in short runs 5 × 10⁴) with a sender whose clock is off by 200 ppm,
 * network jitter, and an engine that is held up every few seconds: it wakes late, up to where it
 * still makes up for it. A sample that does not follow from the two before it is a discontinuity.
 */
void sound_never_breaks(test::Context& t) {
  constexpr double kHz = 400;
  constexpr double kAmplitude = 8000;
  const double follows = 2 * std::cos(2 * test::pi * kHz / 8000);
  const int64_t periods = (long_tests() ? 1'000'000 : 50'000) / 2;
  for (const double ppm : {200.0, -200.0}) {
    test::Random random(static_cast<uint64_t>(ppm + 1000));
    Fixture f;
    f.open_conference(0);
    f.connect(0);
    f.connect(1);
    f.route(0, abi::RouteKind::conference, Fixture::handle(0));
    f.route(1, abi::RouteKind::conference, Fixture::handle(0));
    Peer talker = Fixture::peer_of(0);
    double next_send_ns = static_cast<double>(f.now) + 3e6;
    int64_t sample = 0;
    std::multimap<int64_t, std::vector<uint8_t>> in_flight;
    double before[2] = {0, 0};
    int64_t checked = 0;
    int64_t broken = 0;
    double worst = 0;
    int64_t held_until = 0;
    rtp::Packet last{};
    bool any = false;
    for (int64_t phase = 0; phase < periods * engine::kPhases; phase++) {
      const int64_t grid = f.now;
      // Held up for up to 50 ms: what arrives meanwhile is read at once when it wakes.
      if (random.below(2500) == 0 && grid >= held_until) {
        held_until = grid + (1 + random.below(50)) * 1'000'000;
      }
      const int64_t awake = std::max(grid, held_until);
      while (next_send_ns <= static_cast<double>(awake)) {
        int16_t pcm[160];
        for (int16_t& value : pcm) {
          value = static_cast<int16_t>(std::lround(
              kAmplitude * std::sin(2 * test::pi * kHz * static_cast<double>(sample++) / 8000)));
        }
        std::vector<uint8_t> packet(rtp::kHeaderBytes + 160);
        rtp::write_header(packet.data(),
                          {talker.timestamp, talker.ssrc, talker.sequence, 0, 0, false});
        f.context().kernels.encode_ulaw(packet.data() + rtp::kHeaderBytes, pcm, 160);
        talker.sequence++;
        talker.timestamp += 160;
        in_flight.emplace(static_cast<int64_t>(next_send_ns) + random.below(3'000'000),
                          std::move(packet));
        next_send_ns += 20e6 / (1 + ppm * 1e-6);
      }
      while (!in_flight.empty() && in_flight.begin()->first <= awake) {
        const std::vector<uint8_t>& packet = in_flight.begin()->second;
        f.link.deliver(0, talker.address, packet.data(), packet.size(), in_flight.begin()->first);
        in_flight.erase(in_flight.begin());
      }
      f.context().arrival_clock.sample(awake, awake, awake);
      f.context().woken_ns = awake;
      f.step();
      rtp::Packet packet{};
      while (f.sent(1, packet)) {
        if (any) {
          EXPECT_EQUAL(t, static_cast<uint16_t>(packet.sequence - last.sequence), 1);
          EXPECT_EQUAL(t, packet.timestamp - last.timestamp, 160u);
        }
        any = true;
        last = packet;
        int16_t pcm[160];
        f.decode(packet, pcm);
        for (const int16_t value : pcm) {
          // The first two seconds: the gate opens, the buffer finds its depth.
          if (phase > 1000) {
            const double off = std::fabs(value - follows * before[1] + before[0]);
            worst = std::max(worst, off);
            if (off > kAmplitude / 4) broken++;
            checked++;
          }
          before[0] = before[1];
          before[1] = value;
        }
      }
    }
    const abi::LegRecord record = f.statistics(0);
    std::printf("  sound: %+.0f ppm, %lld samples, worst bend %.0f of %.0f, %.0f concealed\n", ppm,
                static_cast<long long>(checked), worst, kAmplitude, record.frames_concealed);
    EXPECT(t, checked >= (periods - 200) * 160);
    EXPECT_EQUAL(t, broken, 0);
    EXPECT_EQUAL(t, record.packets_lost, 0.0);
  }
}

/** 60 s of 300 ms jitter, then a clean network: through a whole engine, as its statistics say. */
void sound_delay_comes_back(test::Context& t) {
  test::Random random(300);
  Fixture f;
  f.open_conference(0);
  f.connect(0);
  f.connect(1);
  f.route(0, abi::RouteKind::conference, Fixture::handle(0));
  f.route(1, abi::RouteKind::conference, Fixture::handle(0));
  Peer talker = Fixture::peer_of(0);
  std::multimap<int64_t, std::vector<uint8_t>> in_flight;
  const test::Frame frame = test::tone(400, 8000);
  const auto run = [&](int periods, int jitter_ms) {
    for (int n = 0; n < periods; n++) {
      std::vector<uint8_t> packet(rtp::kHeaderBytes + 160);
      rtp::write_header(packet.data(),
                        {talker.timestamp, talker.ssrc, talker.sequence, 0, 0, false});
      f.context().kernels.encode_ulaw(packet.data() + rtp::kHeaderBytes, frame.data(), 160);
      talker.sequence++;
      talker.timestamp += 160;
      in_flight.emplace(f.now + 1'000'000LL * random.below(jitter_ms), std::move(packet));
      for (uint32_t phase = 0; phase < engine::kPhases; phase++) {
        while (!in_flight.empty() && in_flight.begin()->first <= f.now) {
          const std::vector<uint8_t>& due = in_flight.begin()->second;
          f.link.deliver(0, talker.address, due.data(), due.size());
          in_flight.erase(in_flight.begin());
        }
        f.step();
      }
      f.drop_sent(1);
    }
  };
  run(60 * 50, 300);
  EXPECT(t, f.statistics(0).delay_ms > 100);
  run(5 * 50, 1);
  run(50, 1);  // statistics come once a second
  EXPECT_BETWEEN(t, f.statistics(0).delay_ms, 0, 60);
}

/** FNV-1a over what each conferee of a small conference hears; changes only when the sound does. */
void sound_golden(test::Context& t) {
  const auto hash_of = [](Conversation& room) {
    uint32_t value = 2166136261u;
    for (const Speaker& speaker : room.speakers) {
      for (const double sample : speaker.heard) {
        const auto bits = static_cast<uint32_t>(static_cast<int32_t>(sample));
        for (int shift = 0; shift < 16; shift += 8) {
          value = (value ^ ((bits >> shift) & 255)) * 16777619u;
        }
      }
    }
    return value;
  };
  const auto room_of = [](abi::CodecKind kind) {
    // Talk with pauses, so that gates, ramps and listeners that become contributors are in it; loud
    // enough together to reach the limiter now and then.
    const auto words = [](double hz, double amplitude, double period, double shift) {
      return [=](double seconds) {
        const double at = std::fmod(seconds + shift, period);
        return at > period / 2 ? 0.0
                               : amplitude * std::sin(2 * test::pi * hz * seconds) *
                                     std::sin(2 * test::pi * at / period);
      };
    };
    return Conversation(kind, {words(310, 14000, 1.1, 0), words(730, 12000, 1.7, 0.4),
                               words(1210, 9000, 0.9, 0.7), Signal{}});
  };
  struct Row {
    abi::CodecKind kind;
    uint32_t hash;
  };
  for (const Row& row :
       {Row{abi::CodecKind::pcmu, 274396969u}, Row{abi::CodecKind::pcma, 2088151906u},
        Row{abi::CodecKind::g722, 3883156922u}, Row{abi::CodecKind::l16, 564788006u}}) {
    Conversation room = room_of(row.kind);
    room.run(250);
    EXPECT_EQUAL(t, hash_of(room), row.hash);
  }
}
