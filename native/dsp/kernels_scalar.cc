#include "dsp/kernels_scalar.h"

#include "dsp/kernels.h"
#include "dsp/kernels_table.h"

namespace dsp {
namespace {

void accumulate(int32_t* sum, const int16_t* in, int count) {
  for (int i = 0; i < count; i++) sum[i] += in[i];
}

void accumulate_ramp(int32_t* sum, const int16_t* in, int count, int32_t gain, int32_t step) {
  for (int i = 0; i < count; i++, gain += step) sum[i] += scaled(in[i], gain);
}

void apply_ramp(int16_t* out, const int16_t* in, int count, int32_t gain, int32_t step) {
  for (int i = 0; i < count; i++, gain += step) out[i] = saturate16(scaled(in[i], gain));
}

int32_t minus_one(int16_t* out, const int32_t* sum, const int16_t* own, int count) {
  int32_t peak = 0;
  for (int i = 0; i < count; i++) {
    const int32_t value = sum[i] - own[i];
    peak = magnitude(value) > peak ? magnitude(value) : peak;
    out[i] = saturate16(value);
  }
  return peak;
}

int32_t minus_one_wide(int32_t* out, const int32_t* sum, const int16_t* own, int count) {
  int32_t peak = 0;
  for (int i = 0; i < count; i++) {
    const int32_t value = sum[i] - own[i];
    peak = magnitude(value) > peak ? magnitude(value) : peak;
    out[i] = value;
  }
  return peak;
}

int32_t narrow(int16_t* out, const int32_t* sum, int count) {
  int32_t peak = 0;
  for (int i = 0; i < count; i++) {
    peak = magnitude(sum[i]) > peak ? magnitude(sum[i]) : peak;
    out[i] = saturate16(sum[i]);
  }
  return peak;
}

uint64_t energy(const int16_t* in, int count) {
  uint64_t total = 0;
  for (int i = 0; i < count; i++) total += static_cast<uint64_t>(in[i] * in[i]);
  return total;
}

int32_t peak(const int16_t* in, int count) {
  int32_t peak = 0;
  for (int i = 0; i < count; i++) peak = magnitude(in[i]) > peak ? magnitude(in[i]) : peak;
  return peak;
}

void encode_ulaw(uint8_t* out, const int16_t* in, int count) {
  for (int i = 0; i < count; i++) out[i] = ulaw_of(in[i]);
}

void encode_alaw(uint8_t* out, const int16_t* in, int count) {
  for (int i = 0; i < count; i++) out[i] = alaw_of(in[i]);
}

void decode_ulaw(int16_t* out, const uint8_t* in, int count) {
  for (int i = 0; i < count; i++) out[i] = linear_of_ulaw(in[i]);
}

void decode_alaw(int16_t* out, const uint8_t* in, int count) {
  for (int i = 0; i < count; i++) out[i] = linear_of_alaw(in[i]);
}

void fir(int16_t* out, const int16_t* in, const int16_t* taps, int length, int phases, int stride,
         int count) {
  for (int i = 0; i < count; i += phases, in += stride) {
    for (int phase = 0; phase < phases; phase++) {
      const int16_t* row = taps + phase * length;
      int32_t sum = 1 << 13;
      for (int k = 0; k < length; k++) sum += in[k] * row[k];
      out[i + phase] = saturate16(sum >> 14);
    }
  }
}

}  // namespace

const Kernels kernels_scalar = {
    "scalar", accumulate, accumulate_ramp, apply_ramp,  minus_one,   minus_one_wide, narrow,
    energy,   peak,       encode_ulaw,     encode_alaw, decode_ulaw, decode_alaw,    fir};

}  // namespace dsp
