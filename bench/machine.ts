/** What the figures were measured on; without it they say nothing. */
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  readonly system: string;
  /** ISO 8601. */
  readonly date: string;
}

export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    system: systemName(),
    date: new Date().toISOString(),
  };
}

export function machineText(machine: Machine): string {
  const { processors, processor, memoryGib, kernel, system, node } = machine;
  return `${processors} × ${processor}, ${memoryGib} GiB, ${system}, kernel ${kernel}, Node ${node}`;
}

function systemName(): string {
  try {
    return (
      /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'
    );
  } catch {
    // A system without that file is named by its kernel.
    return process.platform;
  }
}
