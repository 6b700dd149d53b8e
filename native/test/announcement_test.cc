#include <algorithm>
#include <cstring>
#include <vector>

#include "test/engine_tests.h"
#include "test/room.h"

using test::companded;
using test::Fixture;
using test::Frame;
using test::kFrame;
using test::peak;
using test::Room;
using test::tone;

namespace {

/** A prompt of one value at 8 kHz, its list, and the command that announces it. */
abi::AnnounceCommand prompt(Fixture& f, int16_t value, uint32_t samples) {
  auto* pcm = reinterpret_cast<int16_t*>(f.prompts() + 64);
  for (uint32_t i = 0; i < samples; i++) pcm[i] = value;
  const uint32_t list[2] = {64, samples};
  std::memcpy(f.prompts() + 32768, list, sizeof list);
  abi::AnnounceCommand announce{};
  announce.conference = Fixture::handle(0);
  announce.playback = 7;
  announce.gain = 1.0f;
  announce.list8 = 32768;
  announce.count8 = 1;
  return announce;
}

int64_t count(const std::vector<int16_t>& pcm, int16_t value) {
  return std::count(pcm.begin(), pcm.end(), value);
}

}  // namespace

void announcement_heard_by_all(test::Context& t) {
  // A talker alone, and two listeners: all hear it, the talker without its own voice.
  Room room(3);
  room.frames[0] = tone(400, 6000);
  room.run(20);
  const int16_t value = companded(room.f, Frame(kFrame, 4000))[0];
  room.forget();
  room.f.command(prompt(room.f, value, 400));
  const uint64_t encoded = room.f.context().count.frames_encoded;
  room.run(5);
  EXPECT_EQUAL(t, count(room.heard(0), value), 400);
  const std::vector<int16_t> one = room.heard(1);
  EXPECT(t, one == room.heard(2));
  EXPECT(t, peak(one) > 9000);
  // One encode for the talker, as it hears something, and one for both listeners.
  EXPECT(t, room.f.context().count.frames_encoded - encoded <= 10);
  EXPECT(t, room.f.context().count.frames_shared > 0);
  abi::AnnouncedEvent event{};
  EXPECT(t, room.f.event(event));
  EXPECT_EQUAL(t, event.playback, 7u);
  EXPECT_EQUAL(t, event.end, static_cast<uint8_t>(abi::PlayEnd::played));
  // And nothing of it remains: the talker hears silence again.
  room.forget();
  room.run(3);
  EXPECT_EQUAL(t, peak(room.heard(0)), 0);
}

void announcement_ends(test::Context& t) {
  Room room(2);
  room.run(3);
  abi::AnnouncedEvent event{};
  // A new one ends the one before; so do a stop and the end of the conference.
  room.f.command(prompt(room.f, 4000, 8000));
  room.run(1);
  abi::AnnounceCommand second = prompt(room.f, 4000, 8000);
  second.playback = 8;
  room.f.command(second);
  room.run(1);
  EXPECT(t, room.f.event(event));
  EXPECT_EQUAL(t, event.playback, 7u);
  EXPECT_EQUAL(t, event.end, static_cast<uint8_t>(abi::PlayEnd::stopped));
  abi::StopAnnouncingCommand stop{};
  stop.conference = Fixture::handle(0);
  stop.playback = 8;
  room.f.command(stop);
  room.run(1);
  EXPECT(t, room.f.event(event));
  EXPECT_EQUAL(t, event.playback, 8u);
  // Nothing to play, and lists that point nowhere: over at once, nothing is read.
  abi::AnnounceCommand none = prompt(room.f, 4000, 80);
  none.count8 = 0;
  room.f.command(none);
  room.run(1);
  EXPECT(t, room.f.event(event));
  none.count8 = 1;
  none.list8 = 0xfffffff0;
  room.f.command(none);
  room.run(2);
  EXPECT(t, room.f.event(event));
  room.f.command(prompt(room.f, 4000, 8000));
  room.run(1);
  abi::CloseConferenceCommand close{};
  close.conference = Fixture::handle(0);
  room.f.command(close);
  room.run(1);
  EXPECT(t, room.f.event(event));
  EXPECT_EQUAL(t, event.end, static_cast<uint8_t>(abi::PlayEnd::stopped));
  // To a conference that is gone: answered, so that its prompts are freed.
  room.f.command(prompt(room.f, 4000, 80));
  room.run(1);
  EXPECT(t, room.f.event(event));
  EXPECT_EQUAL(t, event.end, static_cast<uint8_t>(abi::PlayEnd::stopped));
}
