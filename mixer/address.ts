/** IP addresses as the engine has them: 4 or 16 bytes and the family. */
import { isIPv4, isIPv6 } from 'node:net';

export interface PackedAddress {
  /** 4 or 6; 0 is no address. */
  readonly family: 0 | 4 | 6;
  readonly bytes: Uint8Array;
}

export const NO_ADDRESS: PackedAddress = { family: 0, bytes: new Uint8Array(16) };

/** A host name, which media descriptions may hold but nobody sends, is no address here. */
export function packAddress(text: string): PackedAddress {
  if (isIPv4(text))
    return { family: 4, bytes: Uint8Array.from([...quad(text), ...Array<number>(12).fill(0)]) };
  if (isIPv6(text)) return { family: 6, bytes: packIpv6(text) };
  return NO_ADDRESS;
}

export function unpackAddress(family: number, bytes: Uint8Array): string {
  if (family === 4) return bytes.subarray(0, 4).join('.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const words = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2).toString(16));
  return words.join(':');
}

function quad(text: string): number[] {
  return text.split('.').map(Number);
}

function packIpv6(text: string): Uint8Array {
  const [address = ''] = text.split('%');
  const [head = '', tail] = address.split('::');
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const words = [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => {
    view.setUint16(index * 2, word);
  });
  return bytes;
}

function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = quad(group);
    return [a * 256 + b, c * 256 + d];
  });
}
