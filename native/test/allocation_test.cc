// Aim: nothing under Engine::tick allocates or frees, whatever legs do. Method: the allocator of
// this program counts.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "test/engine_fixture.h"
#include "test/engine_tests.h"

// Counts every allocation and release of the program; sanitizers bring their own allocator.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)
#define MINUSONE_COUNT_ALLOCATIONS 1
namespace {
uint64_t allocations = 0;
}
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* memory);
void* malloc(size_t size) {
  allocations++;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  allocations++;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  allocations++;
  return __libc_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  allocations++;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  allocations++;
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? 12 : 0;
}
void free(void* memory) {
  if (memory != nullptr) allocations++;
  __libc_free(memory);
}
}
#endif

using test::Fixture;
using test::Peer;

#ifdef MINUSONE_COUNT_ALLOCATIONS
namespace {

/** Prompts of two pieces at 32768 of the arena, for a looped player. */
void write_prompts(Fixture& f) {
  auto* samples = reinterpret_cast<int16_t*>(f.prompts() + 64);
  for (int i = 0; i < 1110; i++) samples[i] = static_cast<int16_t>(i * 13 % 4000);
  const uint32_t list[4] = {64, 333, 730, 777};
  std::memcpy(f.prompts() + 32768, list, sizeof list);
}

void play(Fixture& f, uint32_t index, abi::PlayMode mode) {
  abi::PlayCommand play{};
  play.leg = Fixture::handle(index);
  play.playback = index + 1;
  play.list_offset = 32768;
  play.count = 2;
  play.gain = 0.5f;
  play.loop = 1;
  play.mode = static_cast<uint8_t>(mode);
  f.command(play);
}

void record(Fixture& f, uint32_t index, uint32_t ring) {
  abi::StartRecordingCommand start{};
  start.leg = Fixture::handle(index);
  start.ring = ring;
  start.rate_hz = 8000;
  start.max_ms = 60'000;
  start.side = static_cast<uint8_t>(abi::RecordSide::both);
  f.command(start);
}

/** One codec of a peer: payloads made before the counting begins. */
struct Payload {
  uint8_t bytes[1440];
  size_t count = 0;
  uint32_t units = 0;
};

std::vector<Payload> payloads_of(abi::CodecKind kind) {
  const codec::Codec& codec = *engine::codec_of(kind);
  std::vector<uint64_t> memory(codec.encoder_bytes / 8 + 16);
  auto at = reinterpret_cast<uintptr_t>(memory.data());
  void* state = reinterpret_cast<void*>((at + 63) & ~uintptr_t{63});
  if (codec.encoder_bytes > 0) codec.init_encoder(state, codec::Params{});
  std::vector<Payload> made(60);
  test::Random random(8);
  for (Payload& payload : made) {
    int16_t pcm[960];
    for (int i = 0; i < codec.sample_rate_hz / 50; i++) {
      pcm[i] = static_cast<int16_t>(random.below(12000) - 6000);
    }
    const int bytes =
        codec.encode(state, pcm, codec.sample_rate_hz / 50, payload.bytes, sizeof payload.bytes);
    payload.count = static_cast<size_t>(std::max(bytes, 0));
    payload.units = static_cast<uint32_t>(codec.rtp_clock_hz) / 50;
  }
  return made;
}

void announce(Fixture& f, uint32_t conference) {
  abi::AnnounceCommand announce{};
  announce.conference = Fixture::handle(conference);
  announce.playback = 77;
  announce.list8 = announce.list16 = announce.list48 = 32768;
  announce.count8 = announce.count16 = announce.count48 = 2;
  announce.gain = 1;
  f.command(announce);
}

/** Comfort noise, DTX and levels in both directions; the codec as told. */
void configure_all(Fixture& f, uint32_t index, abi::CodecKind kind) {
  abi::ConfigureCommand configure =
      f.parameters(index,
                   index == 3   ? 40
                   : index == 5 ? 10
                                : 20,
                   abi::Direction::sendrecv, kind, 1, index % 3 == 0 ? abi::kNoPayloadType : 101);
  configure.send_comfort_noise = index % 4 == 1 ? 1 : 0;
  configure.send_dtx = configure.send_fec = 1;
  configure.audio_level_receive_id = configure.audio_level_send_id = 1;
  configure.mix_levels_receive_id = configure.mix_levels_send_id = 2;
  f.command(configure);
}

/** Those that are not of one leg: moves between conferences and new codecs within a call. */
void move_everything(Fixture& f, int round) {
  const auto index = static_cast<uint32_t>(round / 24 % 8);
  switch (round % 24) {
    case 5:
      announce(f, static_cast<uint32_t>(round / 24 % 2));
      break;
    case 8:
      // Into a sub-conference and, later, back.
      f.route(index, abi::RouteKind::conference,
              Fixture::handle(static_cast<uint32_t>(round / 192 % 2 == 0 ? 1 : 0)));
      break;
    case 13: {
      abi::StopAnnouncingCommand stop{};
      stop.conference = Fixture::handle(0);
      f.command(stop);
      break;
    }
    case 16:
      configure_all(f, index, round / 24 % 2 == 0 ? abi::CodecKind::opus : abi::CodecKind::g722);
      break;
    case 18:
      f.open_leg(static_cast<uint32_t>(8 + round / 24 % 4), 2);
      break;
    case 20: {
      if (index != 7) break;
      abi::CloseConferenceCommand close{};
      close.conference = Fixture::handle(1);
      f.command(close);
      break;
    }
    case 22:
      f.open_conference(1);
      break;
    default:
      break;
  }
}

/** A key that is heard, in PCMU, as one with payloads of its own. */
std::vector<Payload> digit_payloads() {
  std::vector<Payload> made(60);
  const codec::Codec& codec = *engine::codec_of(abi::CodecKind::pcmu);
  for (size_t frame = 0; frame < made.size(); frame++) {
    int16_t pcm[160];
    for (size_t i = 0; i < 160; i++) {
      const double seconds = static_cast<double>(frame * 160 + i) / 8000;
      const bool down = frame % 12 < 6;
      pcm[i] = down ? static_cast<int16_t>(6000 * std::sin(2 * 3.14159265 * 770 * seconds) +
                                           6000 * std::sin(2 * 3.14159265 * 1336 * seconds))
                    : int16_t{0};
    }
    made[frame].count =
        static_cast<size_t>(codec.encode(nullptr, pcm, 160, made[frame].bytes, 1440));
    made[frame].units = 160;
  }
  return made;
}

/** Every feature at once: codecs, rates, relay, echo, prompts, recordings, digits, RTCP, rows,
 * gains. */
void use_everything(Fixture& f, int round) {
  const auto index = static_cast<uint32_t>(round % 8);
  switch (round % 16) {
    case 1:
      play(f, index, abi::PlayMode::mix);
      break;
    case 2:
      play(f, index, abi::PlayMode::replace);
      break;
    case 3: {
      abi::StopPlayingCommand stop{};
      stop.leg = Fixture::handle(index);
      f.command(stop);
      break;
    }
    case 4:
      record(f, index, static_cast<uint32_t>(round / 16 % 4));
      break;
    case 6: {
      abi::SendDigitsCommand digits{};
      digits.leg = Fixture::handle(index);
      digits.count = 4;
      digits.duration_ms = 80;
      f.command(digits);
      break;
    }
    case 7:
      f.route(index, abi::RouteKind::idle);
      break;
    case 9:
      f.route(index, abi::RouteKind::conference, Fixture::handle(0));
      break;
    case 10: {
      abi::GainCommand gain{};
      gain.leg = Fixture::handle(index);
      gain.input = 2.0f;
      gain.output = 0.5f;
      f.command(gain);
      break;
    }
    case 11: {
      abi::HearCommand hear{};
      hear.leg = Fixture::handle(index);
      hear.audience = static_cast<uint8_t>(round / 16 % 4);
      hear.count = 1;
      f.command(hear);
      break;
    }
    case 12: {
      abi::StopRecordingCommand stop{};
      stop.leg = Fixture::handle(index);
      stop.ring = static_cast<uint32_t>(round / 16 % 4);
      f.command(stop);
      break;
    }
    case 14:
      f.close_leg(static_cast<uint32_t>(8 + round / 16 % 4));
      break;
    default:
      break;
  }
}

}  // namespace
#endif

