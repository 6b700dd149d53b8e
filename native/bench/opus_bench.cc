// What complexity and bits of Opus buy: `build/Release/opus_bench [voice] [kb/s] FILE.g722...` with
// speech of the Asterisk sound packages (16 kHz, as raw G.722); `voice` as a phone encodes, else as
// the mixer does. For each complexity CPU time of one 20 ms frame, encoded at an API rate of 16 and
// 48 kHz, and what the ear has of it: log-spectral distance to the original (mean over frames with
// voice, 21 bands by the Bark scale up to 7.7 kHz) and segmental SNR. The default of codec::Params
// is chosen by this table (docs/media.md).
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/clock.h"
#include "codec/codec.h"
#include "dsp/fft.h"
#include "dsp/kernels.h"
#include "dsp/resampler.h"

namespace {

constexpr int kRate = 16000;
constexpr int kFrame = kRate / 50;
/** Opus looks ahead 6.5 ms; resamplers add some. */
constexpr int kMostDelay = 400;
constexpr int kOrder = 9;
constexpr int kPoints = 1 << kOrder;
/** Critical bands (Zwicker), Hz. */
constexpr int kEdges[] = {0,    100,  200,  300,  400,  510,  630,  770,  920,  1080, 1270,
                          1480, 1720, 2000, 2320, 2700, 3150, 3700, 4400, 5300, 6400, 7700};
constexpr int kBands = 21;

using Samples = std::vector<int16_t>;

struct alignas(codec::state_alignment) State {
  uint8_t bytes[64 * 1024];
};

bool read_speech(const char* path, Samples& into) {
  FILE* file = std::fopen(path, "rb");
  if (file == nullptr) return false;
  const codec::Codec* g722 = codec::find(codec::Kind::g722);
  static State state;
  g722->init_decoder(state.bytes, {});
  uint8_t payload[160];
  int16_t pcm[kFrame];
  while (std::fread(payload, 1, sizeof payload, file) == sizeof payload) {
    if (g722->decode(state.bytes, payload, sizeof payload, pcm, kFrame) != kFrame) break;
    into.insert(into.end(), pcm, pcm + kFrame);
  }
  std::fclose(file);
  return true;
}

struct Coded {
  Samples heard;
  double us_per_frame;
  double bytes_per_frame;
};

Coded through_opus(const Samples& speech, int api_hz, const codec::Params& params) {
  const codec::Codec* coder = codec::find(codec::Kind::opus, api_hz);
  const codec::Codec* listener = codec::find(codec::Kind::opus, kRate);
  static State encoder, decoder;
  coder->init_encoder(encoder.bytes, params);
  listener->init_decoder(decoder.bytes, params);
  dsp::Resampler up;
  up.init(kRate, api_hz);
  Coded out{{}, 0, 0};
  const size_t frames = speech.size() / kFrame;
  for (size_t frame = 0; frame < frames; frame++) {
    int16_t in[960], pcm[kFrame];
    const int samples =
        up.process(dsp::select_kernels(), speech.data() + frame * kFrame, kFrame, in);
    uint8_t payload[codec::max_payload_bytes];
    const int64_t before = base::thread_cpu_ns();
    const int bytes = coder->encode(encoder.bytes, in, samples, payload, sizeof payload);
    out.us_per_frame += static_cast<double>(base::thread_cpu_ns() - before) / 1e3;
    out.bytes_per_frame += bytes;
    listener->decode(decoder.bytes, payload, bytes, pcm, kFrame);
    out.heard.insert(out.heard.end(), pcm, pcm + kFrame);
  }
  out.us_per_frame /= static_cast<double>(frames);
  out.bytes_per_frame /= static_cast<double>(frames);
  return out;
}

size_t delay_of(const Samples& original, const Samples& heard) {
  double most = -1e30;
  size_t best = 0;
  for (size_t delay = 0; delay < kMostDelay; delay++) {
    double sum = 0;
    for (size_t n = 0; n + delay < heard.size(); n += 3) {
      sum += static_cast<double>(original[n]) * heard[n + delay];
    }
    if (sum > most) {
      most = sum;
      best = delay;
    }
  }
  return best;
}

void bands_of(const int16_t* pcm, double* out) {
  float re[kPoints], im[kPoints] = {};
  for (int n = 0; n < kPoints; n++) {
    const double window = 0.5 - 0.5 * std::cos(2 * M_PI * n / kPoints);
    re[n] = static_cast<float>(pcm[n] * window);
  }
  dsp::fft(re, im, kOrder, false);
  std::fill(out, out + kBands, 1e3);
  for (int bin = 1, band = 0; bin < kPoints / 2 && band < kBands; bin++) {
    while (band < kBands && bin * kRate / kPoints >= kEdges[band + 1]) band++;
    if (band == kBands) break;
    out[band] += static_cast<double>(re[bin]) * re[bin] + static_cast<double>(im[bin]) * im[bin];
  }
}

struct Quality {
  double distance_db = 0;
  double segmental_db = 0;
};

Quality compare(const Samples& original, const Samples& heard) {
  const size_t delay = delay_of(original, heard);
  Quality sum;
  int frames = 0;
  for (size_t at = 0; at + kPoints + delay < heard.size(); at += kFrame) {
    double energy = 0, error = 0;
    for (size_t n = at; n < at + kFrame; n++) {
      energy += static_cast<double>(original[n]) * original[n];
      error += std::pow(static_cast<double>(original[n]) - heard[n + delay], 2);
    }
    // -45 dBov: pauses are not speech.
    if (energy / kFrame < 3.4e4) continue;
    double left[kBands], right[kBands], distance = 0;
    bands_of(original.data() + at, left);
    bands_of(heard.data() + at + delay, right);
    for (int band = 0; band < kBands; band++) {
      distance += std::pow(10 * std::log10(left[band] / right[band]), 2);
    }
    sum.distance_db += std::sqrt(distance / kBands);
    sum.segmental_db += std::clamp(10 * std::log10(energy / (error + 1)), -10.0, 35.0);
    frames++;
  }
  return {sum.distance_db / frames, sum.segmental_db / frames};
}

}  // namespace

