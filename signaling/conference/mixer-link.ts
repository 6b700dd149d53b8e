import type { Bus } from '../../common/bus/bus.ts';
import { type ErrorCode, MediaError } from '../../common/errors.ts';
import type { AccountId, ConfereeId, ConferenceId, NodeId } from '../../common/ids.ts';
import type { Logger } from '../../common/log.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import {
  type AnnouncedWord,
  type MixerRequest,
  type PlacementReply,
  placementReply,
  type RecordReply,
  recordReply,
  SUBJECTS,
} from './messages.ts';
import { type Conferee, type MixerState, mixerStateOf } from './roster.ts';

/** A mixer answers from memory; one that needs longer is in trouble. */
const MIXER_MS = 1_000;
/** The proxy tries several mixers within it; one that dies over it is asked again through another. */
const PLACEMENT_MS = 2_500;

/** After these the mixer, or the conference on it, is taken to be gone. */
const LOST: ReadonlySet<ErrorCode> = new Set([
  'no-server',
  'timeout',
  'closed',
  'transport-failed',
  'conference-unknown',
  'engine-lost',
]);

export interface LinkOptions {
  readonly bus: Bus;
  readonly log: Logger;
}

/** Requests to mixers and for mixers. Each is idempotent there, so a time-out is simply tried again. */
export class MixerLink {
  readonly #options: LinkOptions;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Asks the proxy for a mixer (R43); the conference id goes to the mixer with it (R4). */
  async place(wanted: {
    readonly conferenceId: ConferenceId;
    readonly accountId: AccountId;
    readonly mixerClass: string;
    readonly avoid: readonly NodeId[];
  }): Promise<Result<PlacementReply, MediaError>> {
    const body = { kind: 'create', requestId: `create-${wanted.conferenceId}`, ...wanted };
    const ask = () =>
      this.#options.bus.request(SUBJECTS.placement, body, { deadlineMs: PLACEMENT_MS });
    const first = await ask();
    const answer = !first.ok && first.error.code === 'timeout' ? await ask() : first;
    if (!answer.ok) return answer;
    const reply = placementReply.safeParse(answer.value);
    if (reply.success) return ok(reply.data);
    return fail(new MediaError('internal', 'the placement answered something unreadable'));
  }

  /** `lost`: another mixer is needed; `refused`: this one takes no more. */
  async admit(
    mixerId: NodeId,
    conferenceId: ConferenceId,
    conferee: Conferee,
  ): Promise<'admitted' | 'lost' | 'refused'> {
    const { confereeId, ordinal } = conferee;
    const { muted, held, sub } = mixerStateOf(conferee);
    const requestId = `admit-${confereeId}`;
    const answer = await this.#ask(mixerId, {
      kind: 'admit',
      requestId,
      conferenceId,
      confereeId,
      ordinal,
      muted,
      held,
      sub,
    });
    if (answer.ok) return 'admitted';
    return LOST.has(answer.error.code) ? 'lost' : 'refused';
  }

  /** The disconnect message, with the parameter given at entry (E9–E10). True: acknowledged. */
  remove(mixerId: NodeId, conferenceId: ConferenceId, confereeId: ConfereeId): Promise<boolean> {
    const requestId = `remove-${confereeId}`;
    return this.#tell(mixerId, { kind: 'remove', requestId, conferenceId, confereeId });
  }

  /** True: the mixer has acknowledged it. */
  async mute(
    mixerId: NodeId,
    conferenceId: ConferenceId,
    confereeId: ConfereeId,
    state: MixerState,
  ): Promise<boolean> {
    const requestId = `mute-${confereeId}-${state.version}`;
    return await this.#tell(mixerId, {
      kind: 'mute',
      requestId,
      conferenceId,
      confereeId,
      ...state,
    });
  }

  /** `name`: of this announcement in this conference; asked for again it is not heard again. */
  async announce(
    mixerId: NodeId,
    conferenceId: ConferenceId,
    name: string,
    language: string,
    words: readonly AnnouncedWord[],
  ): Promise<void> {
    const said = { language, words: [...words] };
    await this.#tell(mixerId, { kind: 'announce', requestId: name, conferenceId, ...said });
  }

  /** The file is below the mixer's folder for recordings. */
  async record(
    mixerId: NodeId,
    conferenceId: ConferenceId,
    requestId: string,
    on: boolean,
  ): Promise<Result<RecordReply, MediaError>> {
    const answer = await this.#ask(mixerId, { kind: 'record', requestId, conferenceId, on });
    if (!answer.ok) return answer;
    const reply = recordReply.safeParse(answer.value);
    return ok(reply.success ? reply.data : {});
  }

  async end(mixerId: NodeId, conferenceId: ConferenceId): Promise<void> {
    await this.#tell(mixerId, { kind: 'end', requestId: `end-${conferenceId}`, conferenceId });
  }

  /** A mixer that cannot be told is gone, and everything on it with it. */
  async #tell(mixerId: NodeId, request: MixerRequest): Promise<boolean> {
    const answer = await this.#ask(mixerId, request);
    if (answer.ok) return true;
    const { kind, conferenceId } = request;
    const fields = { mixerId, conferenceId, kind, errorCode: answer.error.code };
    this.#options.log.warn(fields, 'a mixer could not be told');
    return false;
  }

  async #ask(mixerId: NodeId, request: MixerRequest): Promise<Result<unknown, MediaError>> {
    const ask = () =>
      this.#options.bus.request(SUBJECTS.mixer(mixerId), request, { deadlineMs: MIXER_MS });
    const first = await ask();
    return !first.ok && first.error.code === 'timeout' ? ask() : first;
  }
}
