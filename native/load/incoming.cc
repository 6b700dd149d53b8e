// What the driver hears: receives in batches, follows each stream, keeps what a measurement wants.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "driver.h"

namespace load {

void Driver::prepare_buffers() {
  for (int n = 0; n < kBatch; ++n) {
    vectors_[n] = {incoming_[n], sizeof incoming_[n]};
    messages_[n].msg_hdr = {};
    messages_[n].msg_hdr.msg_iov = &vectors_[n];
    messages_[n].msg_hdr.msg_iovlen = 1;
  }
}

void Driver::drain() {
  for (Leg& leg : legs_) {
    if (leg.active) receive(leg);
  }
}

/// When the kernel had a packet, by its own note beside it; 0: it has none.
int64_t Driver::arrival_of(msghdr& header) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamp;
    std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
    return stamp.tv_sec * 1'000'000'000LL + stamp.tv_nsec;
  }
  return 0;
}

/// Room for twice what is due: a socket is rarely asked a second time.
void Driver::receive(Leg& leg) {
  int count = kBatch;
  while (count == kBatch) {
    for (int n = 0; n < kBatch; ++n) {
      messages_[n].msg_hdr.msg_control = leg.timed ? control_[n] : nullptr;
      messages_[n].msg_hdr.msg_controllen = leg.timed ? kControlBytes : 0;
    }
    count =
        static_cast<int>(syscall(SYS_recvmmsg, leg.fd, messages_, kBatch, MSG_DONTWAIT, nullptr));
    for (int n = 0; n < count; ++n) {
      const int64_t arrived_ns = leg.timed ? arrival_of(messages_[n].msg_hdr) : 0;
      take(leg, incoming_[n], static_cast<int>(messages_[n].msg_len), arrived_ns);
    }
  }
}

/// Counts what is wrong with the stream.
void Driver::follow(Leg& leg, const uint8_t* packet) {
  Counters& counters = leg.counters;
  const uint16_t sequence = get16(packet + 2);
  const uint32_t timestamp = get32(packet + 4);
  const uint32_t ssrc = get32(packet + 8);
  ++counters.received;
  if (leg.seen && ssrc == leg.ssrc) {
    const auto step = static_cast<int16_t>(sequence - leg.last_sequence);
    if (step > 1) counters.lost += static_cast<uint64_t>(step - 1);
    if (step <= 0) ++counters.reordered;
    const auto expected = static_cast<uint32_t>(step) * sound_.timestamp_step();
    if (timestamp - leg.last_timestamp != expected) ++counters.timestamp_errors;
  } else if (leg.seen) {
    ++counters.ssrc_changes;
  }
  leg.seen = true;
  leg.ssrc = ssrc;
  leg.last_sequence = sequence;
  leg.last_timestamp = timestamp;
}

void Driver::take(Leg& leg, const uint8_t* packet, int length, int64_t arrived_ns) {
  // RTCP beside RTP on one port (RFC 5761 section 4).
  if (length >= 8 && packet[1] >= 192 && packet[1] <= 223) {
    ++leg.counters.rtcp;
    return;
  }
  int header = kHeaderBytes + 4 * (packet[0] & 0x0f);
  if ((packet[0] & 0x10) != 0 && length >= header + 4) header += 4 + 4 * get16(packet + header + 2);
  const int payload_bytes = length - header;
  if (payload_bytes < 1 || payload_bytes > sound_.max_payload() || (packet[0] & 0xc0) != 0x80 ||
      (packet[1] & 0x7f) != leg.payload_type) {
    // A key press or comfort noise is not expected from the far end while we measure.
    ++leg.counters.malformed;
    return;
  }
  follow(leg, packet);
  if (phase_ == Phase::idle || !leg.measured) return;
  Capture& capture = captures_[static_cast<size_t>(leg.index)];
  if (phase_ == Phase::tones && capture.frames < kCaptureFrames) {
    const auto slot = static_cast<size_t>(capture.frames++);
    std::memcpy(capture.bytes.data() + slot * static_cast<size_t>(sound_.max_payload()),
                packet + header, static_cast<size_t>(payload_bytes));
    capture.lengths[slot] = static_cast<uint16_t>(payload_bytes);
  }
  if (phase_ == Phase::delay && leg.timed && capture.arrived < capture.arrivals.size()) {
    Arrival& arrival = capture.arrivals[capture.arrived++];
    arrival.realtime_ns = arrived_ns;
    arrival.bytes = payload_bytes;
    std::memcpy(arrival.payload, packet + header, static_cast<size_t>(payload_bytes));
  }
}

}  // namespace load