int main(int argc, char** argv) {
  codec::Params params;
  params.mix = true;
  Samples speech;
  for (int i = 1; i < argc; i++) {
    const int kilobits = std::atoi(argv[i]);
    if (std::strcmp(argv[i], "voice") == 0) {
      params.mix = false;
    } else if (kilobits > 0) {
      params.bitrate_bps = kilobits * 1000;
    } else if (!read_speech(argv[i], speech)) {
      std::fprintf(stderr, "%s: expected a readable file of raw G.722\n", argv[i]);
      return 1;
    }
  }
  if (speech.size() < kRate) {
    std::fprintf(stderr,
                 "usage: opus_bench [voice] [kb/s] FILE.g722... with a second of speech or more\n");
    return 1;
  }
  std::printf("%.1f s of speech, %d bit/s\n", static_cast<double>(speech.size()) / kRate,
              params.bitrate_bps);
  std::printf("complexity  16 kHz: us  bytes  distance  snr    48 kHz: us  bytes  distance  snr\n");
  for (params.complexity = 0; params.complexity <= 10; params.complexity++) {
    std::printf("%10d", params.complexity);
    for (const int rate : {16000, 48000}) {
      double us = 1e9;
      Coded coded{};
      // Other work on the machine only ever adds.
      for (int run = 0; run < 3; run++) {
        coded = through_opus(speech, rate, params);
        us = std::min(us, coded.us_per_frame);
      }
      const Quality quality = compare(speech, coded.heard);
      std::printf("  %10.1f %6.1f %7.2f dB %5.1f", us, coded.bytes_per_frame, quality.distance_db,
                  quality.segmental_db);
    }
    std::printf("\n");
  }
}
