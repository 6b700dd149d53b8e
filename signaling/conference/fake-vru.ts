import type { Bus } from '../../common/bus/bus.ts';
import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { CallId, NodeId, Random } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import { type ConferenceClient, type EnterReply, openConferenceClient } from './client.ts';
import type { DialOrder } from './dial-messages.ts';
import type { PlaceInConference, VruCommand } from './messages.ts';

export interface FakeVruOptions {
  readonly id: NodeId;
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

export interface FakeCall {
  readonly callId: CallId;
  /** Where it is heard now. */
  place: PlaceInConference | undefined;
  /** On hold, with its waiting id. */
  waitingId: string | undefined;
  /** Why it was sent away. */
  released: string | undefined;
  /** Every conference it has been in, in order. */
  readonly been: string[];
}

/** A VRU without calls for tests: enters, obeys, and remembers what it was told. */
export class FakeVru {
  readonly calls = new Map<CallId, FakeCall>();
  readonly commands: VruCommand[] = [];
  /** Calls that it was told to make and that are not over, by id. */
  readonly dialled = new Map<CallId, DialOrder>();
  trunks: readonly string[] = ['carrier', 'second'];
  draining = false;
  readonly #options: FakeVruOptions;
  #client: ConferenceClient | undefined;
  #next = 0;

  constructor(options: FakeVruOptions) {
    this.#options = options;
  }

  get client(): ConferenceClient {
    if (this.#client === undefined) throw new Error('not started');
    return this.#client;
  }

  async start(): Promise<this> {
    const opened = await openConferenceClient({
      ...this.#options,
      log: silentLogger,
      onCommand: (command) => Promise.resolve(this.#obey(command)),
      describe: () => ({
        address: '',
        calls: this.calls.size,
        draining: this.draining,
        trunks: this.trunks.map((name) => ({ name, registration: 'static', detail: '' })),
      }),
    });
    if (!opened.ok) throw opened.error;
    this.#client = opened.value;
    return this;
  }

  newCall(): FakeCall {
    this.#next += 1;
    const callId = `${this.#options.id}-call-${this.#next}` as CallId;
    const call: FakeCall = {
      callId,
      place: undefined,
      waitingId: undefined,
      released: undefined,
      been: [],
    };
    this.calls.set(callId, call);
    return call;
  }

  caller(call: FakeCall) {
    return { callId: call.callId, callerNumber: `+49${call.callId}`, dnis: '1000' };
  }

  async enter(code: string, call: FakeCall = this.newCall()): Promise<[FakeCall, EnterReply]> {
    const reply = await this.client.enter(code, this.caller(call));
    if (reply.kind === 'enter') this.#put(call, reply.place);
    if (reply.kind === 'wait') call.waitingId = reply.waitingId;
    return [call, reply];
  }

  async reEnter(call: FakeCall): Promise<EnterReply> {
    if (call.place === undefined) throw new Error('not in a conference');
    const reply = await this.client.reEnter(call.place, this.caller(call));
    if (reply.kind === 'enter') this.#put(call, reply.place);
    return reply;
  }

  async hangUp(call: FakeCall, accountId?: PlaceInConference['accountId']): Promise<void> {
    this.calls.delete(call.callId);
    const { place, waitingId } = call;
    if (place !== undefined) await this.client.leave(place, this.caller(call), 'hangup');
    else if (waitingId !== undefined && accountId !== undefined) {
      await this.client.leaveWaiting(accountId, waitingId, this.caller(call));
    }
  }

  #put(call: FakeCall, place: PlaceInConference): void {
    call.place = place;
    call.waitingId = undefined;
    if (call.been.at(-1) !== place.conferenceId) call.been.push(place.conferenceId);
  }

  /** The called person answers, presses 1, and is let in. */
  async enterDialled(order: DialOrder): Promise<[FakeCall, EnterReply]> {
    const made = this.newCall();
    this.calls.delete(made.callId);
    const call = { ...made, callId: order.dialId };
    this.calls.set(order.dialId, call);
    await this.client.dialProgress(order, 'answered');
    const reply = await this.client.enterDialled(order, {
      ...{ callId: order.dialId, callerNumber: order.number, dnis: '' },
    });
    if (reply.kind === 'enter') this.#put(call, reply.place);
    return [call, reply];
  }

  #obey(command: VruCommand): Result<void, MediaError> {
    this.commands.push(command);
    if (command.kind === 'dial') {
      if (this.draining) return fail(new MediaError('draining', 'no calls out now'));
      this.dialled.set(command.callId, command.order);
      return ok(undefined);
    }
    if (command.kind === 'hang-up') {
      const order = this.dialled.get(command.callId);
      if (order === undefined) return fail(new MediaError('closed', 'there is no such call'));
      this.dialled.delete(command.callId);
      void this.client.dialProgress(order, command.why);
      return ok(undefined);
    }
    const call = this.calls.get(command.callId);
    if (call === undefined) return fail(new MediaError('closed', 'there is no such call'));
    switch (command.kind) {
      case 'place':
        this.#put(call, command.place);
        break;
      case 'wait':
        call.place = undefined;
        call.waitingId = command.waitingId;
        break;
      case 'release':
        call.released = command.why;
        call.place = undefined;
        this.calls.delete(call.callId);
        break;
      case 'announce':
        break;
    }
    return ok(undefined);
  }
}
