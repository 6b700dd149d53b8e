#include "engine/commands.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "engine/announcement.h"
#include "engine/codec_memory.h"
#include "engine/hearing.h"
#include "engine/player.h"
#include "engine/receiving.h"
#include "engine/recording.h"
#include "engine/roster.h"
#include "engine/rtcp_session.h"
#include "engine/sending.h"
#include "engine/tones.h"

namespace engine {
namespace {

/** 16,000 commands a second; a phase of 2 ms spends well under a tenth of itself on them. */
constexpr int kCommandsPerPhase = 32;

/** Nothing of the leg that had this index before is left in a filter. */
void forget_history(Context& context, uint32_t index) {
  context.resamplers[index].reset();
  context.resamplers[context.relay_resampler(index)].reset();
  for (uint32_t lane = 0; lane < kLanes; lane++) {
    context.resamplers[context.private_resampler(index, lane)].reset();
  }
}

void open_leg(Context& context, const abi::OpenLegCommand& command, int64_t now) {
  const uint32_t index = command.leg & 0xffff;
  if (index >= context.limits.legs || context.legs[index].open) {
    context.count.commands_stale++;
    return;
  }
  Leg& leg = *new (&context.legs[index]) Leg();
  context.playouts[index].codec = nullptr;
  forget_history(context, index);
  if (context.suppressors[index].rate_hz() != 0) context.suppressors[index].init(0);
  leg.index = index;
  leg.handle = command.leg;
  leg.open = true;
  leg.rtp_socket = command.rtp_fd;
  leg.rtcp_socket = command.rtcp_fd;
  leg.wants_inband = command.inband_digits != 0;
  leg.silence_timeout_ms = command.silence_timeout_ms;
  if (command.unheard_limit_ms > 0) {
    leg.latch.unheard_left = std::max(1u, command.unheard_limit_ms / kTickMs);
  }
  leg.out.ssrc = command.ssrc;
  leg.out.timestamp = leg.out.end_timestamp = command.first_timestamp;
  leg.out.sequence = command.first_sequence;
  leg.cname_bytes = std::min<uint8_t>(command.cname_bytes, sizeof leg.cname);
  std::memcpy(leg.cname, command.cname, sizeof leg.cname);
  leg.last_period = context.period;
  leg.last_packet_ns = leg.last_rtcp_ns = now;
  add_leg(context, leg);
}

void configure_formats(Leg& leg, const abi::ConfigureCommand& command) {
  std::memset(leg.formats, kFormatUnknown, sizeof leg.formats);
  const uint32_t formats = std::min<uint32_t>(command.receive_count, abi::kMaxReceiveFormats);
  for (uint32_t i = 0; i < formats; i++) {
    const uint8_t kind = command.receive_codecs[i];
    if (codec_of(static_cast<abi::CodecKind>(kind), command.receive_rates_khz[i] * 1000u) ==
        nullptr) {
      continue;
    }
    leg.formats[command.receive_payload_types[i] & 0x7f] = kind;
    leg.receive_rates_khz[kind] = command.receive_rates_khz[i];
  }
  const uint32_t events = std::min<uint32_t>(command.event_receive_count, abi::kMaxEventFormats);
  for (uint32_t i = 0; i < events; i++) {
    leg.formats[command.event_receive_payload_types[i] & 0x7f] = kFormatEvent;
  }
  if (command.comfort_noise_payload_type != abi::kNoPayloadType) {
    leg.formats[command.comfort_noise_payload_type & 0x7f] = kFormatComfortNoise;
  }
}

/** Payloads of sample-based codecs can be cut anywhere; Opus has frames of 10 ms, or whole ticks.
 */
uint8_t packet_ms(const abi::ConfigureCommand& command, const codec::Codec& codec) {
  const uint8_t wanted = command.ptime_ms;
  if (codec.kind == codec::Kind::l16 && codec.sample_rate_hz == 48000) return 10;
  if (wanted < 10 || wanted > 60) return static_cast<uint8_t>(kTickMs);
  const bool whole = wanted == 10 || wanted % kTickMs == 0;
  if (codec.kind == codec::Kind::opus) return whole ? wanted : static_cast<uint8_t>(kTickMs);
  const uint32_t most_ms =
      codec.kind == codec::Kind::l16
          ? kMaxPayloadBytes / (static_cast<uint32_t>(codec.sample_rate_hz) / 1000 * 2)
          : 60;
  return static_cast<uint8_t>(std::min<uint32_t>(wanted, most_ms / 10 * 10));
}

uint8_t extension_id(uint8_t id) {
  return id <= rtp::kLastExtension ? id : rtp::kNoExtension;
}

/** What goes with the packets beside the audio. */
void configure_extras(Leg& leg, const abi::ConfigureCommand& command) {
  leg.level_receive_id = extension_id(command.audio_level_receive_id);
  leg.mix_levels_receive_id = extension_id(command.mix_levels_receive_id);
  leg.out.level_id = extension_id(command.audio_level_send_id);
  leg.out.mix_levels_id = extension_id(command.mix_levels_send_id);
  leg.out.dtx = command.send_dtx != 0 && leg.out.codec == abi::CodecKind::opus;
  // RFC 3389 section 4: on the clock of the audio, which is 8000 Hz for payload type 13.
  leg.out.comfort_noise_type = command.send_comfort_noise != 0 && leg.out.clock_hz == 8000
                                   ? command.comfort_noise_payload_type
                                   : abi::kNoPayloadType;
}

void configure(Context& context, Leg& leg, const abi::ConfigureCommand& command, int64_t now) {
  if (command.send_codec >= abi::kCodecKindCount) return;
  const auto kind = static_cast<abi::CodecKind>(command.send_codec);
  const codec::Codec* codec = codec_of(kind, command.send_rate_khz * 1000u);
  if (codec == nullptr) return;
  configure_formats(leg, command);

  net::Address remote;
  std::memcpy(remote.ip, command.address, sizeof remote.ip);
  remote.port = command.port;
  remote.family = command.family == 6   ? net::Family::ipv6
                  : command.family == 4 ? net::Family::ipv4
                                        : net::Family::none;
  if (!leg.configured || !(remote == leg.latch.signalled)) {
    unlatch(context, leg);
    leg.latch.signalled = remote;
    leg.latch.peer = remote;
  }
  leg.rtcp.target = remote;
  leg.rtcp.target.port =
      command.rtcp_port != 0 ? command.rtcp_port : static_cast<uint16_t>(command.port + 1);
  leg.rtcp.mux = remote.usable() && command.rtcp_port == command.port;

  const bool changed =
      leg.out.codec != kind || leg.out.rate_hz != static_cast<uint32_t>(codec->sample_rate_hz);
  leg.out.codec = kind;
  leg.out.rate_hz = static_cast<uint32_t>(codec->sample_rate_hz);
  // L16 has the clock of its rate, whatever the table says.
  leg.out.clock_hz = static_cast<uint32_t>(codec->rtp_clock_hz);
  leg.out.payload_type = command.send_payload_type & 0x7f;
  leg.out.event_payload_type = command.event_send_payload_type;
  leg.out.ptime_ms = packet_ms(command, *codec);
  configure_extras(leg, command);
  leg.held_bytes = 0;
  leg.half_waits = false;
  if (changed || !leg.configured) {
    leg.mix.limiter.init(codec->sample_rate_hz);
    leg.loudness.limiter.init(codec->sample_rate_hz);
    prepare_tones(context, leg);
    leg.out.fec = command.send_fec != 0;
    leg.out.bitrate_bps = command.send_bitrate;
    // Without a past; in a conference one that begins to contribute takes the shared one's.
    drop_encoder(context, leg);
    hold_encoder(context, leg);
  }
  hold_room(context, leg, leg.out.ptime_ms != kTickMs);
  const auto direction = static_cast<abi::Direction>(command.direction & 3);
  const bool may_send =
      direction == abi::Direction::sendrecv || direction == abi::Direction::sendonly;
  if (may_send && !leg.may_send) leg.out.marker = true;
  leg.may_send = may_send;
  leg.may_receive = direction == abi::Direction::sendrecv || direction == abi::Direction::recvonly;
  if (leg.receive_codec == abi::CodecKind::none ||
      codec_of(leg.receive_codec, leg.receive_rate_hz()) == nullptr) {
    prepare_playout(context, leg, codec);
  }
  leg.last_packet_ns = leg.last_rtcp_ns = now;
  leg.silence_reported = false;
  if (!leg.configured) schedule_first_report(context, leg, now);
  leg.configured = true;
}

void route(Context& context, Leg& leg, const abi::RouteCommand& command) {
  if (command.kind >= abi::kRouteKindCount) return;
  Route wanted;
  wanted.kind = static_cast<abi::RouteKind>(command.kind);
  wanted.muted = command.muted != 0;
  if (wanted.kind == abi::RouteKind::relay) {
    const Leg* peer = context.leg_of(command.target);
    if (peer == nullptr || peer == &leg) {
      context.count.commands_stale++;
      wanted = Route{};
    } else {
      wanted.target = peer->index;
    }
  } else if (wanted.kind == abi::RouteKind::conference) {
    const Conference* conference = context.conference_of(command.target);
    if (conference == nullptr) {
      context.count.commands_stale++;
      wanted = Route{};
    } else {
      wanted.target = conference->index;
    }
  }
  change_route(context, leg, wanted);
}

void send_digits(Context& context, Leg& leg, const abi::SendDigitsCommand& command) {
  const uint32_t count = std::min<uint32_t>(command.count, abi::kDigitQueue);
  uint32_t refused = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t digit = command.digits[i];
    if (digit > rtp::kLastDigitEvent || !leg.digits_out.queue(digit, command.duration_ms))
      refused++;
  }
  if (refused == 0) return;
  // The other side counts what is under way and never sends more; this keeps its count right.
  abi::DigitsSentEvent event{};
  event.leg = leg.handle;
  event.count = refused;
  context.post(event);
}

/** Answers a playback of a leg that is gone, so that its prompts are freed. */
void refuse_play(Context& context, const abi::PlayCommand& command) {
  abi::PlayFinishedEvent event{};
  event.leg = command.leg;
  event.playback = command.playback;
  event.end = static_cast<uint8_t>(abi::PlayEnd::stopped);
  context.post(event);
}

/** Likewise of a conference that is gone. */
void refuse_announcement(Context& context, const abi::AnnounceCommand& command) {
  abi::AnnouncedEvent event{};
  event.conference = command.conference;
  event.playback = command.playback;
  event.end = static_cast<uint8_t>(abi::PlayEnd::stopped);
  context.post(event);
}

template <class T>
T read(const uint8_t* slot) {
  T command;
  std::memcpy(&command, slot, sizeof command);
  return command;
}

/** Hands the leg of a command on; a command to a leg that is gone is counted and has no effect. */
template <class T, class Apply>
void with_leg(Context& context, const uint8_t* slot, Apply apply) {
  const T command = read<T>(slot);
  Leg* leg = context.leg_of(command.leg);
  if (leg == nullptr) {
    context.count.commands_stale++;
    return;
  }
  apply(*leg, command);
}

bool apply_one(Context& context, const uint8_t* slot, int64_t now) {
  uint32_t type;
  std::memcpy(&type, slot, sizeof type);
  switch (static_cast<abi::Command>(type)) {
    case abi::Command::open_leg:
      open_leg(context, read<abi::OpenLegCommand>(slot), now);
      break;
    case abi::Command::configure:
      with_leg<abi::ConfigureCommand>(context, slot, [&](Leg& leg, const auto& command) {
        configure(context, leg, command, now);
      });
      break;
    case abi::Command::route:
      with_leg<abi::RouteCommand>(
          context, slot, [&](Leg& leg, const auto& command) { route(context, leg, command); });
      break;
    case abi::Command::mute:
      with_leg<abi::MuteCommand>(context, slot, [&](Leg& leg, const auto& command) {
        (leg.rerouting ? leg.pending : leg.route).muted = command.muted != 0;
      });
      break;
    case abi::Command::play: {
      const auto command = read<abi::PlayCommand>(slot);
      Leg* leg = context.leg_of(command.leg);
      if (leg == nullptr) {
        context.count.commands_stale++;
        refuse_play(context, command);
      } else {
        start_player(context, *leg, command);
      }
      break;
    }
    case abi::Command::stop_playing:
      with_leg<abi::StopPlayingCommand>(context, slot, [&](Leg& leg, const auto& command) {
        stop_players(context, leg, command.playback);
      });
      break;
    case abi::Command::send_digits:
      with_leg<abi::SendDigitsCommand>(context, slot, [&](Leg& leg, const auto& command) {
        send_digits(context, leg, command);
      });
      break;
    case abi::Command::start_recording:
      with_leg<abi::StartRecordingCommand>(context, slot, [&](Leg& leg, const auto& command) {
        start_recording(context, leg, command);
      });
      break;
    case abi::Command::stop_recording:
      with_leg<abi::StopRecordingCommand>(context, slot, [&](Leg& leg, const auto& command) {
        if (leg.recording == command.ring) stop_recording(context, leg);
      });
      break;
    case abi::Command::hear:
      with_leg<abi::HearCommand>(context, slot,
                                 [](Leg& leg, const auto& command) { change_row(leg, command); });
      break;
    case abi::Command::gain:
      with_leg<abi::GainCommand>(context, slot,
                                 [](Leg& leg, const auto& command) { change_gains(leg, command); });
      break;
    case abi::Command::close_leg:
      with_leg<abi::CloseLegCommand>(context, slot,
                                     [&](Leg& leg, const auto&) { close_leg(context, leg, now); });
      break;
    case abi::Command::open_conference:
      open_conference(context, read<abi::OpenConferenceCommand>(slot));
      break;
    case abi::Command::close_conference: {
      const auto command = read<abi::CloseConferenceCommand>(slot);
      if (Conference* conference = context.conference_of(command.conference)) {
        close_conference(context, *conference, now);
      }
      break;
    }
    case abi::Command::announce: {
      const auto command = read<abi::AnnounceCommand>(slot);
      if (Conference* conference = context.conference_of(command.conference)) {
        start_announcement(context, *conference, command);
      } else {
        context.count.commands_stale++;
        refuse_announcement(context, command);
      }
      break;
    }
    case abi::Command::stop_announcing: {
      const auto command = read<abi::StopAnnouncingCommand>(slot);
      if (Conference* conference = context.conference_of(command.conference)) {
        stop_announcement(context, *conference, command.playback);
      }
      break;
    }
    case abi::Command::fail:
      return false;
  }
  return true;
}

}  // namespace

bool apply_commands(Context& context, int64_t now) {
  for (int i = 0; i < kCommandsPerPhase; i++) {
    const uint8_t* slot = context.commands.front();
    if (slot == nullptr) return true;
    const bool alive = apply_one(context, slot, now);
    context.commands.pop();
    context.count.commands++;
    if (!alive) return false;
  }
  return true;
}

}  // namespace engine
