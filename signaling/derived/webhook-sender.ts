/** One POST to an endpoint: bounded in time and size, to where the policy lets it, and never redirected. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '../../common/clock.ts';
import { checkedLookup, checkTarget, type TargetPolicy } from './webhook-target.ts';

export interface Delivery {
  readonly url: string;
  readonly id: string;
  readonly timestampS: number;
  readonly signature: string;
  readonly body: string;
}

export type DeliveryOutcome =
  | { readonly kind: 'taken'; readonly status: number }
  /** 410: the receiver wants no more of it. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly why: string; readonly retryAfterMs?: number };

export interface WebhookSender {
  send(delivery: Delivery): Promise<DeliveryOutcome>;
  close(): void;
}

export interface SenderOptions {
  readonly policy: TargetPolicy;
  readonly clock: Clock;
  /** For all of it: lookup, connection, answer. */
  readonly timeoutMs: number;
}

/** Of an answer nothing is wanted but its status. */
const READ_BYTES = 16 * 1024;
const LONGEST_RETRY_AFTER_MS = 3_600_000;

export function createWebhookSender({ policy, clock, timeoutMs }: SenderOptions): WebhookSender {
  const kept = { keepAlive: true, maxSockets: 16, maxTotalSockets: 256 };
  const agents = { http: new HttpAgent(kept), https: new HttpsAgent(kept) };
  const lookup = checkedLookup(policy);
  const post = (url: URL, delivery: Delivery): Promise<DeliveryOutcome> =>
    new Promise((resolve) => {
      const isSecure = url.protocol === 'https:';
      const body = Buffer.from(delivery.body);
      const request = (isSecure ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent: isSecure ? agents.https : agents.http,
        lookup,
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          'user-agent': 'minusone-webhook',
          'webhook-id': delivery.id,
          'webhook-timestamp': String(delivery.timestampS),
          'webhook-signature': delivery.signature,
        },
      });
      const timer = clock.after(timeoutMs, () =>
        request.destroy(new Error(`no answer in ${timeoutMs} ms`)),
      );
      const settle = (outcome: DeliveryOutcome): void => {
        timer.cancel();
        resolve(outcome);
      };
      request.on('error', (error) => settle({ kind: 'failed', why: error.message }));
      request.on('response', (response) => {
        let read = 0;
        response.on('data', (chunk: Buffer) => {
          read += chunk.length;
          if (read > READ_BYTES) request.destroy();
        });
        const status = response.statusCode ?? 0;
        const done = (): void => settle(outcomeOf(status, response.headers['retry-after']));
        response.on('end', done);
        // Cut off after the status: it counts.
        response.on('close', done);
        response.on('error', done);
      });
      request.end(body);
    });
  return {
    async send(delivery) {
      // Once more: the list may have changed since the endpoint was made.
      const url = checkTarget(delivery.url, policy);
      return url.ok ? post(url.value, delivery) : { kind: 'failed', why: url.error.message };
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

function outcomeOf(status: number, retryAfter: string | undefined): DeliveryOutcome {
  if (status >= 200 && status < 300) return { kind: 'taken', status };
  if (status === 410) return { kind: 'gone' };
  const why = status >= 300 && status < 400 ? `redirected (${status})` : `status ${status}`;
  const seconds = Number(retryAfter);
  return retryAfter === undefined || !Number.isFinite(seconds) || seconds < 0
    ? { kind: 'failed', why }
    : { kind: 'failed', why, retryAfterMs: Math.min(seconds * 1000, LONGEST_RETRY_AFTER_MS) };
}
