// G.722 at 64 kbit/s (ITU-T G.722, 7 kHz audio in two sub-bands), from the standard's functional
// description: the block names in capitals are those of its chapters 3 and 4.
//
// The quadrature mirror filters have no feedback, so they run over a whole frame at once and
// vectorise; only the two ADPCM loops are sequential, and as they do not depend on each other a
// processor overlaps them. The six zero coefficients of a band live in one SIMD register.
//
// RTP clock 8000 although it samples at 16 kHz (RFC 3551 section 4.5.2); one byte is two samples.

#include <algorithm>
#include <cstring>

#include "codec/g722_interval.h"
#include "codec/g722_zeros.h"
#include "codec/tables.h"

namespace codec {

namespace {

constexpr int kTaps = 24;
constexpr int kHistory = kTaps - 2;
// 60 ms, the longest packet that is taken apart in one go.
constexpr int kMaxBytes = 480;

constexpr int16_t kQmf[12] = {3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11};

constexpr uint8_t kNegative6[31] = {0,  63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19,
                                    18, 17, 16, 15, 14, 13, 12, 11, 10, 9,  8,  7,  6,  5,  4};
constexpr uint8_t kPositive6[31] = {0,  61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47,
                                    46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32};
constexpr int kQm4[16] = {0,     -20456, -12896, -8968, -6288, -4240, -2584, -1200,
                          20456, 12896,  8968,   6288,  4240,  2584,  1200,  0};
constexpr int kQm6[64] = {
    -136,   -136,   -136,  -136,  -24808, -21904, -19008, -16704, -14984, -13512, -12280,
    -11192, -10232, -9360, -8576, -7856,  -7192,  -6576,  -6000,  -5456,  -4944,  -4464,
    -4008,  -3576,  -3168, -2776, -2400,  -2032,  -1688,  -1360,  -1040,  -728,   24808,
    21904,  19008,  16704, 14984, 13512,  12280,  11192,  10232,  9360,   8576,   7856,
    7192,   6576,   6000,  5456,  4944,   4464,   4008,   3576,   3168,   2776,   2400,
    2032,   1688,   1360,  1040,  728,    432,    136,    -432,   -136};
constexpr int kQm2[4] = {-7408, -1616, 7408, 1616};
// WL by RL42, and WH by RH2, folded into one step each.
constexpr int kLogStepLow[16] = {-60,  3042, 1198, 538, 334, 172, 58,  -30,
                                 3042, 1198, 538,  334, 172, 58,  -30, -60};
constexpr int kLogStepHigh[4] = {798, -214, 798, -214};
constexpr int kInverseLog[32] = {2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543,
                                 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228,
                                 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008};

int clamp16(int value) {
  return std::clamp(value, -32768, 32767);
}

// One sub-band's adaptive predictor and quantiser scale.
struct Band {
  subband::Zeros zeros;
  int poles[2];          // AL1, AL2
  int reconstructed[2];  // RLT of one and two samples ago
  int partial[2];        // PLT of one and two samples ago
  int zero_prediction;   // SZL
  int prediction;        // SL
  int log_scale;         // NBL
  int scale;             // DETL
};

void init(Band& band, int scale) {
  std::memset(&band, 0, sizeof band);
  band.scale = scale;
}

// LOGSCL or LOGSCH, then SCALEL or SCALEH.
void adapt_scale(Band& band, int step, int ceiling, int shift) {
  band.log_scale = std::clamp(((band.log_scale * 127) >> 7) + step, 0, ceiling);
  const int mantissa = kInverseLog[(band.log_scale >> 6) & 31];
  const int down = shift - (band.log_scale >> 11);
  band.scale = (down < 0 ? mantissa << -down : mantissa >> down) << 2;
}

bool same_sign(int a, int b) {
  return (a ^ b) >= 0;
}

// UPPOL2, UPPOL1, UPZERO, DELAYA, FILTEP, FILTEZ, PREDIC for the quantised difference.
void predict(Band& band, int difference) {
  const int reconstructed = clamp16(band.prediction + difference);
  const int partial = clamp16(band.zero_prediction + difference);

  const int a1 = band.poles[0];
  const int quadruple = clamp16(a1 * 4);
  int a2 = std::min(same_sign(partial, band.partial[0]) ? -quadruple : quadruple, 32767) >> 7;
  a2 += same_sign(partial, band.partial[1]) ? 128 : -128;
  a2 = std::clamp(a2 + ((band.poles[1] * 32512) >> 15), -12288, 12288);
  const int step = same_sign(partial, band.partial[0]) ? 192 : -192;
  const int bound = clamp16(15360 - a2);
  const int next_a1 = std::clamp(clamp16(step + ((a1 * 32640) >> 15)), -bound, bound);

  const int zeros = clamp16(subband::update(band.zeros, difference));
  const int first = (next_a1 * clamp16(2 * reconstructed)) >> 15;
  const int second = (a2 * clamp16(2 * band.reconstructed[0])) >> 15;

  band.poles[0] = next_a1;
  band.poles[1] = a2;
  band.reconstructed[1] = band.reconstructed[0];
  band.reconstructed[0] = reconstructed;
  band.partial[1] = band.partial[0];
  band.partial[0] = partial;
  band.zero_prediction = zeros;
  band.prediction = clamp16(clamp16(first + second) + zeros);
}

struct Encoder {
  Band low;
  Band high;
  int16_t history[kHistory];
};

struct Decoder {
  Band low;
  Band high;
  int16_t history[kHistory];
};

int quantise_low(const Band& band, int sample) {
  const int difference = clamp16(sample - band.prediction);
  const int magnitude = difference >= 0 ? difference : -(difference + 1);
  const int interval = subband::interval(magnitude, band.scale);
  return difference < 0 ? kNegative6[interval] : kPositive6[interval];
}

int quantise_high(const Band& band, int sample) {
  const int difference = clamp16(sample - band.prediction);
  const int magnitude = difference >= 0 ? difference : -(difference + 1);
  const bool outer = magnitude >= ((564 * band.scale) >> 12);
  if (difference < 0) return outer ? 0 : 1;
  return outer ? 2 : 3;
}

void init_encoder(void* state, const Params& /*params*/) {
  auto& encoder = *static_cast<Encoder*>(state);
  std::memset(&encoder, 0, sizeof encoder);
  init(encoder.low, 32);
  init(encoder.high, 8);
}

void init_decoder(void* state, const Params& /*params*/) {
  auto& decoder = *static_cast<Decoder*>(state);
  std::memset(&decoder, 0, sizeof decoder);
  init(decoder.low, 32);
  init(decoder.high, 8);
}

// TRANSMIT QMF over a frame: `pairs` samples of each band.
void split(Encoder& encoder, const int16_t* pcm, int pairs, int16_t* low, int16_t* high) {
  // Even and odd samples apart, so that each tap is one run of neighbours.
  int16_t even[kMaxBytes + kHistory / 2];
  int16_t odd[kMaxBytes + kHistory / 2];
  for (int n = 0; n < kHistory / 2; n++) {
    even[n] = encoder.history[2 * n];
    odd[n] = encoder.history[2 * n + 1];
  }
  for (int n = 0; n < pairs; n++) {
    even[n + kHistory / 2] = pcm[2 * n];
    odd[n + kHistory / 2] = pcm[2 * n + 1];
  }
  int sum_odd[kMaxBytes];
  int sum_even[kMaxBytes];
  std::fill_n(sum_odd, pairs, 0);
  std::fill_n(sum_even, pairs, 0);
  for (int tap = 0; tap < 12; tap++) {
    const int a = kQmf[tap];
    const int b = kQmf[11 - tap];
    for (int n = 0; n < pairs; n++) {
      sum_odd[n] += a * even[n + tap];
      sum_even[n] += b * odd[n + tap];
    }
  }
  for (int n = 0; n < pairs; n++) {
    low[n] = static_cast<int16_t>((sum_even[n] + sum_odd[n]) >> 14);
    high[n] = static_cast<int16_t>((sum_even[n] - sum_odd[n]) >> 14);
  }
  for (int n = 0; n < kHistory / 2; n++) {
    encoder.history[2 * n] = even[n + pairs];
    encoder.history[2 * n + 1] = odd[n + pairs];
  }
}

// RECEIVE QMF: the bands of `pairs` samples each back into one signal.
void join(Decoder& decoder, const int16_t* low, const int16_t* high, int pairs, int16_t* pcm) {
  int16_t sum[kMaxBytes + kHistory / 2];
  int16_t difference[kMaxBytes + kHistory / 2];
  for (int n = 0; n < kHistory / 2; n++) {
    sum[n] = decoder.history[2 * n];
    difference[n] = decoder.history[2 * n + 1];
  }
  for (int n = 0; n < pairs; n++) {
    sum[n + kHistory / 2] = static_cast<int16_t>(low[n] + high[n]);
    difference[n + kHistory / 2] = static_cast<int16_t>(low[n] - high[n]);
  }
  int first[kMaxBytes];
  int second[kMaxBytes];
  std::fill_n(first, pairs, 0);
  std::fill_n(second, pairs, 0);
  for (int tap = 0; tap < 12; tap++) {
    const int a = kQmf[11 - tap];
    const int b = kQmf[tap];
    for (int n = 0; n < pairs; n++) {
      first[n] += a * difference[n + tap];
      second[n] += b * sum[n + tap];
    }
  }
  for (int n = 0; n < pairs; n++) {
    pcm[2 * n] = static_cast<int16_t>(clamp16(first[n] >> 11));
    pcm[2 * n + 1] = static_cast<int16_t>(clamp16(second[n] >> 11));
  }
  for (int n = 0; n < kHistory / 2; n++) {
    decoder.history[2 * n] = sum[n + pairs];
    decoder.history[2 * n + 1] = difference[n + pairs];
  }
}

int encode(void* state, const int16_t* pcm, int samples, uint8_t* out, int capacity) {
  const int pairs = samples / 2;
  if (samples % 2 != 0 || pairs > kMaxBytes || pairs > capacity) return -1;
  auto& encoder = *static_cast<Encoder*>(state);
  int16_t low[kMaxBytes];
  int16_t high[kMaxBytes];
  split(encoder, pcm, pairs, low, high);
  for (int n = 0; n < pairs; n++) {
    const int low_code = quantise_low(encoder.low, low[n]);
    const int low_index = low_code >> 2;
    const int low_difference = (encoder.low.scale * kQm4[low_index]) >> 15;
    adapt_scale(encoder.low, kLogStepLow[low_index], 18432, 8);
    predict(encoder.low, low_difference);

    const int high_code = quantise_high(encoder.high, high[n]);
    const int high_difference = (encoder.high.scale * kQm2[high_code]) >> 15;
    adapt_scale(encoder.high, kLogStepHigh[high_code], 22528, 10);
    predict(encoder.high, high_difference);
    out[n] = static_cast<uint8_t>(high_code << 6 | low_code);
  }
  return pairs;
}

int decode(void* state, const uint8_t* payload, int bytes, int16_t* pcm, int capacity) {
  if (payload == nullptr || bytes < 1 || bytes > kMaxBytes || 2 * bytes > capacity) return -1;
  auto& decoder = *static_cast<Decoder*>(state);
  int16_t low[kMaxBytes];
  int16_t high[kMaxBytes];
  for (int n = 0; n < bytes; n++) {
    const int low_code = payload[n] & 0x3f;
    const int low_index = low_code >> 2;
    const int fine = (decoder.low.scale * kQm6[low_code]) >> 15;
    low[n] = static_cast<int16_t>(std::clamp(decoder.low.prediction + fine, -16384, 16383));
    const int low_difference = (decoder.low.scale * kQm4[low_index]) >> 15;
    adapt_scale(decoder.low, kLogStepLow[low_index], 18432, 8);
    predict(decoder.low, low_difference);

    const int high_code = payload[n] >> 6;
    const int high_difference = (decoder.high.scale * kQm2[high_code]) >> 15;
    high[n] =
        static_cast<int16_t>(std::clamp(decoder.high.prediction + high_difference, -16384, 16383));
    adapt_scale(decoder.high, kLogStepHigh[high_code], 22528, 10);
    predict(decoder.high, high_difference);
  }
  join(decoder, low, high, bytes, pcm);
  return 2 * bytes;
}

int packet_samples(const uint8_t* payload, int bytes) {
  return payload == nullptr || bytes < 1 || bytes > kMaxBytes ? -1 : 2 * bytes;
}

}  // namespace

const Codec g722 = {
    .name = "G722",
    .kind = Kind::g722,
    .sample_rate_hz = 16000,
    .rtp_clock_hz = 8000,
    .encoder_bytes = sizeof(Encoder),
    .decoder_bytes = sizeof(Decoder),
    .init_encoder = init_encoder,
    .init_decoder = init_decoder,
    .encode = encode,
    .decode = decode,
    .conceal = nullptr,
    .recover = nullptr,
    .packet_samples = packet_samples,
};

}  // namespace codec
