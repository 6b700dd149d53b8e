/**
 * A peer for tests: a UDP socket that sends and receives RTP with PCMU or PCMA on the loopback, at real time.
 * Signals are functions of the sample number, so that what comes back can be compared.
 */
import { createSocket, type Socket } from 'node:dgram';
import { systemClock, type Timer } from '../common/clock.ts';
import type { MediaParameters } from './media.ts';

export interface ReceivedPacket {
  readonly atMs: number;
  readonly marker: boolean;
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly contributors: readonly number[];
  readonly payload: Buffer;
}

export const FRAME_SAMPLES = 160;
export const EVENT_PAYLOAD_TYPE = 101;

export function toneOf(hz: number, amplitude: number, rateHz = 8000): (sample: number) => number {
  return (sample) => amplitude * Math.sin((2 * Math.PI * hz * sample) / rateHz);
}

export class TestPeer {
  readonly received: ReceivedPacket[] = [];
  readonly rtcp: Buffer[] = [];
  readonly ssrc: number;
  readonly #rtp: Socket;
  readonly #rtcpSocket: Socket;
  #target = { address: '127.0.0.1', port: 0 };
  #sequence = 100;
  #timestamp = 5000;
  #sample = 0;
  #timer: Timer | null = null;

  private constructor(rtp: Socket, rtcp: Socket, ssrc: number) {
    this.#rtp = rtp;
    this.#rtcpSocket = rtcp;
    this.ssrc = ssrc;
    rtp.on('message', (bytes) => this.received.push(parse(bytes)));
    rtcp.on('message', (bytes) => this.rtcp.push(bytes));
  }

  static async open(ssrc = 0x1234): Promise<TestPeer> {
    return new TestPeer(await bound(), await bound(), ssrc);
  }

  get port(): number {
    return this.#rtp.address().port;
  }

  /** Parameters for a leg of ours that talks with this peer. */
  parameters(overrides: Partial<MediaParameters> = {}): MediaParameters {
    const pcmu = { name: 'PCMU', payloadType: 0, clockRateHz: 8000, channels: 1 } as const;
    const pcma = { name: 'PCMA', payloadType: 8, clockRateHz: 8000, channels: 1 } as const;
    return {
      remote: { address: '127.0.0.1', port: this.port },
      remoteRtcpPort: this.#rtcpSocket.address().port,
      send: pcmu,
      receive: [pcmu, pcma],
      telephoneEvent: {
        sendPayloadType: EVENT_PAYLOAD_TYPE,
        receivePayloadTypes: [EVENT_PAYLOAD_TYPE],
      },
      comfortNoisePayloadType: null,
      ptimeMs: 20,
      direction: 'sendrecv',
      ...overrides,
    };
  }

