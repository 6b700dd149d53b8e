// Aim: each SIMD kernel gives the bytes of the scalar one. Method: random spans, some at full
// scale, for all lengths 0..257 and all offsets within a 64-byte line, with guard bytes behind
// every output.
#include "dsp/kernels.h"

#include <cstring>
#include <vector>

#include "test/audio_tests.h"

namespace {

constexpr int longest = 257;
constexpr int room = longest + 64 + 32;

struct Spans {
  std::vector<int32_t> sum = std::vector<int32_t>(room);
  std::vector<int16_t> in = std::vector<int16_t>(room);
  std::vector<int16_t> taps = std::vector<int16_t>(room);
  std::vector<uint8_t> bytes = std::vector<uint8_t>(room);
};

// kind 0: any values; 1: only full scale; 2: sums near the bound of an exact mix
Spans random_spans(test::Random& random, int kind) {
  Spans spans;
  for (int i = 0; i < room; i++) {
    const size_t at = static_cast<size_t>(i);
    spans.in[at] = kind == 1 ? (random.below(2) != 0 ? 32767 : -32768) : random.sample();
    spans.taps[at] = kind == 1 ? -32768 : random.sample();
    spans.bytes[at] = static_cast<uint8_t>(random.below(256));
    const int32_t wide = static_cast<int32_t>(random.next() >> 32);
    spans.sum[at] = kind == 2 ? wide >> 1 : wide >> 14;
  }
  return spans;
}

template <typename T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// Outputs of all kernels for one length and offset, guards included.
struct Outputs {
  std::vector<int32_t> sum, ramp, wide;
  std::vector<int16_t> scaled, minus, narrow, ulaw, alaw;
  std::vector<uint8_t> ulaw_code, alaw_code;
  int32_t peaks[4];
  std::vector<int16_t> fir_up, fir_down;
  uint64_t energy;
};

Outputs compute(const dsp::Kernels& k, const Spans& spans, int offset, int count, int32_t gain,
                int32_t step) {
  Outputs o;
  o.sum = o.ramp = spans.sum;
  o.wide.assign(room, 77);
  for (auto* span : {&o.scaled, &o.minus, &o.narrow, &o.ulaw, &o.alaw}) span->assign(room, 77);
  for (auto* span : {&o.ulaw_code, &o.alaw_code}) span->assign(room, 77);
  const int16_t* in = spans.in.data() + offset;
  const int32_t* sum = spans.sum.data() + offset;
  const uint8_t* bytes = spans.bytes.data() + offset;
  k.accumulate(o.sum.data() + offset, in, count);
  k.accumulate_ramp(o.ramp.data() + offset, in, count, gain, step);
  k.apply_ramp(o.scaled.data() + offset, in, count, gain, step);
  o.peaks[0] = k.minus_one(o.minus.data() + offset, sum, in, count);
  o.peaks[1] = k.minus_one_wide(o.wide.data() + offset, sum, in, count);
  o.peaks[2] = k.narrow(o.narrow.data() + offset, sum, count);
  o.peaks[3] = k.peak(in, count);
  o.energy = k.energy(in, count);
  // Taps small enough that a sum fits, as the kernel demands.
  std::vector<int16_t> taps(240);
  for (size_t i = 0; i < taps.size(); i++) {
    taps[i] = static_cast<int16_t>(spans.taps[i % room] / 140);
  }
  o.fir_up.assign(room * 3, 77);
  o.fir_down.assign(room, 77);
  if (count >= 40) {
    k.fir(o.fir_up.data() + offset, in, taps.data(), 40, 3, 1, (count - 39) * 3);
    k.fir(o.fir_down.data() + offset, in, taps.data(), 24, 1, 2, (count - 24) / 2 + 1);
  }
  k.encode_ulaw(o.ulaw_code.data() + offset, in, count);
  k.encode_alaw(o.alaw_code.data() + offset, in, count);
  k.decode_ulaw(o.ulaw.data() + offset, bytes, count);
  k.decode_alaw(o.alaw.data() + offset, bytes, count);
  return o;
}

void compare(test::Context& t, const Outputs& a, const Outputs& b, const char* name, int offset,
             int count) {
  const bool equal =
      same(a.sum, b.sum) && same(a.ramp, b.ramp) && same(a.wide, b.wide) &&
      same(a.scaled, b.scaled) && same(a.minus, b.minus) && same(a.narrow, b.narrow) &&
      same(a.ulaw, b.ulaw) && same(a.alaw, b.alaw) && same(a.ulaw_code, b.ulaw_code) &&
      same(a.alaw_code, b.alaw_code) && std::memcmp(a.peaks, b.peaks, sizeof a.peaks) == 0 &&
      same(a.fir_up, b.fir_up) && same(a.fir_down, b.fir_down) && a.energy == b.energy;
  if (equal) return;
  char text[120];
  std::snprintf(text, sizeof text, "%s differs at length %d offset %d", name, count, offset);
  test::fail(t, __FILE__, __LINE__, text);
}

}  // namespace

