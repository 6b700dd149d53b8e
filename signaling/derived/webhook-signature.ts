/**
 * Signatures of webhooks, as https://www.standardwebhooks.com describes them, so that receivers may use
 * any of its libraries: HMAC-SHA256 over `ID.TIMESTAMP.BODY` with the bytes behind `whsec_`.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Random } from '../../common/ids.ts';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

export function newSecret(random: Random): string {
  return PREFIX + Buffer.from(random.bytes(SECRET_BYTES)).toString('base64');
}

export function sign(secret: string, id: string, timestampS: number, body: string): string {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  const hmac = createHmac('sha256', key).update(`${id}.${timestampS}.${body}`);
  return `v1,${hmac.digest('base64')}`;
}

/** How far a receiver lets the timestamp be off: what is older may be a replay. */
export const REPLAY_WINDOW_S = 300;

/** The receiver's side, for tests and as an example. */
export function verify(
  secret: string,
  headers: { readonly id: string; readonly timestamp: string; readonly signature: string },
  body: string,
  nowMs: number,
): 'valid' | 'replay' | 'wrong' {
  const timestampS = Number(headers.timestamp);
  const given = Buffer.from(headers.signature);
  const expected = Buffer.from(sign(secret, headers.id, timestampS, body));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'wrong';
  return Math.abs(nowMs / 1000 - timestampS) > REPLAY_WINDOW_S ? 'replay' : 'valid';
}
