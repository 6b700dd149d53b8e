// The memory that an engine shares with whoever commands it, for programs without Node: benches and
// tests. Comes page by page, as the sizes are bounds.
#pragma once

#include "base/mapped.h"
#include "engine/engine.h"

namespace bench {

struct EngineMemorySizes {
  uint32_t legs = 0;
  size_t command_slots = 1024;
  size_t event_slots = 65536;
  size_t prompt_bytes = 4096;
  size_t recordings = 0;
  size_t recording_bytes = 0;
};

struct EngineMemory {
  explicit EngineMemory(const EngineMemorySizes& sizes)
      : commands(abi::kRingHeaderBytes + sizes.command_slots * abi::kCommandSlotBytes),
        events(abi::kRingHeaderBytes + sizes.event_slots * abi::kEventSlotBytes),
        statistics(sizeof(abi::WorkerRecord) + sizes.legs * sizeof(abi::LegRecord)),
        prompts(sizes.prompt_bytes),
        recordings(sizes.recordings * sizes.recording_bytes),
        recording_count(sizes.recordings) {}

  engine::SharedMemory view() {
    engine::SharedMemory memory;
    memory.commands = commands.data();
    memory.command_bytes = commands.size();
    memory.events = events.data();
    memory.event_bytes = events.size();
    memory.statistics = statistics.data();
    memory.prompts = prompts.data();
    memory.prompt_bytes = prompts.size();
    memory.recordings = recordings.data();
    memory.recording_bytes = recording_count == 0 ? 0 : recordings.size() / recording_count;
    memory.recording_count = static_cast<uint32_t>(recording_count);
    return memory;
  }

  base::Mapped<uint8_t> commands;
  base::Mapped<uint8_t> events;
  base::Mapped<uint8_t> statistics;
  base::Mapped<uint8_t> prompts;
  base::Mapped<uint8_t> recordings;
  size_t recording_count;
};

}  // namespace bench
