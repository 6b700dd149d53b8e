/** What a call costs the signaling thread, part by part, measured with the package `benchmark`. */
import Benchmark from 'benchmark';
import {
  COMMAND_SLOT_BYTES,
  RING_HEADER_BYTES,
  RING_READ_OFFSET,
  RING_WRITE_OFFSET,
  writeMuteCommand,
} from '../mixer/abi.gen.ts';
import { RingWriter } from '../mixer/ring.ts';
import { TELEPHONY_CODECS } from '../signaling/sdp/codec-selection.ts';
import { createNegotiation, receiveOffer } from '../signaling/sdp/offer-answer.ts';
import { parseMessage } from '../signaling/sip/parser.ts';
import { serializeMessage } from '../signaling/sip/serializer.ts';
import type { Kernel } from './micro.ts';

const OFFER = `${[
  'v=0',
  'o=- 3890844526 1 IN IP4 192.0.2.10',
  's=-',
  'c=IN IP4 192.0.2.10',
  't=0 0',
  'm=audio 20000 RTP/AVP 0 8 101',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=ptime:20',
  'a=sendrecv',
].join('\r\n')}\r\n`;

const INVITE = `${[
  'INVITE sip:conf=c0123456789ab@192.0.2.20:5070;conferee=p42 SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK776asdhds;rport',
  'Max-Forwards: 70',
  'From: "A caller" <sip:1001@192.0.2.10>;tag=1928301774',
  'To: <sip:conf=c0123456789ab@192.0.2.20:5070>',
  'Call-ID: a84b4c76e66710@192.0.2.10',
  'CSeq: 314159 INVITE',
  'Contact: <sip:1001@192.0.2.10:5060>',
  'Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS',
  'Supported: timer, 100rel',
  'Session-Expires: 1800',
  'Content-Type: application/sdp',
  `Content-Length: ${OFFER.length}`,
].join('\r\n')}\r\n\r\n${OFFER}`;

/** Seconds that each is repeated at the least. */
const MEASURED_S = 0.4;

export async function measureSignaling(filter: string | undefined): Promise<readonly Kernel[]> {
  const kernels: Kernel[] = [];
  for (const [name, run] of Object.entries(parts())) {
    if (filter !== undefined && !name.includes(filter)) continue;
    const benchmark = new Benchmark(name, run, {
      minTime: MEASURED_S / 10,
      maxTime: MEASURED_S,
      async: true,
    });
    await new Promise<void>((resolve) => {
      benchmark.on('complete', () => resolve()).run();
    });
    // The best sample: other work on the machine only ever adds.
    const samples: readonly number[] = benchmark.stats.sample;
    kernels.push({ name, variant: 'signaling', ns: Math.min(...samples) * 1e9 });
  }
  return kernels;
}

function parts(): Readonly<Record<string, () => void>> {
  const bytes = new TextEncoder().encode(INVITE);
  const parsed = parseMessage(bytes);
  if (!parsed.ok) throw new Error('the INVITE of the benchmark is not well-formed');
  const invite = parsed.value;
  const media = { address: '192.0.2.20', rtpPort: 30000, codecs: TELEPHONY_CODECS };
  const negotiation = createNegotiation('1');
  const memory = new SharedArrayBuffer(RING_HEADER_BYTES + 8192 * COMMAND_SLOT_BYTES);
  const ring = new RingWriter(memory, COMMAND_SLOT_BYTES);
  const positions = new Int32Array(memory, 0, RING_HEADER_BYTES / 4);
  return {
    'parse an INVITE': () => {
      parseMessage(bytes);
    },
    'serialize an INVITE': () => {
      serializeMessage(invite);
    },
    'answer an offer': () => {
      receiveOffer(negotiation, media, OFFER);
    },
    'write a command into the ring': () => {
      ring.write((view, at) => writeMuteCommand(view, at, { leg: 7, muted: 1 }));
      // Read at once, so that there is always room.
      Atomics.store(positions, RING_READ_OFFSET / 4, positions[RING_WRITE_OFFSET / 4] ?? 0);
    },
  };
}
