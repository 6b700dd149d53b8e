// rtp_load: the media side of `npm run bench -- load`. bench/load.ts does the signaling and tells
// it where each leg goes; results come back as JSON lines. See driver.h and commands.cc.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "driver.h"

int main(int count, char** arguments) {
  load::Options options;
  for (int index = 1; index + 1 < count; index += 2) {
    const char* const name = arguments[index];
    const char* const value = arguments[index + 1];
    if (std::strcmp(name, "--legs") == 0) {
      options.legs = std::atoi(value);
    } else if (std::strcmp(name, "--address") == 0) {
      options.address = value;
    } else if (std::strcmp(name, "--base-port") == 0) {
      options.base_port = static_cast<uint16_t>(std::atoi(value));
    } else if (std::strcmp(name, "--cpu") == 0) {
      options.cpu = std::atoi(value);
    } else if (std::strcmp(name, "--talker-dbfs") == 0) {
      options.talker_dbfs = std::atof(value);
    } else if (std::strcmp(name, "--codec") == 0) {
      options.codec = value;
    } else {
      std::fprintf(stderr,
                   "unknown option %s; expected --legs, --address, --base-port, --cpu, "
                   "--talker-dbfs or --codec\n",
                   name);
      return 2;
    }
  }
  if (options.legs < 1 || options.legs > 9000) {
    std::fprintf(stderr, "--legs: expected 1 to 9000, got %d\n", options.legs);
    return 2;
  }
  load::Driver driver(options);
  if (!driver.open()) return 1;
  driver.run();
  return 0;
}
