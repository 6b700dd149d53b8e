/**
 * Carries out registration-table.ts: builds REGISTER requests with one Call-ID and a CSeq that grows
 * (RFC 3261 section 10.2), answers challenges, obeys 423, reads what was granted, keeps the time. Knows
 * nothing of calls; whoever wants to be called registers.
 */
import type { Timer } from '../../../common/clock.ts';
import { Machine } from '../../../common/fsm.ts';
import { randomToken } from '../../../common/ids.ts';
import { parseRetryAfter } from '../fields.ts';
import { createHeaders } from '../headers.ts';
import { EMPTY_BODY, type SipRequest, type SipResponse } from '../message.ts';
import type { SessionContext } from '../session/context.ts';
import { createLogin, type Login } from '../session/login.ts';
import type { Target } from '../transaction/transaction-user.ts';
import { formatSipUri, parseNameAddress, parseSipUri, type SipUri, sipUri } from '../uri.ts';
import { sameUri } from '../uri-compare.ts';
import type { RegisterOptions, Registration, RegistrationStatus } from '../user-agent.ts';
import {
  REGISTRATION,
  type RegistrationEffect,
  type RegistrationEvent,
  type RegistrationState,
} from './registration-table.ts';

export interface RegistrationParts extends RegisterOptions {
  readonly context: SessionContext;
  /** Of the servers that are addresses; empty: look up `lookUp`. */
  readonly targets: readonly Target[];
  readonly lookUp: string;
  /** Our Contact's URI, as the registrar reaches it. */
  readonly contactUri: (target: Target) => SipUri;
}

/** RFC 5626 section 4.5: with all ways failed, from 30 s on, doubled, at most half an hour, and scattered. */
const BASE_RETRY_S = 30;
const MAX_RETRY_S = 1_800;
/** Challenges and a 423 together; one more is a registrar that goes round in circles. */
const MAX_ROUNDS = 5;
const LEAVE_MS = 2_000;
/** A registrar that grants less than this is asked this often all the same. */
const LEAST_REFRESH_S = 5;

const PUBLIC_STATES: Readonly<Record<RegistrationState, RegistrationStatus['state']>> = {
  idle: 'registering',
  registering: 'registering',
  registered: 'registered',
  refreshing: 'registered',
  failed: 'failed',
  leaving: 'stopped',
  over: 'stopped',
};

export class SipRegistration implements Registration {
  readonly #parts: RegistrationParts;
  readonly #machine: Machine<RegistrationState, RegistrationEvent, RegistrationEffect>;
  readonly #login: Login | undefined;
  readonly #callId: string;
  readonly #localTag: string;
  readonly #done: Promise<void>;
  #resolveDone: () => void = () => undefined;
  #cseq = 0;
  #expiresS: number;
  #failures = 0;
  #detail = '';
  #timer: Timer | undefined;
  /** Grows with each send, so that answers to an older request are left aside. */
  #run = 0;

