/**
 * The dialogs that one INVITE of ours makes (RFC 3261 sections 12.1.2, 13.2.2.4; RFC 3262 section 4): one
 * usage per To tag, early ones with PRACK and early media, the chosen one, and those to be ended.
 */
import { MediaError } from '../../../common/errors.ts';
import { fail, ok, type Result } from '../../../common/result.ts';
import { confirmDialog, type Dialog, dialogAsClient, refreshTarget } from '../dialog.ts';
import { parseRSeq, tagOf } from '../fields.ts';
import type { SipRequest, SipResponse } from '../message.ts';
import type { Flow } from '../transaction/transaction-user.ts';
import type { SessionMedia } from '../user-agent.ts';
import { descriptionOf } from './body.ts';
import type { SessionContext } from './context.ts';
import type { Login } from './login.ts';
import { fromResponse } from './session-timer.ts';
import { DialogUsage, type UsageOwner } from './usage.ts';

export interface ForksOptions {
  readonly context: SessionContext;
  readonly owner: UsageOwner;
  readonly media: SessionMedia;
  /** The INVITE has an offer. */
  readonly offered: boolean;
  readonly login: Login | undefined;
}

interface Fork {
  readonly usage: DialogUsage;
  lastRSeq: number | undefined;
  /** An answer in an unreliable 1xx was applied: what it said, in case the 2xx does not repeat it. */
  preview: string | undefined;
}

/** A proxy that forks to more places rings whole departments. */
const MAX_FORKS = 16;

type Field = readonly [name: string, value: string];

export class Forks {
  readonly #options: ForksOptions;
  readonly #forks = new Map<string, Fork>();
  #invite: SipRequest | undefined;
  #contact = '';
  #authorization: readonly Field[] = [];
  #chosen: Fork | undefined;
  #latest: Fork | undefined;

  constructor(options: ForksOptions) {
    this.#options = options;
  }

  get chosen(): DialogUsage | undefined {
    return this.#chosen?.usage;
  }

  /** The early dialog that was heard of last. */
  get latest(): DialogUsage | undefined {
    return this.#latest?.usage;
  }

  find(remoteTag: string): DialogUsage | undefined {
    return this.#forks.get(remoteTag)?.usage;
  }

  /** Another INVITE goes out: what its responses make belongs to it. */
  begin(invite: SipRequest, contact: string, authorization: readonly Field[]): void {
    this.#invite = invite;
    this.#contact = contact;
    this.#authorization = authorization;
  }

