/** Phones in this process for tests of the page: real SIP and RTP, each hangs up when told. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  /** Once the call is over, whoever ended it. */
  readonly over: Promise<Heard>;
}

export interface Phones {
  /** Dials VRU number `vru` (0, 1, 2). */
  call(vru: number, options: Omit<PhoneOptions, 'target'> & { readonly dnis?: string }): Phone;
  close(): Promise<void>;
}

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

  const call: Phones['call'] = (vru, { dnis = '1000', ...options }) => {
    const record = join(folder, `${++count}.wav`);
    const stop = new AbortController();
    const target = `sip:${dnis}@127.0.0.1:${server.ports.sip + vru}`;
    const running = runPhone(
      { ...options, target, record, signal: stop.signal },
      { engine, clock, random, log },
    );
    const phone: Phone = {
      hangUp: () => stop.abort(),
      over: running.then((result) => {
        open.delete(phone);
        const audio = result.answered ? readWav(readFileSync(record)) : undefined;
        if (audio?.ok !== true) throw new Error(`no call: ${JSON.stringify(result)}`);
        return { ...result, audio: audio.value };
      }),
    };
    phone.over.catch(() => {});
    open.add(phone);
    return phone;
  };

  return {
    call,
    async close() {
      for (const phone of open) phone.hangUp();
      await Promise.allSettled([...open].map(({ over }) => over));
      await engine.close();
      await ports.release();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
