/**
 * Exchanges host codes for tokens, and makes guessing hopeless: every source waits longer after each
 * miss and is locked out in the end (fraud-shield.ts), one try of a source at a time, and the answer
 * is the same for a code that nobody has, one of participants, and any code while locked out.
 */
import type { Clock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import { networkOf } from '../../common/network.ts';
import type { Store } from '../../common/store/store.ts';
import { lookUpCode } from '../conference/accounts.ts';
import { type FraudAlarm, FraudShield } from '../conference/fraud-shield.ts';
import type { AccountRecord } from '../conference/messages.ts';
import type { HostTokens, IssuedToken } from './host-tokens.ts';

export type Exchange =
  | { readonly kind: 'token'; readonly account: AccountRecord; readonly issued: IssuedToken }
  | { readonly kind: 'refused' }
  /** This source has a try under way, or too many sources have. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'failed'; readonly error: MediaError };

export interface HostDesk {
  exchange(code: string, remoteAddress: string): Promise<Exchange>;
}

export interface HostDeskOptions {
  readonly store: Store;
  readonly tokens: HostTokens;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly onAlarm: (alarm: FraudAlarm) => void;
}

/** Sources that wait for an answer at the same time; each holds one request open for up to 8 s. */
const MAX_WAITING = 512;

export function createHostDesk(options: HostDeskOptions): HostDesk {
  const { store, tokens, clock, log, metrics } = options;
  const outcomes = metrics.counter(
    'minusone_host_sessions_total',
    'Host codes given to the API, by outcome.',
    ['outcome'],
  );
  const shield = new FraudShield({
    clock,
    onAlarm: (alarm) => {
      log.warn({ alarm }, 'host codes are being guessed over the API');
      options.onAlarm(alarm);
    },
  });
  const underWay = new Set<string>();

  const look = async (code: string, caller: string): Promise<Exchange> => {
    const source = { caller, trunk: 'http' };
    const { held, delayMs } = shield.admit(source, code);
    // Looked up also when locked out, so that the time tells nothing.
    const found = await lookUpCode(store, code);
    if (!found.ok) return { kind: 'failed', error: found.error };
    const isHost = found.value?.role === 'host' && held === false;
    shield.record(source, isHost ? 'hit' : 'miss', isHost ? found.value?.account.id : undefined);
    if (delayMs > 0) await clock.sleep(delayMs);
    if (!isHost || found.value === undefined) return { kind: 'refused' };
    const { account } = found.value;
    return { kind: 'token', account, issued: tokens.issue(account, code) };
  };

  return {
    async exchange(code, remoteAddress) {
      const caller = networkOf(remoteAddress);
      if (underWay.has(caller) || underWay.size >= MAX_WAITING) {
        outcomes.add(1, { outcome: 'busy' });
        return { kind: 'busy' };
      }
      underWay.add(caller);
      try {
        const exchange = await look(code, caller);
        outcomes.add(1, { outcome: exchange.kind });
        return exchange;
      } finally {
        underWay.delete(caller);
      }
    },
  };
}
