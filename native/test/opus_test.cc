// Opus as the engine uses it: states are flat and of the stated size, packets describe themselves,
// speech comes back, lost packets are rebuilt. `build/Release/opus_test [part of a name]`.
#include <opus.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numbers>
#include <vector>

#include "codec/codec.h"
#include "codec/opus_packet.h"
#include "test/signals.h"
#include "test/test.h"

namespace {

using codec::Codec;
using codec::Kind;
using codec::Params;

// A state where the engine would place it.
struct State {
  explicit State(size_t bytes)
      : memory(std::aligned_alloc(codec::state_alignment, (bytes + 63) / 64 * 64)) {}
  ~State() { std::free(memory); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  void* memory;
};

// Voiced sound: a pulse train at 120 Hz through two resonances, with breaks, so that SILK codes it
// as speech and its activity flags change.
std::vector<int16_t> speech(int rate_hz, double seconds) {
  std::vector<int16_t> samples(static_cast<size_t>(rate_hz * seconds));
  double a1 = 0, a2 = 0, b1 = 0, b2 = 0;
  for (size_t n = 0; n < samples.size(); n++) {
    const double t = static_cast<double>(n) / rate_hz;
    const bool speaking = std::fmod(t, 1.0) < 0.6;
    const bool pulse = speaking && std::fmod(t * 120.0, 1.0) < 120.0 / rate_hz;
    const auto resonate = [rate_hz](double in, double& y1, double& y2, double hz) {
      const double r = 0.97;
      const double y = in + 2 * r * std::cos(2 * std::numbers::pi * hz / rate_hz) * y1 - r * r * y2;
      y2 = y1;
      y1 = y;
      return y;
    };
    const double value = resonate(resonate(pulse ? 2500.0 : 0.0, a1, a2, 600), b1, b2, 1400);
    samples[n] = static_cast<int16_t>(std::lround(std::fmax(-30000, std::fmin(30000, value))));
  }
  return samples;
}

constexpr int rates[] = {8000, 16000, 48000};

void sizes(test::Context& t) {
  const Codec* opus = codec::find(Kind::opus);
  EXPECT(t, opus != nullptr);
  EXPECT(t, opus->encoder_bytes >= static_cast<size_t>(opus_encoder_get_size(1)));
  EXPECT(t, opus->decoder_bytes >= static_cast<size_t>(opus_decoder_get_size(1)));
  EXPECT_EQUAL(t, opus->rtp_clock_hz, 48000);
  for (const int rate : rates) {
    const Codec* variant = codec::find(Kind::opus, rate);
    EXPECT(t, variant != nullptr && variant->sample_rate_hz == rate);
  }
  EXPECT(t, codec::find(Kind::opus, 44100) == nullptr);
}

// The energy of what comes back is that of what went in, at every rate and frame length.
void round_trip(test::Context& t) {
  for (const int rate : rates) {
    for (const int ptime_ms : {10, 20, 40, 60}) {
      const Codec* opus = codec::find(Kind::opus, rate);
      State encoder(opus->encoder_bytes), decoder(opus->decoder_bytes);
      Params params;
      params.ptime_ms = ptime_ms;
      opus->init_encoder(encoder.memory, params);
      opus->init_decoder(decoder.memory, params);
      const auto in = speech(rate, 2);
      const int frame = rate * ptime_ms / 1000;
      double energy_in = 0, energy_out = 0;
      for (size_t at = 0; at + static_cast<size_t>(frame) <= in.size();
           at += static_cast<size_t>(frame)) {
        uint8_t payload[codec::max_payload_bytes];
        int16_t out[codec::max_packet_samples];
        const int bytes =
            opus->encode(encoder.memory, in.data() + at, frame, payload, sizeof payload);
        EXPECT(t, bytes > 0);
        EXPECT_EQUAL(t, opus->packet_samples(payload, bytes), frame);
        EXPECT_EQUAL(
            t, opus->decode(decoder.memory, payload, bytes, out, codec::max_packet_samples), frame);
        for (int n = 0; n < frame; n++) {
          energy_in += static_cast<double>(in[at + static_cast<size_t>(n)]) *
                       in[at + static_cast<size_t>(n)];
          energy_out += static_cast<double>(out[n]) * out[n];
        }
      }
      EXPECT_BETWEEN(t, 10 * std::log10(energy_out / energy_in), -2.0, 2.0);
    }
  }
}

// What makes leaving the shared listener encode inaudible.
void copied_encoder_continues(test::Context& t) {
  const Codec* opus = codec::find(Kind::opus, 16000);
  State shared(opus->encoder_bytes), own(opus->encoder_bytes);
  opus->init_encoder(shared.memory, {});
  const auto in = speech(16000, 4);
  for (size_t frame = 0; frame < 200; frame++) {
    uint8_t first[codec::max_payload_bytes], second[codec::max_payload_bytes];
    if (frame == 100) std::memcpy(own.memory, shared.memory, opus->encoder_bytes);
    const int bytes =
        opus->encode(shared.memory, in.data() + frame * 320, 320, first, sizeof first);
    if (frame < 100) continue;
    const int copied =
        opus->encode(own.memory, in.data() + frame * 320, 320, second, sizeof second);
    EXPECT_EQUAL(t, copied, bytes);
    EXPECT(t, std::memcmp(first, second, static_cast<size_t>(bytes)) == 0);
  }
}

// A packet's own activity flag tells voice from silence, without decoding.
void activity_is_known(test::Context& t) {
  const Codec* opus = codec::find(Kind::opus, 16000);
  State encoder(opus->encoder_bytes);
  opus->init_encoder(encoder.memory, {});
  const auto in = speech(16000, 6);
  int right = 0, wrong = 0;
  for (size_t frame = 0; frame < 300; frame++) {
    uint8_t payload[codec::max_payload_bytes];
    const int bytes =
        opus->encode(encoder.memory, in.data() + frame * 320, 320, payload, sizeof payload);
    codec::opus_packet::Description packet;
    EXPECT(t, codec::opus_packet::describe(payload, bytes, packet));
    EXPECT(t, packet.mode == codec::opus_packet::Mode::silk && packet.voice_known);
    EXPECT_EQUAL(t, packet.frame_us, 20000);
    // The middle of each second's talk and pause, away from the hangover.
    const size_t of_second = frame % 50;
    if (of_second >= 5 && of_second < 28) packet.voice ? ++right : ++wrong;
    if (of_second >= 40 && of_second < 49) packet.voice ? ++wrong : ++right;
  }
  EXPECT(t, right > 150);
  EXPECT(t, wrong * 20 < right);
}

// With FEC a lost packet comes back from the next one, closer than by concealment.
void loss_is_recovered(test::Context& t) {
  const Codec* opus = codec::find(Kind::opus, 16000);
  State encoder(opus->encoder_bytes), whole(opus->decoder_bytes), fec(opus->decoder_bytes),
      plc(opus->decoder_bytes);
  Params params;
  params.fec = true;
  params.expected_loss_percent = 20;
  params.bitrate_bps = 32000;
  opus->init_encoder(encoder.memory, params);
  for (State* one : {&whole, &fec, &plc}) opus->init_decoder(one->memory, params);
  const auto in = speech(16000, 6);
  std::vector<std::vector<uint8_t>> packets;
  for (size_t frame = 0; frame < 300; frame++) {
    uint8_t payload[codec::max_payload_bytes];
    const int bytes =
        opus->encode(encoder.memory, in.data() + frame * 320, 320, payload, sizeof payload);
    packets.emplace_back(payload, payload + bytes);
  }
  double fec_error = 0, plc_error = 0;
  int recovered = 0;
  for (size_t frame = 0; frame + 1 < packets.size(); frame++) {
    int16_t reference[320], with_fec[320], with_plc[320];
    const auto size = [&](size_t index) { return static_cast<int>(packets[index].size()); };
    opus->decode(whole.memory, packets[frame].data(), size(frame), reference, 320);
    if (frame % 10 != 7) {
      opus->decode(fec.memory, packets[frame].data(), size(frame), with_fec, 320);
      opus->decode(plc.memory, packets[frame].data(), size(frame), with_plc, 320);
      continue;
    }
    const int made =
        opus->recover(fec.memory, packets[frame + 1].data(), size(frame + 1), with_fec, 320);
    if (made == 320)
      ++recovered;
    else
      opus->conceal(fec.memory, with_fec, 320);
    EXPECT_EQUAL(t, opus->conceal(plc.memory, with_plc, 320), 320);
    for (int n = 0; n < 320; n++) {
      fec_error += std::pow(reference[n] - with_fec[n], 2);
      plc_error += std::pow(reference[n] - with_plc[n], 2);
    }
  }
  EXPECT(t, recovered > 10);
  EXPECT(t, fec_error < plc_error * 0.7);
}

void dtx_sends_nothing_in_silence(test::Context& t) {
  const Codec* opus = codec::find(Kind::opus, 16000);
  State encoder(opus->encoder_bytes);
  Params params;
  params.dtx = true;
  opus->init_encoder(encoder.memory, params);
  const int16_t silence[320] = {};
  int sent = 0;
  for (int frame = 0; frame < 200; frame++) {
    uint8_t payload[codec::max_payload_bytes];
    if (opus->encode(encoder.memory, silence, 320, payload, sizeof payload) > 0) ++sent;
  }
  EXPECT(t, sent < 40);
}

// Whatever arrives, the decoder stays within its bounds and says no.
void hostile_payloads(test::Context& t) {
  test::Random random(11);
  const Codec* opus = codec::find(Kind::opus, 48000);
  State decoder(opus->decoder_bytes);
  opus->init_decoder(decoder.memory, {});
  int refused = 0;
  for (int round = 0; round < 20000; round++) {
    uint8_t payload[64];
    const int bytes = random.below(64);
    for (int n = 0; n < bytes; n++) payload[n] = static_cast<uint8_t>(random.next());
    int16_t out[960];
    const int samples = opus->decode(decoder.memory, payload, bytes, out, 960);
    EXPECT(t, samples >= -1 && samples <= 960);
    const int described = opus->packet_samples(payload, bytes);
    EXPECT(t, described >= -1 && described <= codec::max_packet_samples);
    if (samples < 0) ++refused;
  }
  EXPECT(t, refused > 0);
  EXPECT_EQUAL(t, opus->decode(decoder.memory, nullptr, 0, nullptr, 0), -1);
  EXPECT_EQUAL(t, opus->packet_samples(nullptr, 0), -1);
}

// Why a lone contributor's packets are not handed through: a listener's decoder that goes from the
// mixer's stream to the contributor's own, which is ahead of it by the look-ahead of one encoding
// and by what waits for the tick, hears the seam. Ten whole periods of 500 Hz, at the seam and away
// from it; a tone is what hides a seam least, and speech hides it only sometimes.
void handing_through_is_heard(test::Context& t) {
  const Codec* opus = codec::find(Kind::opus, 48000);
  State contributor(opus->encoder_bytes), mixer(opus->encoder_bytes), heard(opus->decoder_bytes),
      listener(opus->decoder_bytes);
  for (State* one : {&contributor, &mixer}) opus->init_encoder(one->memory, {});
  for (State* one : {&heard, &listener}) opus->init_decoder(one->memory, {});
  constexpr int frame = 960, seam = 60, frames = 100;
  std::vector<int16_t> out(static_cast<size_t>(frame) * frames);
  for (int i = 0; i < frames; i++) {
    int16_t tone[frame], mixed[frame];
    for (int n = 0; n < frame; n++) {
      const double angle = 2 * std::numbers::pi * 500 * (i * frame + n + 17) / 48000.0;
      tone[n] = static_cast<int16_t>(std::lround(10000 * std::sin(angle)));
    }
    uint8_t own[codec::max_payload_bytes], made[codec::max_payload_bytes];
    const int own_bytes = opus->encode(contributor.memory, tone, frame, own, sizeof own);
    EXPECT_EQUAL(t, opus->decode(heard.memory, own, own_bytes, mixed, frame), frame);
    const int made_bytes = opus->encode(mixer.memory, mixed, frame, made, sizeof made);
    const bool through = i >= seam;
    opus->decode(listener.memory, through ? own : made, through ? own_bytes : made_bytes,
                 out.data() + static_cast<size_t>(i) * frame, frame);
  }
  const auto worst = [&](int from, int to) {
    double most = -200;
    for (int at = from * frame; at < to * frame; at += 240) {
      most = std::fmax(most, test::residue_db(out.data() + at, frame, 500, 48000));
    }
    return most;
  };
  const double steady = std::fmax(worst(40, seam - 2), worst(seam + 10, frames - 2));
  const double at_seam = worst(seam - 1, seam + 2);
  std::printf("    residue beside a tone: %.1f dB in either stream, %.1f dB at the seam\n", steady,
              at_seam);
  EXPECT(t, at_seam > steady + 12);
}

constexpr test::Case cases[] = {
    {"opus: states have the stated size, three API rates exist", sizes},
    {"opus: speech survives at every rate and packet length", round_trip},
    {"opus: a copied encoder continues bit-exactly", copied_encoder_continues},
    {"opus: a packet tells voice from silence without being decoded", activity_is_known},
    {"opus: a lost packet is rebuilt from the next one", loss_is_recovered},
    {"opus: DTX sends next to nothing in silence", dtx_sends_nothing_in_silence},
    {"opus: handing packets through would be heard where it begins", handing_through_is_heard},
    {"opus: hostile payloads are refused within bounds", hostile_payloads},
};

}  // namespace

int main(int argc, char** argv) {
  return test::run(cases, static_cast<int>(sizeof cases / sizeof cases[0]),
                   argc > 1 ? argv[1] : nullptr);
}
