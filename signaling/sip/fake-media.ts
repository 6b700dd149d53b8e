/**
 * A SessionMedia without an engine, for tests of sessions: negotiates for real (offer-answer.ts), keeps a
 * record of what was asked of it, and fails when told to.
 */
import type { MediaError } from '../../common/errors.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { MediaParameters } from '../../mixer/media.ts';
import { TELEPHONY_CODECS } from '../sdp/codec-selection.ts';
import {
  createNegotiation,
  createOffer,
  type LocalMedia,
  type Negotiation,
  receiveAnswer,
  receiveOffer,
  rollBack,
} from '../sdp/offer-answer.ts';
import type { SessionMedia } from './user-agent.ts';

export type FakeMediaCall = 'offer' | 'refresh' | 'accept-offer' | 'accept-answer' | 'roll-back';

export class FakeMedia implements SessionMedia {
  /** What was asked, in order. */
  readonly calls: FakeMediaCall[] = [];
  /** Change it to offer something else. */
  local: LocalMedia;
  #negotiation: Negotiation;
  readonly #failures = new Map<FakeMediaCall, MediaError>();

  constructor(local: Partial<LocalMedia> = {}) {
    this.local = { address: '192.0.2.1', rtpPort: 40_000, codecs: TELEPHONY_CODECS, ...local };
    this.#negotiation = createNegotiation(String(this.local.rtpPort));
  }

  get negotiation(): Negotiation {
    return this.#negotiation;
  }

  get parameters(): MediaParameters | undefined {
    return this.#negotiation.agreement?.parameters;
  }

  /** The next call of that kind fails. */
  failNext(call: FakeMediaCall, error: MediaError): void {
    this.#failures.set(call, error);
  }

  createOffer(purpose: 'full' | 'refresh' = 'full'): Result<string, MediaError> {
    const failed = this.#note(purpose === 'full' ? 'offer' : 'refresh');
    if (failed !== undefined) return fail(failed);
    const made = createOffer(this.#negotiation, this.local, purpose);
    if (!made.ok) return made;
    this.#negotiation = made.value.negotiation;
    return ok(made.value.sdp);
  }

  acceptOffer(offer: string): Result<string, MediaError> {
    const failed = this.#note('accept-offer');
    if (failed !== undefined) return fail(failed);
    const answered = receiveOffer(this.#negotiation, this.local, offer);
    if (!answered.ok) return answered;
    this.#negotiation = answered.value.negotiation;
    return ok(answered.value.sdp);
  }

  acceptAnswer(answer: string): Result<void, MediaError> {
    const failed = this.#note('accept-answer');
    if (failed !== undefined) return fail(failed);
    const accepted = receiveAnswer(this.#negotiation, answer);
    if (!accepted.ok) return accepted;
    this.#negotiation = accepted.value.negotiation;
    return ok(undefined);
  }

  rollBack(): void {
    this.calls.push('roll-back');
    this.#negotiation = rollBack(this.#negotiation);
  }

  #note(call: FakeMediaCall): MediaError | undefined {
    this.calls.push(call);
    const failure = this.#failures.get(call);
    this.#failures.delete(call);
    return failure;
  }
}
