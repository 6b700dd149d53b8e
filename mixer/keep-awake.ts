/**
 * Keeps the processors awake while there are legs. A processor that sleeps between two ticks wakes late: by
 * tens of microseconds on hardware, by up to tens of milliseconds in a virtual machine, where sleeping gives the
 * processor back to the host. The kernel's answer is a request for a latency of 0 µs that holds as long as the
 * file is open (Documentation/power/pm_qos_interface.rst); a process that dies cannot forget to take it back.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Logger } from '../common/log.ts';

const DEVICE = '/dev/cpu_dma_latency';

export class KeepAwake {
  readonly #log: Logger;
  readonly #path: string;
  #file: number | null = null;
  #refused = false;

  constructor(log: Logger, path = DEVICE) {
    this.#log = log;
    this.#path = path;
  }

  get holding(): boolean {
    return this.#file !== null;
  }

  /** Without the right to it, or where there is no such device, says so once and goes on without. */
  hold(): void {
    if (this.#file !== null || this.#refused) return;
    try {
      const file = openSync(this.#path, 'r+');
      writeSync(file, new Uint8Array(4));
      this.#file = file;
    } catch (error) {
      this.#refused = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.info(
        { reason },
        'processors may sleep between ticks: run as root or allow this file to make ticks punctual',
      );
    }
  }

  release(): void {
    if (this.#file === null) return;
    closeSync(this.#file);
    this.#file = null;
  }
}
