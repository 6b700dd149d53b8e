/** Which role of a process listens where: the one place that knows the rule (docs/configuration.md). */
import type { Config } from './config.ts';

export interface Address {
  readonly address: string;
  readonly port: number;
}

/** Mixers start so many ports above the first VRU. */
export const MIXER_PORT_OFFSET = 10;

/** `127.0.0.1:5060`, `[::1]:5060`. */
export function hostPort({ address, port }: Address): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** One entry a mixer of this process, in the order in which they get their ports. */
export function mixerClasses(config: Config): readonly string[] {
  return config.mixer.groups.flatMap((group) =>
    Array.from({ length: group.count }, () => group.class),
  );
}

/** What mixer `index` of this process is configured with. */
export function mixerGroup(config: Config, index: number): Config['mixer']['groups'][number] {
  const all = config.mixer.groups.flatMap((group) =>
    Array.from({ length: group.count }, () => group),
  );
  const found = all[index];
  if (found === undefined) throw new RangeError(`there is no mixer ${index}`);
  return found;
}

/** VRU 0 is on `sip.port`, VRU 1 on the next port … */
export function vruAddress(config: Config, index: number): Address {
  return { address: config.sip.address, port: config.sip.port + index };
}

/** Mixer 0 is on `sip.port` + 10, mixer 1 on the next port … */
export function mixerAddress(config: Config, index: number): Address {
  return { address: config.sip.address, port: config.sip.port + MIXER_PORT_OFFSET + index };
}

export interface PortRange {
  /** Even. */
  readonly portMin: number;
  /** Odd. */
  readonly portMax: number;
}

/** Part `index` of `count` equal parts of the RTP range, each of whole even/odd pairs. */
export function rtpRange(config: Config, index: number, count: number): PortRange {
  const pairs = Math.floor((config.media.portMax - config.media.portMin + 1) / 2);
  const share = Math.floor(pairs / count);
  const portMin = config.media.portMin + index * share * 2;
  return { portMin, portMax: portMin + share * 2 - 1 };
}