  constructor(parts: RegistrationParts) {
    const { context, credentials } = parts;
    this.#parts = parts;
    this.#expiresS = parts.expiresS;
    this.#callId = randomToken(context.random, 24);
    this.#localTag = randomToken(context.random, 16);
    this.#login = credentials && createLogin(context.random, credentials);
    this.#done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
    this.#machine = new Machine({
      table: REGISTRATION,
      initial: 'idle',
      run: (effect) => this.#carryOut(effect),
      onTransition: (from, event, state, verdict) => {
        if (verdict === 'illegal') context.metrics.illegal('registration');
        const registrar = formatSipUri(parts.registrar);
        context.log.trace({ registrar, from, event: event.type, to: state, verdict }, 'sip');
      },
    });
    this.#machine.send({ type: 'start' });
  }

  get status(): RegistrationStatus {
    return { state: PUBLIC_STATES[this.#machine.state], detail: this.#detail };
  }

  stop(): Promise<void> {
    this.#machine.send({ type: 'stop' });
    return this.#done;
  }

  #carryOut(effect: RegistrationEffect): void {
    switch (effect.type) {
      case 'send':
        this.#begin(effect.expires === 'zero' ? 0 : this.#expiresS);
        break;
      case 'start-refresh-timer':
        this.#failures = 0;
        this.#wait(refreshAfterMs(effect.expiresS));
        break;
      case 'start-retry-timer':
        this.#wait(this.#retryMs(effect.retryAfterS));
        break;
      case 'start-leave-timer':
        this.#wait(LEAVE_MS);
        break;
      case 'stop-timer':
        this.#timer?.cancel();
        break;
      case 'tell':
        this.#detail = effect.detail;
        this.#parts.onStatus?.(this.status);
        break;
      case 'finish':
        this.#run += 1;
        this.#parts.onStatus?.(this.status);
        this.#resolveDone();
        break;
    }
  }

  #wait(delayMs: number): void {
    this.#timer?.cancel();
    const { clock } = this.#parts.context;
    this.#timer = clock.after(delayMs, () => this.#machine.send({ type: 'due' }));
  }

  #retryMs(retryAfterS: number): number {
    const { random } = this.#parts.context;
    const boundS = Math.min(MAX_RETRY_S, BASE_RETRY_S * 2 ** this.#failures);
    this.#failures += 1;
    const scatteredMs = boundS * 500 + random.below(boundS * 500);
    return Math.max(scatteredMs, retryAfterS * 1_000);
  }

  #begin(expiresS: number): void {
    const run = ++this.#run;
    const { targets, lookUp, context } = this.#parts;
    if (targets.length > 0) {
      this.#send(run, targets, expiresS, [], 1);
      return;
    }
    context.locate(lookUp, (found, error) => {
      if (run !== this.#run) return;
      if (found.length > 0) this.#send(run, found, expiresS, [], 1);
      else this.#refused(error?.message ?? `no way to ${lookUp}`);
    });
  }

  #send(
    run: number,
    targets: readonly Target[],
    expiresS: number,
    authorization: readonly (readonly [string, string])[],
    round: number,
  ): void {
    const { context } = this.#parts;
    const [first] = targets;
    if (first === undefined) return;
    const contact = this.#parts.contactUri(first);
    const plain = this.#build(contact, expiresS, authorization);
    const request = authorization.length === 0 ? (this.#login?.apply(plain) ?? plain) : plain;
    context.metrics.request('REGISTER', 'out');
    const current = (): boolean => run === this.#run;
    context.layer.send(request, targets, {
      onProvisional: () => undefined,
      onFinal: (response) => {
        context.metrics.response(response.status, 'in');
        if (!current()) return;
        const again = (s: number, fields: readonly (readonly [string, string])[]): void =>
          this.#send(run, targets, s, fields, round + 1);
        this.#onFinal({ request, response, contact, expiresS, last: round >= MAX_ROUNDS }, again);
      },
      onTimeout: () => {
        if (current()) this.#refused('no answer');
      },
      onTransportError: (error) => {
        if (current()) this.#refused(error.message);
      },
    });
  }

  #build(
    contact: SipUri,
    expiresS: number,
    authorization: readonly (readonly [string, string])[],
  ): SipRequest {
    const { registrar, address, context } = this.#parts;
    const own = `<${formatSipUri(address)}>`;
    this.#cseq += 1;
    return {
      kind: 'request',
      method: 'REGISTER',
      // Section 10.2: the domain, without a user part.
      uri: formatSipUri(registrar),
      headers: createHeaders([
        ['Max-Forwards', '70'],
        ['From', `${own};tag=${this.#localTag}`],
        ['To', own],
        ['Call-ID', this.#callId],
        ['CSeq', `${this.#cseq} REGISTER`],
        ['Contact', `<${formatSipUri(contact)}>`],
        ['Expires', String(expiresS)],
        ['User-Agent', context.product],
        ...authorization,
      ]),
      body: EMPTY_BODY,
    };
  }

  #onFinal(exchange: Exchange, again: (expiresS: number, fields: Fields) => void): void {
    const { request, response, contact, expiresS, last } = exchange;
    const { status } = response;
    if (status < 300) {
      this.#machine.send({ type: 'accepted', expiresS: grantedS(response, contact, expiresS) });
      return;
    }
    if ((status === 401 || status === 407) && !last) {
      const fields = this.#login?.answer(request, response);
      if (fields !== undefined) {
        again(expiresS, fields);
        return;
      }
    }
    // Section 10.2.8: at least what the registrar says.
    const leastS = Number(response.headers.get('Min-Expires'));
    if (status === 423 && !last && leastS > expiresS && leastS <= 86_400 * 7) {
      this.#expiresS = leastS;
      again(leastS, []);
      return;
    }
    const retryAfter = parseRetryAfter(response.headers.get('Retry-After') ?? '');
    const retryAfterS = retryAfter.ok ? Math.min(retryAfter.value, 86_400) : 0;
    this.#refused(`${status} ${response.reasonPhrase}`, retryAfterS);
  }

  #refused(why: string, retryAfterS = 0): void {
    this.#machine.send({ type: 'refused', why, retryAfterS });
  }
}

type Fields = readonly (readonly [string, string])[];

interface Exchange {
  readonly request: SipRequest;
  readonly response: SipResponse;
  readonly contact: SipUri;
  readonly expiresS: number;
  /** No more rounds. */
  readonly last: boolean;
}

/** In time for a few retransmissions, and not all clients at once after half of a long interval. */
function refreshAfterMs(expiresS: number): number {
  const refreshS = expiresS > 1_200 ? expiresS - 600 : expiresS / 2;
  return Math.max(refreshS, LEAST_REFRESH_S) * 1_000;
}

/** Section 10.2.4: of our contact, which some registrars rewrite; else for all; else what we asked for. */
export function grantedS(response: SipResponse, own: SipUri, askedS: number): number {
  const contacts = response.headers.list('Contact').flatMap((value) => {
    const parsed = parseNameAddress(value);
    return parsed.ok ? [parsed.value] : [];
  });
  const mine = contacts.find(({ uri }) => sameUri(uri, own)) ?? contacts[0];
  const stated = mine?.parameters.get('expires') ?? response.headers.get('Expires');
  const seconds = stated !== undefined && /^[0-9]{1,9}$/.test(stated) ? Number(stated) : askedS;
  // More than was asked for may be the time of somebody else's contact; earlier is never wrong.
  return seconds === 0 ? askedS : Math.min(seconds, askedS);
}

/** `sip.example.com:5060` as the registrar of a domain. */
export function registrarUri(domain: string): SipUri {
  const parsed = parseSipUri(`sip:${domain}`);
  return parsed.ok ? parsed.value : sipUri(domain);
}
