/**
 * A request on its way: the client transactions that are tried for it one after the other (RFC 3263 section
 * 4.3: the next address gets a new transaction) until one of them is answered.
 */
import { MediaError } from '../../../common/errors.ts';
import type { SipRequest, SipResponse } from '../message.ts';
import { serializeMessage } from '../serializer.ts';
import type { Transport } from '../transport/transport.ts';
import type { ClientOwner, ClientRunner } from './client.ts';
import { cancelOf, withVia } from './requests.ts';
import type { ClientTransaction, ClientTransactionUser, Flow, Target } from './transaction-user.ts';

export interface Attempt {
  readonly transport: Transport;
  readonly target: Target;
}

/** What the layer does for it. */
export interface Launcher {
  newBranch(): string;
  /** Makes the transaction, enters it into the table and begins it; undefined if the table is full. */
  launch(
    attempt: Attempt,
    request: SipRequest,
    branch: string,
    owner: Omit<ClientOwner, 'onTransition'>,
  ): ClientRunner | undefined;
  /** Later, so that send() has returned before a callback. */
  later(action: () => void): void;
}

export class OutgoingRequest implements ClientTransaction {
  readonly request: SipRequest;
  readonly #attempts: Attempt[];
  readonly #user: ClientTransactionUser;
  readonly #launcher: Launcher;
  #branch = '';
  #current: ClientRunner | undefined;
  #currentAttempt: Attempt | undefined;
  #sent: SipRequest;
  #cancelHeaders: readonly (readonly [string, string])[] | undefined;
  /** The user heard how it ended, or a provisional response: no other address is tried. */
  #settled = false;

  constructor(
    request: SipRequest,
    attempts: readonly Attempt[],
    user: ClientTransactionUser,
    launcher: Launcher,
  ) {
    this.request = request;
    this.#sent = request;
    this.#attempts = [...attempts];
    this.#user = user;
    this.#launcher = launcher;
    const error = new MediaError('transport-failed', 'no transport reaches the target');
    if (!this.#next()) {
      launcher.later(() => this.#fail(error));
    }
  }

  get branch(): string {
    return this.#branch;
  }

  cancel(extraHeaders: readonly (readonly [string, string])[] = []): void {
    if (this.request.method !== 'INVITE' || this.#cancelHeaders !== undefined) return;
    this.#cancelHeaders = extraHeaders;
    this.#current?.cancel();
  }

  /** Starts on the next address. False if none is left. */
  #next(): boolean {
    const attempt = this.#attempts.shift();
    if (attempt === undefined) return false;
    const branch = this.#launcher.newBranch();
    this.#branch = branch;
    this.#currentAttempt = attempt;
    this.#sent = withVia(this.request, attempt.transport, attempt.target.remoteAddress, branch);
    const runner = this.#launcher.launch(attempt, this.#sent, branch, this.#ownerOf(branch));
    if (runner === undefined) {
      this.#attempts.length = 0;
      const error = new MediaError('overloaded', 'too many open transactions');
      this.#launcher.later(() => this.#fail(error));
      return true;
    }
    this.#current = runner;
    return true;
  }

  #fail(error: MediaError): void {
    this.#settled = true;
    this.#user.onTransportError(error);
    this.#user.onTerminated?.();
  }

  #tryNext(): boolean {
    if (this.#settled || this.#cancelHeaders !== undefined) return false;
    return this.#next();
  }

  #ownerOf(branch: string): Omit<ClientOwner, 'onTransition'> {
    const isCurrent = (): boolean => this.#branch === branch;
    return {
      onProvisional: (response: SipResponse, flow: Flow) => {
        if (!isCurrent()) return;
        // 100 is hop by hop: the next hop may still fail with 503 (RFC 3263 section 4.3).
        if (response.status > 100) this.#settled = true;
        this.#user.onProvisional(response, flow);
      },
      onFinal: (response: SipResponse, flow: Flow) => {
        if (response.status === 503 && isCurrent() && this.#tryNext()) return;
        // A 2xx of an address that was given up on still makes a dialog which the user must end.
        if (!isCurrent() && response.status >= 300) return;
        this.#settled = true;
        this.#user.onFinal(response, flow);
      },
      onTimeout: () => {
        if (!isCurrent() || this.#tryNext()) return;
        this.#settled = true;
        this.#user.onTimeout();
      },
      onTransportError: (error: MediaError) => {
        if (!isCurrent() || this.#tryNext()) return;
        this.#settled = true;
        this.#user.onTransportError(error);
      },
      onCancelDue: () => this.#sendCancel(),
      onTerminated: () => {
        if (isCurrent() && this.#settled) this.#user.onTerminated?.();
      },
    };
  }

  /** A transaction of its own with the branch of the INVITE (section 9.1). */
  #sendCancel(): void {
    const attempt = this.#currentAttempt;
    if (attempt === undefined) return;
    const cancel = cancelOf(this.#sent, this.#cancelHeaders ?? []);
    const nothing = (): void => undefined;
    this.#launcher.launch(attempt, cancel, this.#branch, {
      onProvisional: nothing,
      onFinal: nothing,
      onTimeout: nothing,
      onTransportError: nothing,
      onCancelDue: nothing,
      onTerminated: nothing,
    });
  }
}

/** RFC 3261 section 18.1.1: a request above this goes by a transport with congestion control. */
const MAX_UDP_REQUEST_BYTES = 1300;

/** Room for the Via that is not there yet. */
const VIA_BYTES = 120;

/** Each target with its transport; a large request for UDP tries TCP first and falls back. */
export function attemptsFor(
  request: SipRequest,
  targets: readonly Target[],
  transports: readonly Transport[],
): Attempt[] {
  const large = serializeMessage(request).length + VIA_BYTES > MAX_UDP_REQUEST_BYTES;
  const attempts: Attempt[] = [];
  for (const target of targets) {
    const find = (kind: Target['transport']): Transport | undefined =>
      transports.find((each) => each.kind === kind && each.reaches(target.remoteAddress));
    if (large && target.transport === 'udp') {
      const tcp = find('tcp');
      if (tcp !== undefined) {
        attempts.push({ transport: tcp, target: { ...target, transport: 'tcp' } });
      }
    }
    const transport = find(target.transport);
    if (transport !== undefined) attempts.push({ transport, target });
  }
  return attempts;
}
