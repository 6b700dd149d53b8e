// rtp_load: the media side of `npm run bench -- load`. bench/load.ts does the signaling and tells
// it where each leg goes; results come back as JSON lines. See driver.h and commands.cc.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "driver.h"

int main(int count, char** arguments) {
  load::Options options;
  load::ImpairmentOptions& network = options.impairment;
  for (int index = 1; index + 1 < count; index += 2) {
    const char* const name = arguments[index];
    const char* const value = arguments[index + 1];
    const auto is = [&](const char* wanted) { return std::strcmp(name, wanted) == 0; };
    if (is("--legs")) {
      options.legs = std::atoi(value);
    } else if (is("--address")) {
      options.address = value;
    } else if (is("--base-port")) {
      options.base_port = static_cast<uint16_t>(std::atoi(value));
    } else if (is("--port-step")) {
      options.port_step = std::atoi(value);
    } else if (is("--cpu")) {
      options.cpu = std::atoi(value);
    } else if (is("--talker-dbfs")) {
      options.talker_dbfs = std::atof(value);
    } else if (is("--codec")) {
      options.codec = value;
    } else if (is("--talkers")) {
      options.talkers = std::atoi(value);
    } else if (is("--turn-ms")) {
      options.turn_ms = std::atoi(value);
    } else if (is("--loss")) {
      network.loss = std::atof(value);
    } else if (is("--duplicate")) {
      network.duplicate = std::atof(value);
    } else if (is("--reorder")) {
      network.reorder = std::atof(value);
    } else if (is("--jitter-ms")) {
      network.jitter_ms = std::atoi(value);
    } else {
      std::fprintf(stderr, "unknown option %s; expected those of bench/rtp-driver.ts\n", name);
      return 2;
    }
  }
  if (options.legs < 1 || options.legs > 19000) {
    std::fprintf(stderr, "--legs: expected 1 to 19000, got %d\n", options.legs);
    return 2;
  }
  if (options.talkers < 1) options.talkers = 1;
  if (options.port_step < 1) options.port_step = 2;
  load::Driver driver(options);
  if (!driver.open()) return 1;
  driver.run();
  return 0;
}
