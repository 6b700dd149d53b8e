#include "jitter/playout.h"

#include <algorithm>
#include <cstring>

#include "dsp/time_stretch.h"

namespace jitter {
namespace {

// Longest packet of any codec here (RFC 7587 section 4.2).
constexpr int longest_packet_ms = 120;
// A frame takes at most so many packets and fillings; more means nonsense from the decoder.
constexpr int most_pulls = 24;
// Up to 6 dB above the quietest lately, or below -66 dBov, audio may be cut anywhere.
constexpr float quiet_ratio = 4.0f;
constexpr float always_quiet = 270.0f;
constexpr float floor_rise = 1.02f;
// One packet in so many is decoded although it says how loud it is: each second by its level,
// more often where only the codec's flag says so, which is about voice, not loudness.
constexpr int level_check = 50;
constexpr int inactive_check = 20;
// Louder than -50 dBov and 12 dB above what it said, three times in a row: what it says is
// worthless.
constexpr float lie_square = 10737.0f;
constexpr float lie_ratio = 16.0f;
constexpr int lies_that_count = 3;
constexpr float unknown_square = 1e30f;

/** Mean squares of 0 to -127 dBov. */
struct LevelTable {
  float square[128];
  constexpr LevelTable() : square{} {
    double value = 32768.0 * 32768.0;
    for (float& entry : square) {
      entry = static_cast<float>(value);
      value *= 0.79432823472428151;  // a decibel less
    }
  }
};
constexpr LevelTable level_table;

float square_of(uint8_t level) {
  return level_table.square[level & 127];
}

size_t aligned(size_t bytes) {
  return (bytes + 15) / 16 * 16;
}

int queue_samples(const PlayoutConfig& config) {
  // A frame not quite full, the packet that fills it, and what an expansion puts in front of it.
  return config.sample_rate_hz / 1000 * longest_packet_ms + 3 * config.frame_samples;
}

}  // namespace

size_t Playout::bytes_for(const PlayoutConfig& config) {
  return aligned(Buffer::bytes_for(config.buffer)) +
         aligned(dsp::Concealment::bytes_for(config.sample_rate_hz)) +
         aligned(static_cast<size_t>(queue_samples(config)) * sizeof(int16_t));
}

bool Playout::init(void* memory, const PlayoutConfig& config, const Decoder& decoder,
                   uint32_t noise_seed) {
  const int rate = config.sample_rate_hz;
  if (rate < 8000 || rate > 48000 || rate % 4000 != 0) return false;
  if (config.frame_samples * 1000 != rate * config.buffer.pull_ms) return false;
  if (decoder.decode == nullptr || !buffer_.init(memory, config.buffer)) return false;
  config_ = config;
  frame_units_ = config.buffer.clock_hz / 1000 * config.buffer.pull_ms;
  decoder_ = decoder;
  buffer_.use_redundancy(decoder.recover != nullptr);
  kernels_ = &dsp::select_kernels();
  auto* next = static_cast<uint8_t*>(memory) + aligned(Buffer::bytes_for(config.buffer));
  concealment_.init(next, rate);
  next += aligned(dsp::Concealment::bytes_for(rate));
  queue_ = reinterpret_cast<int16_t*>(next);
  capacity_ = queue_samples(config);
  noise_.init(noise_seed);
  reset();
  return true;
}

void Playout::reset() {
  buffer_.reset();
  concealment_.reset();
  queued_ = 0;
  noise_on_ = false;
  usual_bytes_ = 0;
  floor_ = 1e9f;
  quiet_ = false;
  forget_levels();
  kind_ = FrameKind::silence;
}

// Rounded up, so that the samples that the units stand for fill the frame.
int Playout::units_of(int samples) const {
  const int64_t rate = config_.sample_rate_hz;
  return static_cast<int>((samples * int64_t{config_.buffer.clock_hz} + rate - 1) / rate);
}

int Playout::samples_of(int units) const {
  return static_cast<int>(int64_t{units} * config_.sample_rate_hz / config_.buffer.clock_hz);
}

bool Playout::is_quiet(float square) {
  floor_ = std::min(std::max(floor_, 1.0f) * floor_rise, square);
  return square <= std::max(floor_ * quiet_ratio, always_quiet);
}

void Playout::conceal(int samples) {
  samples = std::min(samples, capacity_ - queued_);
  if (samples <= 0) return;
  concealment_.conceal(queue_ + queued_, samples);
  queued_ += samples;
}

void Playout::conceal_packet(const Pull& pull) {
  int samples = std::min(samples_of(pull.units), capacity_ - queued_);
  int16_t* pcm = queue_ + queued_;
  if (run_ > 0 && skipping_) {
    // Lost among packets that nobody hears.
    std::memset(pcm, 0, static_cast<size_t>(samples) * sizeof(int16_t));
    queued_ += samples;
    if (kind_ == FrameKind::silence) kind_ = FrameKind::skipped;
    return;
  }
  int made = 0;
  if (pull.next_payload != nullptr && decoder_.recover != nullptr) {
    made = decoder_.recover(decoder_.self, pull.payload_type, pull.next_payload, pull.next_bytes,
                            pcm, samples);
    if (made > 0) kind_ = FrameKind::audio;
    buffer_.recovered(made > 0);
  }
  if (made <= 0 && decoder_.conceal != nullptr) {
    made = decoder_.conceal(decoder_.self, pcm, samples);
  }
  if (made > 0) {
    concealment_.note(pcm, made);
    queued_ += made;
  } else {
    conceal(samples);
  }
  if (kind_ != FrameKind::audio) kind_ = FrameKind::concealed;
}

void Playout::silence(int samples) {
  samples = std::min(samples, capacity_ - queued_);
  if (noise_on_) {
    noise_.generate(queue_ + queued_, samples);
    queued_ += samples;
    if (kind_ == FrameKind::silence) kind_ = FrameKind::noise;
    return;
  }
  // Fades out what was heard last, then gives zeros.
  conceal(samples);
  if (concealment_.sounding() && kind_ != FrameKind::audio) kind_ = FrameKind::concealed;
}

// Gives back delay as the buffer advises, where it is not heard.
void Playout::compress(const Pull& pull, int start, int samples) {
  const int most = samples_of(pull.stretch_units);
  queued_ = start + dsp::compress(queue_ + start, samples, most, config_.sample_rate_hz, quiet_,
                                  pull.urgent)
                        .samples;
}

// The common case: the packet is exactly the frame, and nothing is in its way. Saves writing the
// samples twice.
bool Playout::play_direct(const Pull& pull) {
  if (direct_ == nullptr || pull.bytes != usual_bytes_ || pull.stretch != Stretch::none) {
    return false;
  }
  int16_t* pcm = direct_;
  const int samples = decoder_.decode(decoder_.self, pull.payload_type, pull.payload, pull.bytes,
                                      pcm, config_.frame_samples);
  if (samples <= 0) {
    usual_bytes_ = 0;
    Pull lost;
    lost.units = frame_units_;
    conceal_packet(lost);
    return true;
  }
  in_place_ = samples == config_.frame_samples;
  if (!in_place_) {
    std::memcpy(queue_, pcm, static_cast<size_t>(samples) * sizeof(int16_t));
    pcm = queue_;
  }
  accept(pull, pcm, samples);
  return true;
}

void Playout::accept(const Pull& pull, int16_t* pcm, int samples) {
  buffer_.played(samples == config_.frame_samples ? frame_units_ : units_of(samples));
  usual_bytes_ = samples == config_.frame_samples ? pull.bytes : 0;
  noise_on_ = false;
  kind_ = FrameKind::audio;
  concealment_.good(pcm, samples);
  queued_ += samples;
  square_ =
      static_cast<float>(kernels_->energy(pcm, samples)) / static_cast<float>(std::max(samples, 1));
  quiet_ = is_quiet(square_);
  judge(pull);
}

void Playout::forget_levels() {
  inactive_square_ = unknown_square;
  run_ = 0;
  unchecked_ = 0;
  lies_ = 0;
  trusted_ = true;
}

// What the packet said, against what was in it.
void Playout::judge(const Pull& pull) {
  unchecked_ = 0;
  if (pull.level == level_inactive) inactive_square_ = square_;
  if (pull.level > 127) return;
  const bool lie = square_ > lie_square && square_ > lie_ratio * square_of(pull.level);
  lies_ = lie ? lies_ + 1 : 0;
  if (lies_ >= lies_that_count) trusted_ = false;
}

float Playout::told(uint8_t level) const {
  if (level > 127) return level == level_inactive ? inactive_square_ : unknown_square;
  return square_of(level);
}

bool Playout::known(uint8_t level, float& mean_square) const {
  mean_square = told(level);
  if (level == level_inactive) {
    return inactive_square_ < unknown_square && unchecked_ + 1 < inactive_check;
  }
  return level <= 127 && trusted_ && unchecked_ + 1 < level_check;
}

bool Playout::foresee(float& mean_square) const {
  // What is left of the last packet is decoded already.
  if (decoder_.length == nullptr || queued_ >= config_.frame_samples) return false;
  uint8_t levels[most_pulls];
  const int count =
      buffer_.next_levels(units_of(config_.frame_samples - queued_), levels, most_pulls);
  mean_square = queued_ > 0 && kind_ != FrameKind::skipped ? square_ : 0.0f;
  for (int i = 0; i < count; i++) {
    float square = 0;
    if (!known(levels[i], square)) return false;
    mean_square = std::max(mean_square, square);
  }
  return count > 0;
}

FrameKind Playout::skip_frame(int64_t now_ns, int16_t* pcm) {
  skipping_ = true;
  const FrameKind kind = frame(now_ns, pcm);
  skipping_ = false;
  return kind;
}

// Nobody hears this packet: its time passes, and the delay may move by as much as it wants.
bool Playout::skip(const Pull& pull) {
  int samples = decoder_.length == nullptr
                    ? -1
                    : decoder_.length(decoder_.self, pull.payload_type, pull.payload, pull.bytes);
  if (samples <= 0 || samples > capacity_ - queued_) return false;
  buffer_.played(samples == config_.frame_samples ? frame_units_ : units_of(samples));
  if (pull.stretch == Stretch::expand) {
    samples = std::min(samples + samples_of(pull.stretch_units), capacity_ - queued_);
    buffer_.expanded(pull.stretch_units);
  } else if (pull.stretch == Stretch::compress) {
    samples -= std::min(samples_of(pull.stretch_units), samples);
  }
  if (run_ == 0) concealment_.reset();
  in_place_ = direct_ != nullptr && samples == config_.frame_samples;
  std::memset(in_place_ ? direct_ : queue_ + queued_, 0,
              static_cast<size_t>(samples) * sizeof(int16_t));
  queued_ += samples;
  noise_on_ = false;
  quiet_ = true;
  if (kind_ == FrameKind::silence) kind_ = FrameKind::skipped;
  skipped_square_ = told(pull.level);
  run_++;
  unchecked_++;
  skipped_++;
  return true;
}

void Playout::look_back() {
  Pull past;
  int count = 0;
  const int most = std::min(run_, decoder_.look_back);
  while (count < most && buffer_.earlier(count + 1, past)) count++;
  for (; count > 0 && buffer_.earlier(count, past); count--) {
    decoder_.decode(decoder_.self, past.payload_type, past.payload, past.bytes, queue_ + queued_,
                    capacity_ - queued_);
  }
  run_ = 0;
}

void Playout::play(const Pull& pull) {
  if (pull.first) {
    if (decoder_.restart != nullptr) decoder_.restart(decoder_.self);
    forget_levels();
  }
  if (pull.comfort_noise) {
    noise_on_ = noise_.update(pull.payload, pull.bytes);
    return;
  }
  if (skipping_ && pull.level != level_unknown && skip(pull)) return;
  // One that is decoded only to check it may come out a little wrong.
  if (run_ > 0 && told(pull.level) > lie_square) look_back();
  if (play_direct(pull)) return;
  // Expansion: a concealment in front of the packet, into which the packet then blends.
  if (pull.stretch == Stretch::expand) {
    if (pull.urgent || quiet_) {
      conceal(samples_of(pull.stretch_units));
      buffer_.expanded(pull.stretch_units);
    }
  }
  const int start = queued_;
  const int samples = decoder_.decode(decoder_.self, pull.payload_type, pull.payload, pull.bytes,
                                      queue_ + start, capacity_ - start);
  if (samples <= 0) {
    Pull lost;
    lost.units = frame_units_;
    conceal_packet(lost);
    return;
  }
  accept(pull, queue_ + start, samples);
  if (pull.stretch == Stretch::compress) compress(pull, start, samples);
}

void Playout::take(const Pull& pull) {
  switch (pull.action) {
    case Action::play:
      play(pull);
      break;
    case Action::conceal:
      conceal_packet(pull);
      break;
    case Action::silence:
      silence(samples_of(pull.units));
      break;
  }
}

void Playout::prefetch_head() const {
  const auto* at = reinterpret_cast<const char*>(this);
  const auto* end = reinterpret_cast<const char*>(&buffer_ + 1) - Buffer::rare_bytes;
  for (; at < end; at += 64) __builtin_prefetch(at);
  __builtin_prefetch(&concealment_);
}

void Playout::prefetch_memory() const {
  buffer_.prefetch();
  concealment_.prefetch(config_.frame_samples);
}

FrameKind Playout::frame(int64_t now_ns, int16_t* pcm) {
  const int frame = config_.frame_samples;
  // What is left of the last packet is of the kind of the last frame.
  if (queued_ == 0) kind_ = FrameKind::silence;
  in_place_ = false;
  for (int pulls = 0; queued_ < frame && pulls < most_pulls; pulls++) {
    direct_ = queued_ == 0 ? pcm : nullptr;
    take(buffer_.pull(now_ns, queued_ == 0 ? frame_units_ : units_of(frame - queued_)));
  }
  direct_ = nullptr;
  if (in_place_) {
    queued_ = 0;
    return kind_;
  }
  if (queued_ < frame) conceal(frame - queued_);
  std::memcpy(pcm, queue_, static_cast<size_t>(frame) * sizeof(int16_t));
  queued_ -= frame;
  if (queued_ > 0) {
    std::memmove(queue_, queue_ + frame, static_cast<size_t>(queued_) * sizeof(int16_t));
  }
  return kind_;
}

}  // namespace jitter
