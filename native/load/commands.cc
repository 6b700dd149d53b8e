// Commands of the load driver, one a line on stdin:
//   leg INDEX ADDRESS PORT PAYLOAD_TYPE CONFERENCE MEMBER TONE MEASURED LEVEL_ID
//     starts sending; TONE -1: a listener; LEVEL_ID 0: without audio levels (RFC 6464)
//   drop INDEX                          stops sending
//   digits INDEX PAYLOAD_TYPE DIGITS    sends digits by RFC 4733
//   tones SECONDS, delay SECONDS        measures, then prints results
//   quit
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "driver.h"
#include "signal.h"

namespace load {

void Driver::poll_commands() {
  char buffer[4096];
  for (;;) {
    const ssize_t length = read(STDIN_FILENO, buffer, sizeof buffer);
    if (length == 0) stop_ = true;
    if (length <= 0) break;
    input_.append(buffer, static_cast<size_t>(length));
  }
  size_t begin = 0;
  for (size_t end = input_.find('\n'); end != std::string::npos; end = input_.find('\n', begin)) {
    command(std::string_view(input_).substr(begin, end - begin));
    begin = end + 1;
  }
  input_.erase(0, begin);
}

void Driver::command(std::string_view line) {
  const std::string text(line);
  int index = 0, payload_type = 0;
  double seconds = 0;
  char word[64];
  if (std::sscanf(text.c_str(), "tones %lf", &seconds) == 1) return begin_tones(seconds);
  if (std::sscanf(text.c_str(), "delay %lf", &seconds) == 1) return begin_delay(seconds);
  if (text == "quit") {
    stop_ = true;
    return;
  }
  if (text.starts_with("leg ")) return start_leg(line);
  const bool drop = std::sscanf(text.c_str(), "drop %d", &index) == 1;
  const bool digits =
      std::sscanf(text.c_str(), "digits %d %d %63s", &index, &payload_type, word) == 3;
  if ((drop || digits) && index >= 0 && static_cast<size_t>(index) < legs_.size()) {
    Leg& leg = legs_[static_cast<size_t>(index)];
    if (drop) leg.active = false;
    if (digits) {
      DigitQueue& queue = digits_[static_cast<size_t>(index)];
      queue.digits += word;
      queue.payload_type = static_cast<uint8_t>(payload_type);
      leg.has_digits = true;
    }
    return;
  }
  std::fprintf(stderr, "unknown command: %s\n", text.c_str());
}

void Driver::start_leg(std::string_view line) {
  const std::string text(line);
  int index = 0, port = 0, payload_type = 0, conference = 0, member = 0, tone = -1;
  int measured = 1, level_id = 0;
  char address[64];
  const int fields =
      std::sscanf(text.c_str(), "leg %d %63s %d %d %d %d %d %d %d", &index, address, &port,
                  &payload_type, &conference, &member, &tone, &measured, &level_id);
  sockaddr_in remote{};
  remote.sin_family = AF_INET;
  remote.sin_port = htons(static_cast<uint16_t>(port));
  if (fields != 9 || index < 0 || static_cast<size_t>(index) >= legs_.size() ||
      inet_pton(AF_INET, address, &remote.sin_addr) != 1) {
    std::fprintf(stderr, "bad leg command: %s\n", text.c_str());
    return;
  }
  Leg& leg = legs_[static_cast<size_t>(index)];
  if (connect(leg.fd, reinterpret_cast<sockaddr*>(&remote), sizeof remote) != 0) {
    std::fprintf(stderr, "leg %d: connect: %s\n", index, std::strerror(errno));
    return;
  }
  leg.payload_type = static_cast<uint8_t>(payload_type);
  leg.conference = conference;
  leg.member = member;
  leg.tone_hz = tone < 0 ? 0 : tone_hz(tone);
  leg.payload = tone < 0 ? &noise_ : &tones_[static_cast<size_t>(tone % kToneCount)];
  leg.measured = measured != 0;
  leg.level_id = static_cast<uint8_t>(level_id & 0x0f);
  leg.active = true;
}

}  // namespace load
