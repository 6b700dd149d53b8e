// PCMU and PCMA (G.711, RFC 3551 section 4.5.14): stateless, one byte a sample at 8 kHz.
#include "codec/tables.h"
#include "dsp/kernels.h"

namespace codec {
namespace {

void init(void*, const Params&) {}

int packet_samples(const uint8_t*, int bytes) {
  return bytes > 0 ? bytes : -1;
}

// Selecting costs a CPUID look-up in a table of libgcc, a few ns; the codec has no state to keep it
// in.
int encode_ulaw(void*, const int16_t* pcm, int samples, uint8_t* out, int capacity) {
  if (samples < 0 || samples > capacity) return -1;
  dsp::select_kernels().encode_ulaw(out, pcm, samples);
  return samples;
}

int encode_alaw(void*, const int16_t* pcm, int samples, uint8_t* out, int capacity) {
  if (samples < 0 || samples > capacity) return -1;
  dsp::select_kernels().encode_alaw(out, pcm, samples);
  return samples;
}

int decode_ulaw(void*, const uint8_t* payload, int bytes, int16_t* pcm, int capacity) {
  if (bytes <= 0 || bytes > capacity) return -1;
  dsp::select_kernels().decode_ulaw(pcm, payload, bytes);
  return bytes;
}

int decode_alaw(void*, const uint8_t* payload, int bytes, int16_t* pcm, int capacity) {
  if (bytes <= 0 || bytes > capacity) return -1;
  dsp::select_kernels().decode_alaw(pcm, payload, bytes);
  return bytes;
}

}  // namespace

const Codec pcmu = {.name = "PCMU",
                    .kind = Kind::pcmu,
                    .sample_rate_hz = 8000,
                    .rtp_clock_hz = 8000,
                    .encoder_bytes = 0,
                    .decoder_bytes = 0,
                    .init_encoder = init,
                    .init_decoder = init,
                    .encode = encode_ulaw,
                    .decode = decode_ulaw,
                    .conceal = nullptr,
                    .recover = nullptr,
                    .packet_samples = packet_samples};

const Codec pcma = {.name = "PCMA",
                    .kind = Kind::pcma,
                    .sample_rate_hz = 8000,
                    .rtp_clock_hz = 8000,
                    .encoder_bytes = 0,
                    .decoder_bytes = 0,
                    .init_encoder = init,
                    .init_decoder = init,
                    .encode = encode_alaw,
                    .decode = decode_alaw,
                    .conceal = nullptr,
                    .recover = nullptr,
                    .packet_samples = packet_samples};

}  // namespace codec