void tick_does_not_allocate(test::Context& t) {
#ifdef MINUSONE_COUNT_ALLOCATIONS
  delete new int(1);
  const uint64_t before = allocations;
  std::vector<int> probe(3);
  EXPECT(t, allocations > before);  // the counter counts
  test::Random random(2);
  constexpr abi::CodecKind kKinds[] = {abi::CodecKind::pcmu, abi::CodecKind::pcma,
                                       abi::CodecKind::g722, abi::CodecKind::opus,
                                       abi::CodecKind::l16};
  std::vector<std::vector<Payload>> payloads;
  for (const abi::CodecKind kind : kKinds) payloads.push_back(payloads_of(kind));
  Fixture all;
  write_prompts(all);
  abi::OpenConferenceCommand open{};
  open.conference = Fixture::handle(0);
  open.contributors = 3;
  open.automatic_gain = open.noise_suppression = 1;
  open.speech_dbov = -20;
  all.command(open);
  // Two that relay need one codec.
  const auto kind_of = [](uint32_t i) { return i == 9 ? size_t{0} : size_t{i % 5}; };
  std::vector<Peer> talkers;
  for (uint32_t i = 0; i < 12; i++) {
    talkers.push_back(Fixture::peer_of(i));
    abi::OpenLegCommand leg{};
    leg.leg = Fixture::handle(i);
    leg.rtp_fd = static_cast<int>(2 * i);
    leg.rtcp_fd = static_cast<int>(2 * i + 1);
    leg.inband_digits = i % 2 == 0 ? 1 : 0;
    leg.silence_timeout_ms = 500;
    leg.unheard_limit_ms = 400;
    all.command(leg);
    configure_all(all, i, kKinds[kind_of(i)]);
    all.route(i, abi::RouteKind::conference, Fixture::handle(0));
  }
  all.route(9, abi::RouteKind::relay, Fixture::handle(10));
  all.route(11, abi::RouteKind::echo);
  all.periods(2);
  const std::vector<Payload> keys = digit_payloads();
  uint32_t seen = 0;  // bits: kinds of events
  const uint64_t second = allocations;
  for (int round = 0; round < 1000; round++) {
    use_everything(all, round);
    move_everything(all, round);
    all.period([&] {
      for (uint32_t i = 0; i < talkers.size(); i++) {
        // Some say nothing for a while, lose packets, or change the codec within the stream.
        const size_t kind = (kind_of(i) + (round % 300 == 299 ? 1 : 0)) % 5;
        if ((round / 50 + static_cast<int>(i)) % 5 == 0 || random.below(20) == 0) {
          talkers[i].sequence++;
          continue;
        }
        if (round % 250 == 100) talkers[i].ssrc += 0x100;  // another source takes the line
        if (random.below(50) == 0) {
          const uint8_t noise[1] = {60};
          all.send(i, talkers[i], 13, noise, sizeof noise, 160);
          continue;
        }
        const bool key = i == 0 && kKinds[kind] == abi::CodecKind::pcmu;
        const Payload& payload = key ? keys[static_cast<size_t>(round % 60)]
                                     : payloads[kind][static_cast<size_t>(round % 60)];
        if (i % 2 == 1 && kKinds[kind] != abi::CodecKind::l16) {
          // With its level by RFC 6464: loud, or so quiet that it is not decoded.
          const auto level = static_cast<uint8_t>(round / 30 % 2 == 0 ? 20 : 120);
          const uint8_t extension[8] = {0xbe, 0xde, 0, 1, 0x10, level, 0, 0};
          all.send_extended(i, talkers[i], Fixture::type_of(kKinds[kind]), payload.bytes,
                            payload.count, payload.units, extension, sizeof extension);
          continue;
        }
        all.send(i, talkers[i], Fixture::type_of(kKinds[kind]), payload.bytes, payload.count,
                 payload.units);
        if (random.below(60) == 0) {
          all.send_event(i, talkers[i], talkers[i].timestamp, 5, true, 800);
        }
      }
    });
    while (const uint8_t* slot = all.events().front()) {
      uint32_t type;
      std::memcpy(&type, slot, sizeof type);
      if (type < 32) seen |= 1u << type;
      all.events().pop();
    }
  }
  EXPECT_EQUAL(t, allocations - second, 0u);
  const engine::Counters& count = all.context().count;
  EXPECT(t, count.frames_encoded > 0 && count.frames_concealed > 0 && count.frames_shared > 0);
  EXPECT(t, count.rtcp_sent > 0);
  EXPECT(t, count.packets_forwarded > 0);
  EXPECT(t, count.frames_skipped > 0);
  for (const abi::Event event :
       {abi::Event::digit, abi::Event::digits_sent, abi::Event::talking, abi::Event::play_finished,
        abi::Event::announced, abi::Event::recording_ended, abi::Event::leg_closed,
        abi::Event::conference_closed, abi::Event::receiving}) {
    EXPECT(t, (seen >> static_cast<uint32_t>(event) & 1) != 0);
  }
#else
  (void)t;
#endif
}