  /** Sends a packet every 20 ms from now on, but for those that are lost, counted from 0. */
  talk(
    port: number,
    signal: (sample: number) => number,
    isLost: (packet: number) => boolean = () => false,
  ): void {
    this.#target = { address: '127.0.0.1', port };
    this.quiet();
    const originMs = systemClock.nowMs();
    let sent = 0;
    this.#timer = systemClock.every(5, () => {
      for (; sent < (systemClock.nowMs() - originMs) / 20; sent++) {
        if (isLost(sent)) this.#skipFrame();
        else this.#sendFrame(signal);
      }
    });
  }

  quiet(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** One packet of anything. */
  send(port: number, payloadType: number, payload: Uint8Array, timestamp?: number): void {
    const header = Buffer.alloc(12);
    header[0] = 0x80;
    header[1] = payloadType;
    header.writeUInt16BE(this.#sequence++ & 0xffff, 2);
    header.writeUInt32BE((timestamp ?? this.#timestamp) >>> 0, 4);
    header.writeUInt32BE(this.ssrc, 8);
    this.#rtp.send(Buffer.concat([header, payload]), port, '127.0.0.1');
  }

  raw(port: number, bytes: Uint8Array): void {
    this.#rtp.send(bytes, port, '127.0.0.1');
  }

  /** A key press as RFC 4733 has it: two packets and three ends, all at one time stamp. */
  press(port: number, event: number, durationUnits = 800): void {
    const timestamp = this.#timestamp;
    const part = (flags: number, duration: number): Uint8Array =>
      Uint8Array.of(event, flags | 10, duration >> 8, duration & 0xff);
    for (const duration of [160, durationUnits]) {
      this.send(port, EVENT_PAYLOAD_TYPE, part(0, duration), timestamp);
    }
    for (let i = 0; i < 3; i++) {
      this.send(port, EVENT_PAYLOAD_TYPE, part(0x80, durationUnits), timestamp);
    }
    this.#timestamp += durationUnits;
  }

  /** What was received as audio, in order of sequence, decoded. */
  audio(from = 0): Int16Array {
    const packets = this.received
      .slice(from)
      .filter((packet) => packet.payloadType === 0 || packet.payloadType === 8);
    return Int16Array.from(
      packets.flatMap((packet) =>
        [...packet.payload].map((code) =>
          packet.payloadType === 0 ? fromUlaw(code) : fromAlaw(code),
        ),
      ),
    );
  }

  close(): void {
    this.quiet();
    this.#rtp.close();
    this.#rtcpSocket.close();
  }

  #skipFrame(): void {
    this.#sequence++;
    this.#sample += FRAME_SAMPLES;
    this.#timestamp += FRAME_SAMPLES;
  }

  #sendFrame(signal: (sample: number) => number): void {
    const payload = Uint8Array.from({ length: FRAME_SAMPLES }, (_, i) =>
      toUlaw(Math.round(signal(this.#sample + i))),
    );
    this.#sample += FRAME_SAMPLES;
    this.send(this.#target.port, 0, payload);
    this.#timestamp += FRAME_SAMPLES;
  }
}

/** Level of one frequency in dB over an amplitude of 32767. */
export function levelOf(samples: Int16Array, hz: number, rateHz = 8000): number {
  let real = 0;
  let imaginary = 0;
  samples.forEach((sample, index) => {
    // Hann window: a neighbouring tone must not leak into this one.
    const window = 1 - Math.cos((2 * Math.PI * index) / samples.length);
    const angle = (2 * Math.PI * hz * index) / rateHz;
    real += sample * window * Math.cos(angle);
    imaginary += sample * window * Math.sin(angle);
  });
  const amplitude = (2 * Math.hypot(real, imaginary)) / samples.length;
  return 20 * Math.log10(Math.max(amplitude, 1e-6) / 32767);
}

export function toUlaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const value = Math.min(32635, Math.abs(sample)) + 132;
  const exponent = Math.floor(Math.log2(value)) - 7;
  return ~(sign | (exponent << 4) | ((value >> (exponent + 3)) & 15)) & 0xff;
}

export function fromUlaw(code: number): number {
  const bits = ~code & 0xff;
  const value = ((((bits & 15) << 3) + 132) << ((bits >> 4) & 7)) - 132;
  return (bits & 0x80) !== 0 ? -value : value;
}

function fromAlaw(code: number): number {
  const bits = code ^ 0x55;
  const segment = (bits >> 4) & 7;
  const mantissa = ((bits & 15) << 4) + 8 + (segment > 0 ? 256 : 0);
  const value = segment > 1 ? mantissa << (segment - 1) : mantissa;
  return (bits & 0x80) !== 0 ? value : -value;
}

function parse(bytes: Buffer): ReceivedPacket {
  const count = (bytes[0] ?? 0) & 15;
  return {
    atMs: systemClock.nowMs(),
    marker: ((bytes[1] ?? 0) & 0x80) !== 0,
    payloadType: (bytes[1] ?? 0) & 0x7f,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    ssrc: bytes.readUInt32BE(8),
    contributors: Array.from({ length: count }, (_, i) => bytes.readUInt32BE(12 + 4 * i)),
    payload: bytes.subarray(12 + 4 * count),
  };
}

function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.bind(0, '127.0.0.1', () => resolve(socket));
  });
}
