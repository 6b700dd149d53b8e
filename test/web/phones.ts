/**
 * Phones in this process for tests of the page: real SIP and RTP, each hangs up when told. Behind them are
 * quick thumbs, and people who dial again when the system says that it is busy.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { systemClock as clock } from '../../common/clock.ts';
import { systemRandom as random } from '../../common/ids.ts';
import { silentLogger as log } from '../../common/log.ts';
import { createMediaEngine } from '../../mixer/engine.ts';
import { type PhoneOptions, type PhoneResult, runPhone } from '../../vru/phone.ts';
import { readWav } from '../../vru/wav.ts';
import type { Audio } from '../audio/signals.ts';
import { claimPorts } from '../e2e/ports.ts';
import type { Server } from '../e2e/server.ts';

export interface Heard extends PhoneResult {
  readonly audio: Audio;
}

export interface Phone {
  hangUp(): void;
  /** Presses keys now: what is waited for is seen or heard, not timed. */
  press(keys: string): void;
  /** Once the call is over, whoever ended it. */
  readonly over: Promise<Heard>;
}

export interface Phones {
  /** Dials VRU number `vru` (0, 1, 2). */
  call(vru: number, options: Omit<PhoneOptions, 'target'> & { readonly dnis?: string }): Phone;
  /** Nobody is on the line any more. */
  hangUpAll(): Promise<void>;
  close(): Promise<void>;
}

/** Digits come before the prompt, which is interrupted; a press is long enough for any receiver. */
const THUMBS = { dtmfDelayMs: 300, dtmfDurationMs: 80 };
/** 503 with Retry-After, as while a stalled machine takes nobody (R45). */
const TRIES = 10;
const REDIAL_MS = 1_000;

export async function openPhones(server: Server): Promise<Phones> {
  const ports = await claimPorts();
  const portRange = { min: ports.rtpMin, max: ports.rtpMax };
  const made = await createMediaEngine({
    workers: 1,
    localAddress: '127.0.0.1',
    portRange,
    clock,
    log,
  });
  if (!made.ok) throw made.error;
  const engine = made.value;
  const folder = mkdtempSync(join(tmpdir(), 'minusone-phones-'));
  const open = new Set<Phone>();
  let count = 0;

  async function dial(options: PhoneOptions, signal: AbortSignal): Promise<Heard> {
    for (let tries = 1; ; tries++) {
      const record = join(folder, `${++count}.wav`);
      const result = await runPhone(
        { ...THUMBS, ...options, record, signal },
        { engine, clock, random, log },
      );
      const audio = result.answered ? readWav(readFileSync(record)) : undefined;
      if (audio?.ok === true) return { ...result, audio: audio.value };
      if (result.status !== 503 || tries === TRIES || signal.aborted) {
        throw new Error(`no call: ${JSON.stringify(result)}`);
      }
      console.warn(`${options.from} dials again after ${result.status} ${result.reason}`);
      await clock.sleep(REDIAL_MS);
    }
  }

  const call: Phones['call'] = (vru, { dnis = '1000', ...options }) => {
    const stop = new AbortController();
    const keypad = new PassThrough({ objectMode: true });
    const target = `sip:${dnis}@127.0.0.1:${server.ports.sip + vru}`;
    const over = dial({ ...options, target, moreDtmf: keypad }, stop.signal);
    const phone: Phone = {
      hangUp: () => stop.abort(),
      press: (keys) => void keypad.write(keys),
      over: over.finally(() => open.delete(phone)),
    };
    phone.over.catch(() => {});
    open.add(phone);
    return phone;
  };

  async function hangUpAll(): Promise<void> {
    for (const phone of open) phone.hangUp();
    await Promise.allSettled([...open].map(({ over }) => over));
  }

  return {
    call,
    hangUpAll,
    async close() {
      await hangUpAll();
      await engine.close();
      await ports.release();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
