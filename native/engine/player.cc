#include "engine/player.h"

#include <algorithm>
#include <cstring>

namespace engine {
namespace {

void finish(Context& context, Leg& leg, Player& player, abi::PlayEnd end) {
  if (!player.active) return;
  player.active = false;
  abi::PlayFinishedEvent event{};
  event.leg = leg.handle;
  event.playback = player.playback;
  event.end = static_cast<uint8_t>(end);
  context.post(event);
}

struct Piece {
  const int16_t* samples;
  uint32_t count;
};

/** The piece at the player's index. A list that points outside the arena gives nothing. */
Piece piece_of(const Context& context, const Player& player) {
  const size_t at =
      static_cast<size_t>(player.list) + static_cast<size_t>(player.index) * abi::kPromptEntryBytes;
  const SharedMemory& memory = context.memory;
  if (at + abi::kPromptEntryBytes > memory.prompt_bytes) return {nullptr, 0};
  uint32_t entry[2];  // byte offset, samples
  std::memcpy(entry, memory.prompts + at, sizeof entry);
  if ((entry[0] & 1) != 0 ||
      static_cast<size_t>(entry[0]) + static_cast<size_t>(entry[1]) * 2 > memory.prompt_bytes) {
    return {nullptr, 0};
  }
  return {reinterpret_cast<const int16_t*>(memory.prompts + entry[0]), entry[1]};
}

int16_t scaled(int16_t sample, int32_t gain_q14) {
  const int64_t value = (static_cast<int64_t>(sample) * gain_q14 + (1 << 13)) >> 14;
  return static_cast<int16_t>(std::clamp<int64_t>(value, -32768, 32767));
}

}  // namespace

void start_player(Context& context, Leg& leg, const abi::PlayCommand& command) {
  Player& player =
      command.mode == static_cast<uint8_t>(abi::PlayMode::mix) ? leg.mixed : leg.replace;
  finish(context, leg, player, abi::PlayEnd::stopped);
  player.playback = command.playback;
  player.list = command.list_offset;
  player.count = command.count;
  player.index = 0;
  player.position = 0;
  player.loop = command.loop != 0;
  player.gain_q14 = gain_of(command.gain);
  player.active = true;
  if (player.count == 0) finish(context, leg, player, abi::PlayEnd::played);
}

void stop_players(Context& context, Leg& leg, uint32_t playback) {
  for (Player* player : {&leg.replace, &leg.mixed}) {
    if (playback == 0 || player->playback == playback) {
      finish(context, leg, *player, abi::PlayEnd::stopped);
    }
  }
}

int32_t gain_of(float gain) {
  return static_cast<int32_t>(std::clamp(gain, 0.0f, 16.0f) * static_cast<float>(1 << 14));
}

void read_player(Context& context, Leg& leg, Player& player, int16_t* out, uint32_t samples) {
  if (!player.active) {
    std::memset(out, 0, samples * sizeof(int16_t));
    return;
  }
  fill_from(context, player, out, samples);
  if (player.active) return;
  player.active = true;
  finish(context, leg, player, abi::PlayEnd::played);
}

void fill_from(const Context& context, Player& player, int16_t* out, uint32_t samples) {
  uint32_t filled = 0;
  // An empty piece moves on too; a loop over nothing but empty ones ends with the frame.
  uint32_t moves = 0;
  while (filled < samples && player.active && moves <= player.count + 64) {
    const Piece piece = piece_of(context, player);
    const uint32_t left = piece.count > player.position ? piece.count - player.position : 0;
    const uint32_t taken = std::min(left, samples - filled);
    const int16_t* from = piece.samples + player.position;
    if (player.gain_q14 == 1 << 14) {
      if (taken > 0) std::memcpy(out + filled, from, taken * sizeof(int16_t));
    } else {
      for (uint32_t i = 0; i < taken; i++) out[filled + i] = scaled(from[i], player.gain_q14);
    }
    filled += taken;
    player.position += taken;
    if (player.position < piece.count) break;
    player.position = 0;
    player.index++;
    moves++;
    if (player.index < player.count) continue;
    player.index = 0;
    if (!player.loop) player.active = false;
  }
  std::memset(out + filled, 0, (samples - filled) * sizeof(int16_t));
}

}  // namespace engine
