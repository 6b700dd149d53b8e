// One sample of each kernel: the definition that the scalar table loops over, and what the SIMD
// files use for the samples after the last full vector. Everything is in an anonymous namespace on
// purpose: each file is compiled with its own CPU flags, and a shared inline copy could be the
// wrong one.
#pragma once

#include <cstdint>

namespace dsp {
namespace {

[[maybe_unused]] inline int16_t saturate16(int32_t value) {
  if (value > 32767) return 32767;
  if (value < -32768) return -32768;
  return static_cast<int16_t>(value);
}

[[maybe_unused]] inline int32_t magnitude(int32_t value) {
  return value < 0 ? -value : value;
}

[[maybe_unused]] inline int32_t scaled(int16_t sample, int32_t gain) {
  return (sample * (gain >> 14) + (1 << 13)) >> 14;
}

// Exponent and four mantissa bits of a magnitude of 128 or more: the heart of both laws.
[[maybe_unused]] inline uint32_t segment_code(uint32_t value) {
  const int top = 31 - __builtin_clz(value);
  return (static_cast<uint32_t>(top - 7) << 4) | ((value >> (top - 4)) & 15);
}

// G.711 table 2a/2b: 14-bit magnitude with bias 33, here in 16-bit units; all bits inverted.
[[maybe_unused]] inline uint8_t ulaw_of(int16_t sample) {
  uint32_t value = static_cast<uint32_t>(magnitude(sample));
  if (value > 32635) value = 32635;
  const uint32_t sign = sample < 0 ? 0x80 : 0;
  return static_cast<uint8_t>(~(sign | segment_code(value + 132)));
}

// G.711 table 1a/1b: 13-bit magnitude without a zero level; even bits inverted.
[[maybe_unused]] inline uint8_t alaw_of(int16_t sample) {
  const uint32_t value = static_cast<uint32_t>(sample < 0 ? ~sample : sample);
  const uint32_t code = value < 256 ? value >> 4 : segment_code(value);
  return static_cast<uint8_t>((code | (sample < 0 ? 0 : 0x80)) ^ 0x55);
}

[[maybe_unused]] inline int16_t linear_of_ulaw(uint8_t code) {
  const int bits = ~code & 0xFF;
  const int value = ((((bits & 15) << 3) + 132) << ((bits >> 4) & 7)) - 132;
  return static_cast<int16_t>((bits & 0x80) != 0 ? -value : value);
}

[[maybe_unused]] inline int16_t linear_of_alaw(uint8_t code) {
  const int bits = code ^ 0x55;
  const int segment = (bits >> 4) & 7;
  const int mantissa = ((bits & 15) << 4) + 8 + (segment > 0 ? 256 : 0);
  const int value = segment > 1 ? mantissa << (segment - 1) : mantissa;
  return static_cast<int16_t>((bits & 0x80) != 0 ? value : -value);
}

}  // namespace
}  // namespace dsp
