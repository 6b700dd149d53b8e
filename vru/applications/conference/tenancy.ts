import type { EnterReply, LeaveReason } from '../../../signaling/conference/client.ts';
import type { PlaceInConference, ServiceReply } from '../../../signaling/conference/messages.ts';
import type { CallContext } from '../../flow.ts';

export type WaitingPlace = Pick<Extract<ServiceReply, { kind: 'wait' }>, 'accountId' | 'waitingId'>;

type Held =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'waiting'; readonly place: WaitingPlace }
  | { readonly kind: 'seated'; readonly place: PlaceInConference };

/**
 * What this call holds with the conference service, so that it is given back exactly once however
 * the call ends, also when the caller hangs up while the request to enter is under way (R20).
 */
export class Tenancy {
  /** The caller's name is in the store. */
  named = false;
  readonly #context: CallContext;
  #held: Held = { kind: 'nothing' };
  #request: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(context: CallContext) {
    this.#context = context;
  }

  enter(code: string): Promise<EnterReply> {
    const { client } = this.#context.parts;
    return this.#remember(client.enter(code, this.#context.caller), this.#held);
  }

  /** A place that is asked for in another way. */
  take(request: Promise<EnterReply>): Promise<EnterReply> {
    return this.#remember(request, this.#held);
  }

  /** Back in with the same ordinal after the loss of a mixer. */
  reEnter(place: PlaceInConference): Promise<EnterReply> {
    const { client } = this.#context.parts;
    return this.#remember(client.reEnter(place, this.#context.caller), this.#held);
  }

  /** The service has put us there by itself. */
  hold(held: Held): void {
    this.#held = held;
  }

  /** Idempotent. Resolves when the service knows, or was given up on. */
  async giveBack(why: LeaveReason): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    // A reply that comes after the hang-up still gives us a place, and nobody else would free it.
    await this.#request;
    const held = this.#held;
    this.#held = { kind: 'nothing' };
    const { caller, log, parts } = this.#context;
    if (held.kind === 'nothing') return;
    const conferenceId = held.kind === 'seated' ? held.place.conferenceId : undefined;
    log.info({ why, was: held.kind, conferenceId }, 'leaving');
    if (held.kind === 'seated') await parts.client.leave(held.place, caller, why);
    else await parts.client.leaveWaiting(held.place.accountId, held.place.waitingId, caller);
  }

  #remember(request: Promise<EnterReply>, asked: Held): Promise<EnterReply> {
    const remembered = request.then((reply) => {
      // A command that came meanwhile is newer than this answer.
      if (this.#held !== asked) return reply;
      if (reply.kind === 'enter') this.#held = { kind: 'seated', place: reply.place };
      if (reply.kind === 'wait') this.#held = { kind: 'waiting', place: reply };
      return reply;
    });
    this.#request = remembered.catch(() => undefined);
    return remembered;
  }
}