void kernels_equal(test::Context& t) {
  const dsp::Kernels* tables[8];
  const int found = dsp::usable_kernels(tables, 8);
  EXPECT(t, found >= 1 && tables[found - 1] == &dsp::scalar_kernels());
  EXPECT(t, &dsp::select_kernels() == tables[0]);
  for (int table = 0; table + 1 < found; table++) {
    test::Random random(42);
    for (int count = 0; count <= longest; count++) {
      const Spans spans = random_spans(random, count % 3);
      const int32_t gain = static_cast<int32_t>(random.next() >> 34);
      const int32_t target = static_cast<int32_t>(random.next() >> 34);
      const int32_t step = (target - gain) / (count + 1);
      // All alignments for lengths about a vector, some for the others.
      const int stride = count < 70 ? 1 : 7;
      for (int offset = 0; offset < 64; offset += stride) {
        compare(t, compute(*tables[table], spans, offset, count, gain, step),
                compute(dsp::scalar_kernels(), spans, offset, count, gain, step),
                tables[table]->name, offset, count);
      }
    }
  }
}

void kernels_extremes(test::Context& t) {
  const dsp::Kernels* tables[8];
  const int found = dsp::usable_kernels(tables, 8);
  for (int table = 0; table < found; table++) {
    const dsp::Kernels& k = *tables[table];
    int32_t sum[40];
    int16_t own[40];
    int16_t out[40];
    for (int i = 0; i < 40; i++) {
      sum[i] = i % 2 == 0 ? 40000 : -40000;
      own[i] = i % 4 < 2 ? 32767 : -32768;
    }
    EXPECT_EQUAL(t, k.minus_one(out, sum, own, 40), 72768);
    EXPECT_EQUAL(t, out[0], 7233);
    EXPECT_EQUAL(t, out[1], -32768);
    EXPECT_EQUAL(t, out[2], 32767);
    EXPECT_EQUAL(t, out[3], -7232);
    for (int16_t& sample : own) sample = -32768;
    EXPECT_EQUAL(t, k.peak(own, 40), 32768);
    EXPECT(t, k.energy(own, 40) == 40ull << 30);
    for (int32_t& value : sum) value = 1 << 30;
    EXPECT_EQUAL(t, k.narrow(out, sum, 40), 1 << 30);
    EXPECT_EQUAL(t, out[39], 32767);
  }
}

void kernels_ramp(test::Context& t) {
  const dsp::Kernels* tables[8];
  const int found = dsp::usable_kernels(tables, 8);
  for (int table = 0; table < found; table++) {
    const dsp::Kernels& k = *tables[table];
    int16_t in[64];
    int16_t out[64];
    test::Random random(7);
    for (int16_t& sample : in) sample = random.sample();
    in[0] = 32767;
    in[1] = -32768;
    k.apply_ramp(out, in, 64, dsp::unity_gain, 0);
    EXPECT(t, std::memcmp(in, out, sizeof in) == 0);
    k.apply_ramp(out, in, 64, 0, 0);
    for (const int16_t sample : out) EXPECT_EQUAL(t, sample, 0);
    k.apply_ramp(out, in, 64, dsp::max_gain, 0);
    EXPECT_EQUAL(t, out[0], 32767);
    EXPECT_EQUAL(t, out[1], -32768);
  }
}
