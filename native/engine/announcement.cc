#include "engine/announcement.h"

#include <algorithm>
#include <cstring>

#include "engine/player.h"

namespace engine {
namespace {

bool runs(const Announcement& announcement) {
  return std::any_of(announcement.players, announcement.players + kMixRates,
                     [](const Player& player) { return player.active; });
}

void finish(Context& context, Conference& conference, abi::PlayEnd end) {
  Announcement& announcement = conference.announcement;
  if (!announcement.active) return;
  announcement.active = false;
  for (Player& player : announcement.players) player.active = false;
  abi::AnnouncedEvent event{};
  event.conference = conference.handle;
  event.playback = announcement.playback;
  event.end = static_cast<uint8_t>(end);
  context.post(event);
}

}  // namespace

void start_announcement(Context& context, Conference& conference,
                        const abi::AnnounceCommand& command) {
  finish(context, conference, abi::PlayEnd::stopped);
  Announcement& announcement = conference.announcement;
  announcement.playback = command.playback;
  announcement.active = true;
  const uint32_t lists[kMixRates] = {command.list8, command.list16, command.list48};
  const uint32_t counts[kMixRates] = {command.count8, command.count16, command.count48};
  for (uint32_t lane = 0; lane < kMixRates; lane++) {
    Player& player = announcement.players[lane];
    player = Player{};
    player.list = lists[lane];
    player.count = counts[lane];
    player.gain_q14 = gain_of(command.gain);
    player.active = player.count > 0;
  }
  if (!runs(announcement)) finish(context, conference, abi::PlayEnd::played);
}

void stop_announcement(Context& context, Conference& conference, uint32_t playback) {
  if (playback == 0 || conference.announcement.playback == playback) {
    finish(context, conference, abi::PlayEnd::stopped);
  }
}

bool add_announcement(Context& context, Conference& conference, uint32_t lanes_present,
                      uint32_t& lanes_used) {
  Announcement& announcement = conference.announcement;
  if (!announcement.active) return false;
  Scratch& scratch = context.scratch();
  bool added = false;
  for (uint32_t lane = 0; lane < kMixRates; lane++) {
    Player& player = announcement.players[lane];
    if (!player.active) continue;
    const uint32_t samples = kLaneRates[lane] / kTicksPerSecond;
    // Also where nobody listens any more, so that all rates end together.
    fill_from(context, player, scratch.frame_e, samples);
    if ((lanes_present & (1u << lane)) == 0) continue;
    if ((lanes_used & (1u << lane)) == 0) {
      lanes_used |= 1u << lane;
      std::memset(scratch.sums[lane], 0, samples * sizeof(int32_t));
    }
    context.kernels.accumulate(scratch.sums[lane], scratch.frame_e, static_cast<int>(samples));
    added = true;
  }
  if (!runs(announcement)) finish(context, conference, abi::PlayEnd::played);
  return added;
}

}  // namespace engine