  /** Early dialogs of an INVITE that was refused (section 12.3). */
  forget(): void {
    for (const fork of this.#forks.values()) fork.usage.close();
    this.#forks.clear();
    this.#latest = undefined;
  }

  close(): void {
    for (const fork of this.#forks.values()) fork.usage.close();
  }

  // ── provisional responses ──────────────────────────────────────────────────────────────────

  /** True: the peer's audio may come now. */
  onProvisional(response: SipResponse, flow: Flow): boolean {
    const tag = tagOf(response.headers.get('To'));
    if (tag === undefined) return false;
    const fork = this.#forkFor(tag, response, flow);
    if (fork === undefined) return false;
    this.#latest = fork;
    fork.usage.learn(response.headers);
    const required = response.headers.list('Require').map((option) => option.toLowerCase());
    const rseq = parseRSeq(response.headers.get('RSeq') ?? '');
    if (!required.includes('100rel') || !rseq.ok) return this.#preview(fork, response);
    // RFC 3262 section 4: in order, each once; a gap is filled by the peer's repetition.
    if (fork.lastRSeq !== undefined && rseq.value !== fork.lastRSeq + 1) {
      return fork.preview !== undefined;
    }
    fork.lastRSeq = rseq.value;
    fork.usage.dialog = refreshTarget(fork.usage.dialog, response);
    return this.#acknowledge(fork, response, rseq.value);
  }

  /** RFC 6337 section 3.1.1: the answer in an unreliable 1xx is a look at the one to come. */
  #preview(fork: Fork, response: SipResponse): boolean {
    const description = descriptionOf(response);
    if (!description.ok || description.value === undefined) return fork.preview !== undefined;
    if (!this.#options.offered || fork.usage.exchange !== 'local-offer') return true;
    if (fork.preview === description.value) return true;
    const applied = this.#options.media.acceptAnswer(description.value);
    if (applied.ok) {
      fork.preview = description.value;
      fork.usage.heard(description.value);
    }
    return applied.ok;
  }

  #acknowledge(fork: Fork, response: SipResponse, rseq: number): boolean {
    const { usage } = fork;
    const description = descriptionOf(response);
    const sdp = description.ok ? description.value : undefined;
    let answer: string | undefined;
    let failure: MediaError | undefined;
    if (sdp !== undefined && usage.exchange === 'local-offer') {
      const taken = usage.takeAnswer(sdp);
      if (!taken.ok) failure = taken.error;
    } else if (sdp !== undefined && usage.exchange === 'none') {
      const taken = usage.takeOffer(sdp);
      if (taken.ok) answer = taken.value;
      else failure = taken.error;
    }
    const number = Number.parseInt(response.headers.get('CSeq') ?? '0', 10);
    usage.request(
      'PRACK',
      {
        headers: [['RAck', `${rseq} ${number} INVITE`]],
        ...(answer === undefined ? {} : { body: answer, contentType: 'application/sdp' }),
      },
      // Without a PRACK that arrives the peer gives up with a 5xx, which says enough.
      { onFinal: () => undefined, onFailure: () => undefined },
    );
    if (failure !== undefined) {
      const { message, q850 } = failure;
      this.#options.owner.onBroken({ by: 'media', reason: message, q850, established: false });
    }
    return usage.exchange === 'stable';
  }

  // ── 2xx ────────────────────────────────────────────────────────────────────────────────────

  /** A 2xx that was seen before: its ACK once more. */
  repeatAck(response: SipResponse): boolean {
    const fork = this.#forks.get(tagOf(response.headers.get('To')) ?? '');
    if (fork === undefined || !fork.usage.hasAcknowledged(response)) return false;
    fork.usage.onStraySuccess(response);
    return true;
  }

  /** The first 2xx; every other dialog is over for us (section 13.2.2.4). */
  choose(response: SipResponse, flow: Flow): void {
    const tag = tagOf(response.headers.get('To')) ?? '';
    const fork = this.#forkFor(tag, response, flow, true);
    if (fork === undefined) return;
    fork.usage.dialog = confirmDialog(fork.usage.dialog, response);
    this.#chosen = fork;
    for (const other of this.#forks.values()) if (other !== fork) other.usage.close();
  }

  /** Takes the answer or the offer of the chosen 2xx and acknowledges it. */
  confirm(usage: DialogUsage, response: SipResponse): Result<void, MediaError> {
    usage.learn(response.headers);
    const description = descriptionOf(response);
    const sdp = description.ok ? description.value : undefined;
    let result: Result<void, MediaError> = ok(undefined);
    let answer: string | undefined;
    if (usage.exchange === 'local-offer') {
      const preview = this.#chosen?.preview;
      if (preview !== undefined && (sdp === undefined || sdp === preview)) {
        usage.exchangeStep({ type: 'receive-answer' });
      } else result = usage.takeAnswer(sdp);
    } else if (usage.exchange === 'none') {
      const taken =
        sdp === undefined
          ? fail(new MediaError('no-description', 'the 2xx has no offer'))
          : usage.takeOffer(sdp);
      if (taken.ok) answer = taken.value;
      else result = taken;
    }
    this.acknowledge(response, answer);
    if (result.ok) usage.timer.restart(fromResponse(response));
    return result;
  }

  /** RFC 3261 section 22.1: the ACK repeats the credentials of its INVITE. */
  acknowledge(response: SipResponse, answer?: string): void {
    const number = Number.parseInt(response.headers.get('CSeq') ?? '0', 10);
    this.#chosen?.usage.acknowledge(number, {
      headers: this.#authorization,
      ...(answer === undefined ? {} : { body: answer, contentType: 'application/sdp' }),
    });
  }

  /** A 2xx of another fork, or one too late: acknowledged and ended. */
  dismiss(response: SipResponse, flow: Flow): void {
    const tag = tagOf(response.headers.get('To')) ?? '';
    const fork = this.#forkFor(tag, response, flow, true);
    if (fork === undefined) return;
    const { usage } = fork;
    usage.dialog = confirmDialog(usage.dialog, response);
    const number = Number.parseInt(response.headers.get('CSeq') ?? '0', 10);
    usage.acknowledge(number, { headers: this.#authorization });
    usage.bye([], () => undefined);
  }

  #forkFor(tag: string, response: SipResponse, flow: Flow, always = false): Fork | undefined {
    const known = this.#forks.get(tag);
    if (known !== undefined) return known;
    if (this.#invite === undefined || (this.#forks.size >= MAX_FORKS && !always)) return undefined;
    const dialog = dialogAsClient(this.#invite, response);
    if (!dialog.ok) {
      this.#options.context.log.warn(
        { problem: dialog.error.detail },
        'sip response makes no dialog',
      );
      return undefined;
    }
    const fork: Fork = {
      usage: this.#usage(dialog.value, flow),
      lastRSeq: undefined,
      preview: undefined,
    };
    this.#forks.set(tag, fork);
    return fork;
  }

  #usage(dialog: Dialog, flow: Flow): DialogUsage {
    const { context, owner, media, offered, login } = this.#options;
    return new DialogUsage({
      context,
      owner,
      dialog,
      flow,
      contact: this.#contact,
      media,
      exchange: offered ? 'local-offer' : 'none',
      caller: true,
      login,
    });
  }
}
