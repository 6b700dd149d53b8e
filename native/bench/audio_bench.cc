// Cost of each audio part on one 20 ms frame: `build/Release/audio_bench [part of a name]`. CPU
// time of the thread, the best of several runs, as other work on the machine only ever adds.
// `--json` for machines. `--instructions`, under callgrind: each part a few times, its count into a
// dump of its own, which does not depend on how busy the machine is (bench/micro.ts runs it so).
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/clock.h"
#include "bench/callgrind.h"
#include "codec/codec.h"
#include "dsp/comfort_noise.h"
#include "dsp/concealment.h"
#include "dsp/dtmf_detector.h"
#include "dsp/kernels.h"
#include "dsp/limiter.h"
#include "dsp/noise_suppressor.h"
#include "dsp/resampler.h"
#include "dsp/time_stretch.h"
#include "dsp/tone.h"
#include "dsp/vad.h"
#include "jitter/playout.h"

namespace {

// What the compiler must believe to be read.
template <typename T>
void keep(T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

enum class Output : uint8_t { text, json, instructions };

class Report {
 public:
  Report(const char* filter, Output output)
      : filter_(filter), json_(output == Output::json), count_(output == Output::instructions) {
    if (json_) std::printf("[");
  }
  ~Report() { std::printf(json_ ? "\n]\n" : ""); }

  template <typename Work>
  void measure(const char* name, const char* variant, Work work) {
    if (filter_ != nullptr && std::strstr(name, filter_) == nullptr &&
        std::strstr(variant, filter_) == nullptr) {
      return;
    }
    if (count_) return count(name, variant, work);
    // Enough repeats for 2 ms, best of 9.
    int repeats = 1;
    for (;;) {
      const int64_t start = base::thread_cpu_ns();
      for (int i = 0; i < repeats; i++) work();
      if (base::thread_cpu_ns() - start > 2 * base::kNsPerMs || repeats > 1 << 24) break;
      repeats *= 2;
    }
    double best = 1e30;
    for (int run = 0; run < 9; run++) {
      const int64_t start = base::thread_cpu_ns();
      for (int i = 0; i < repeats; i++) work();
      best = std::min(best, static_cast<double>(base::thread_cpu_ns() - start) / repeats);
    }
    if (json_) {
      std::printf("%s\n  {\"name\": \"%s\", \"variant\": \"%s\", \"ns\": %.1f}", first_ ? "" : ",",
                  name, variant, best);
    } else {
      std::printf("%-34s %-10s %9.1f ns\n", name, variant, best);
    }
    first_ = false;
  }

 private:
  template <typename Work>
  void count(const char* name, const char* variant, Work work) {
    constexpr int kRuns = 100;  // whole rounds of the test signals
    for (int i = 0; i < kRuns; i++) work();
    callgrind::zero();
    for (int i = 0; i < kRuns; i++) work();
    char title[120];
    std::snprintf(title, sizeof title, "%d|%s|%s", kRuns, name, variant);
    callgrind::dump(title);
  }

  const char* filter_;
  bool json_;
  bool count_;
  bool first_ = true;
};

std::vector<int16_t> voice(int rate_hz, int samples) {
  std::vector<int16_t> pcm(static_cast<size_t>(samples));
  uint32_t random = 1;
  for (int i = 0; i < samples; i++) {
    random = random * 1664525u + 1013904223u;
    const double seconds = static_cast<double>(i) / rate_hz;
    const double pitch = std::fmod(seconds, 1.0 / 130);
    const double syllable = 0.6 + 0.4 * std::sin(seconds * 25);
    const double value = 12000 * syllable * std::exp(-pitch * 250) * std::sin(pitch * 3500) +
                         static_cast<double>(random >> 24) - 128;
    pcm[static_cast<size_t>(i)] = static_cast<int16_t>(value);
  }
  return pcm;
}

struct alignas(64) Line {
  char bytes[64];
};

void kernels(Report& report, const dsp::Kernels& k) {
  static int32_t sum[960];
  static int16_t out[960];
  static uint8_t code[960];
  const std::vector<int16_t> pcm = voice(8000, 960);
  for (const int samples : {160, 320, 960}) {
    char name[60];
    const auto named = [&](const char* what) {
      std::snprintf(name, sizeof name, "%s, %d samples", what, samples);
      return name;
    };
    const auto reset = [&]() { std::fill(sum, sum + 960, 40000); };
    reset();
    report.measure(named("accumulate"), k.name, [&] {
      k.accumulate(sum, pcm.data(), samples);
      keep(sum);
    });
    reset();
    report.measure(named("accumulate_ramp"), k.name, [&] {
      k.accumulate_ramp(sum, pcm.data(), samples, 1 << 20, 1 << 17);
      keep(sum);
    });
    report.measure(named("apply_ramp"), k.name, [&] {
      k.apply_ramp(out, pcm.data(), samples, 1 << 20, 1 << 17);
      keep(out);
    });
    reset();
    report.measure(named("minus_one"), k.name, [&] {
      k.minus_one(out, sum, pcm.data(), samples);
      keep(out);
    });
    report.measure(named("narrow"), k.name, [&] {
      k.narrow(out, sum, samples);
      keep(out);
    });
    report.measure(named("energy"), k.name, [&] {
      auto e = k.energy(pcm.data(), samples);
      keep(e);
    });
    report.measure(named("peak"), k.name, [&] {
      auto e = k.peak(pcm.data(), samples);
      keep(e);
    });
  }
  report.measure("encode_ulaw, 160 samples", k.name, [&] {
    k.encode_ulaw(code, pcm.data(), 160);
    keep(code);
  });
  report.measure("encode_alaw, 160 samples", k.name, [&] {
    k.encode_alaw(code, pcm.data(), 160);
    keep(code);
  });
  report.measure("decode_ulaw, 160 samples", k.name, [&] {
    k.decode_ulaw(out, code, 160);
    keep(out);
  });
  report.measure("decode_alaw, 160 samples", k.name, [&] {
    k.decode_alaw(out, code, 160);
    keep(out);
  });
  for (const auto& pair : {std::pair{8000, 16000},
                           {16000, 8000},
                           {8000, 48000},
                           {48000, 8000},
                           {16000, 48000},
                           {48000, 16000}}) {
    char name[60];
    std::snprintf(name, sizeof name, "resample %d to %d", pair.first, pair.second);
    dsp::Resampler resampler;
    resampler.init(pair.first, pair.second);
    report.measure(name, k.name, [&] {
      resampler.process(k, pcm.data(), pair.first / 50, out);
      keep(out);
    });
  }
}

void codecs(Report& report) {
  for (const auto& [kind, rate] : {std::pair{codec::Kind::pcmu, 8000},
                                   {codec::Kind::pcma, 8000},
                                   {codec::Kind::g722, 16000},
                                   {codec::Kind::l16, 16000},
                                   {codec::Kind::opus, 16000},
                                   {codec::Kind::opus, 48000}}) {
    const codec::Codec* codec = codec::find(kind, rate);
    if (codec == nullptr) continue;
    const int frame = rate / 50;
    const std::vector<int16_t> pcm = voice(rate, frame * 100);
    std::vector<Line> encoder(codec->encoder_bytes / 64 + 1);
    std::vector<Line> decoder(codec->decoder_bytes / 64 + 1);
    codec->init_encoder(encoder.data(), codec::Params{});
    codec->init_decoder(decoder.data(), codec::Params{});
    std::vector<std::vector<uint8_t>> packets;
    uint8_t payload[codec::max_payload_bytes];
    char name[60];
    std::snprintf(name, sizeof name, "%s %d Hz encode", codec->name, rate);
    int at = 0;
    report.measure(name, "", [&] {
      const int bytes =
          codec->encode(encoder.data(), pcm.data() + at * frame, frame, payload, sizeof payload);
      if (packets.size() < 100 && bytes > 0) packets.emplace_back(payload, payload + bytes);
      at = (at + 1) % 100;
    });
    if (packets.empty()) continue;
    std::vector<int16_t> out(codec::max_packet_samples);
    std::snprintf(name, sizeof name, "%s %d Hz decode", codec->name, rate);
    size_t next = 0;
    report.measure(name, "", [&] {
      codec->decode(decoder.data(), packets[next].data(), static_cast<int>(packets[next].size()),
                    out.data(), codec::max_packet_samples);
      next = (next + 1) % packets.size();
    });
    if (codec->encoder_bytes > 0) {
      std::vector<Line> copy(encoder.size());
      std::snprintf(name, sizeof name, "%s %d Hz copy of an encoder", codec->name, rate);
      report.measure(name, "", [&] {
        std::memcpy(copy.data(), encoder.data(), codec->encoder_bytes);
        keep(copy);
      });
    }
  }
}

void parts(Report& report) {
  const dsp::Kernels& k = dsp::select_kernels();
  static int16_t pcm_out[960];
  for (const int rate : {8000, 16000, 48000}) {
    const int frame = rate / 50;
    std::vector<int16_t> pcm = voice(rate, frame * 50);
    char variant[20];
    std::snprintf(variant, sizeof variant, "%d Hz", rate);
    dsp::DtmfDetector dtmf;
    dtmf.init(rate);
    dsp::DtmfDigit digit[4];
    int at = 0;
    const auto next = [&] {
      at = (at + 1) % 50;
      return pcm.data() + at * frame;
    };
    report.measure("dtmf detector", variant, [&] { dtmf.process(next(), frame, digit, 4); });
    dsp::ToneGenerator tone;
    tone.start_digit(rate, '5');
    report.measure("tone generator", variant, [&] {
      tone.generate(pcm_out, frame);
      keep(pcm_out);
    });
    dsp::ComfortNoise noise;
    noise.init(1);
    noise.set_level(50);
    report.measure("comfort noise, white", variant, [&] {
      noise.generate(pcm_out, frame);
      keep(pcm_out);
    });
    std::vector<int16_t> memory(dsp::Concealment::bytes_for(rate) / 2);
    dsp::Concealment concealment;
    concealment.init(memory.data(), rate);
    report.measure("concealment, good frame", variant, [&] { concealment.good(next(), frame); });
    report.measure("concealment, lost and good frame", variant, [&] {
      concealment.conceal(pcm_out, frame);
      std::memcpy(pcm_out, next(), static_cast<size_t>(frame) * 2);
      concealment.good(pcm_out, frame);
    });
    report.measure("time stretch", variant, [&] {
      std::memcpy(pcm_out, next(), static_cast<size_t>(frame) * 2);
      dsp::compress(pcm_out, frame, frame / 2, rate, false, false);
    });
    dsp::Limiter limiter;
    limiter.init(rate);
    std::vector<int32_t> sum(static_cast<size_t>(frame));
    std::vector<int32_t> scratch(static_cast<size_t>(frame));
    for (size_t i = 0; i < sum.size(); i++) sum[i] = pcm[i];
    report.measure("limited_minus_one, idle", variant, [&] {
      dsp::limited_minus_one(k, limiter, pcm_out, sum.data(), pcm.data(), scratch.data(), frame);
      keep(pcm_out);
    });
    for (int32_t& sample : sum) sample *= 8;
    report.measure("limited_minus_one, limiting", variant, [&] {
      dsp::limited_minus_one(k, limiter, pcm_out, sum.data(), pcm.data(), scratch.data(), frame);
      keep(pcm_out);
    });
    dsp::Vad vad;
    vad.init(20);
    float level = 1e5f;
    report.measure("vad", variant, [&] {
      bool talking = vad.process(level);
      keep(talking);
    });
  }
}

void suppressors(Report& report) {
  for (const int rate : {8000, 16000, 48000}) {
    dsp::NoiseSuppressor suppressor;
    suppressor.init(rate);
    std::vector<int16_t> pcm(static_cast<size_t>(rate / 50), 1000);
    report.measure("noise suppression",
                   rate == 8000    ? "8 kHz"
                   : rate == 16000 ? "16 kHz"
                                   : "48 kHz",
                   [&] {
                     suppressor.process(pcm.data());
                     pcm[0] = 20000;
                     keep(pcm);
                   });
  }
}

int decode_ulaw(void*, uint8_t, const uint8_t* payload, int bytes, int16_t* pcm, int capacity) {
  return codec::find(codec::Kind::pcmu)->decode(nullptr, payload, bytes, pcm, capacity);
}

// A packet in and a frame out, over so many legs that their memory does not stay in the cache.
void playout(Report& report) {
  for (const int legs : {1, 1000}) {
    jitter::PlayoutConfig config;
    const size_t stride = (jitter::Playout::bytes_for(config) + 63) / 64;
    std::vector<Line> memory(stride * static_cast<size_t>(legs));
    std::vector<jitter::Playout> playouts(static_cast<size_t>(legs));
    for (size_t i = 0; i < playouts.size(); i++) {
      playouts[i].init(&memory[i * stride], config,
                       {nullptr, decode_ulaw, nullptr, nullptr, nullptr}, 1);
    }
    uint8_t payload[160];
    const std::vector<int16_t> pcm = voice(8000, 160);
    dsp::select_kernels().encode_ulaw(payload, pcm.data(), 160);
    jitter::Packet packet{};
    packet.payload = payload;
    packet.bytes = 160;
    int64_t now = 20'000'000;
    size_t leg = 0;
    int16_t out[160];
    char variant[20];
    std::snprintf(variant, sizeof variant, "%d legs", legs);
    report.measure("playout: PCMU packet in, frame out", variant, [&] {
      packet.arrival_ns = now - 8'000'000;
      playouts[leg].insert(packet);
      playouts[leg].frame(now, out);
      keep(out);
      if (++leg == playouts.size()) {
        leg = 0;
        now += 20'000'000;
        packet.sequence++;
        packet.timestamp += 160;
      }
    });
  }
}

// The jitter buffer without decoder: storing a packet, and the decision of a tick. Of 64 legs each,
// so that the two can be told apart: 64 inserts, then 64 pulls.
void jitter_buffer(Report& report) {
  constexpr size_t kLegs = 64;
  const jitter::Config config{};
  const size_t stride = (jitter::Buffer::bytes_for(config) + 63) / 64;
  std::vector<Line> memory(stride * kLegs);
  std::vector<jitter::Buffer> buffers(kLegs);
  for (size_t i = 0; i < kLegs; i++) buffers[i].init(&memory[i * stride], config);
  uint8_t payload[160] = {};
  jitter::Packet packet{};
  packet.payload = payload;
  packet.bytes = 160;
  int64_t now = 20'000'000;
  const auto insert = [&] {
    packet.arrival_ns = now - 8'000'000;
    for (jitter::Buffer& buffer : buffers) buffer.insert(packet);
    packet.sequence++;
    packet.timestamp += 160;
  };
  const auto pull = [&] {
    for (jitter::Buffer& buffer : buffers) {
      auto pulled = buffer.pull(now, 160);
      keep(pulled);
      buffer.played(160);
    }
    now += 20'000'000;
  };
  report.measure("jitter buffer: insert and pull", "64 legs", [&] {
    insert();
    pull();
  });
  report.measure("jitter buffer: pull of a silent leg", "64 legs", pull);
}

}  // namespace

int main(int argc, char** argv) {
  const char* filter = nullptr;
  Output output = Output::text;
  for (int i = 1; i < argc; i++) {
    if (std::strcmp(argv[i], "--json") == 0) {
      output = Output::json;
    } else if (std::strcmp(argv[i], "--instructions") == 0) {
      output = Output::instructions;
    } else {
      filter = argv[i];
    }
  }
  Report report(filter, output);
  const dsp::Kernels* tables[8];
  const int found = dsp::usable_kernels(tables, 8);
  for (int i = 0; i < found; i++) kernels(report, *tables[i]);
  codecs(report);
  parts(report);
  suppressors(report);
  playout(report);
  jitter_buffer(report);
}
