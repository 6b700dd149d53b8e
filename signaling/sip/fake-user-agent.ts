/**
 * A user agent without sockets, for tests of what takes or makes calls: the test plays the other
 * side by `call` and through the FakeSession. Shipped beside the interface so that nobody writes a
 * second one.
 */
import { MediaError } from '../../common/errors.ts';
import type { CallId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import { createHeaders } from './headers.ts';
import { EMPTY_BODY, type SipRequest } from './message.ts';
import { formatSipUri, type NameAddress, parseNameAddress, type SipUri, sipUri } from './uri.ts';
import type {
  AcceptOptions,
  InviteOptions,
  RegisterOptions,
  Registration,
  RejectOptions,
  Session,
  SessionEnd,
  SessionEvents,
  SessionMedia,
  SessionState,
  UserAgent,
  UserAgentEvents,
} from './user-agent.ts';

const PEER: NameAddress = {
  displayName: undefined,
  uri: sipUri('192.0.2.1', { user: 'peer' }),
  parameters: new Map(),
};

/** One session as the test sees it: what was done to it, and the peer's moves. */
export class FakeSession implements Session {
  readonly id: CallId;
  readonly direction: 'incoming' | 'outgoing';
  readonly invite: SipRequest;
  readonly remote: NameAddress;
  readonly flow: string;
  readonly options: InviteOptions | undefined;
  state: SessionState;
  events: SessionEvents;
  answer: Result<string, MediaError> | undefined;
  /** What the session was accepted with, for re-INVITEs of the peer. */
  acceptedMedia: SessionMedia | undefined;
  accepted: AcceptOptions = {};
  rejection: (RejectOptions & { readonly status: number }) | undefined;
  endReason: { readonly q850: number; readonly text: string } | undefined;
  /** What comes of our 200: an ACK, a CANCEL that crossed it, or nothing for now. */
  afterAccept: 'ack' | 'cancel' | 'nothing' = 'ack';
  /** The peer is dead: our BYE stays unanswered. */
  byeUnanswered = false;
  readonly #offer: string;

  constructor(request: SipRequest, flow: string, offer: string, options?: InviteOptions) {
    this.invite = request;
    this.id = (request.headers.get('Call-ID') ?? 'call') as CallId;
    this.direction = options === undefined ? 'incoming' : 'outgoing';
    this.state = options === undefined ? 'incoming' : 'calling';
    const from = parseNameAddress(request.headers.get('From') ?? '');
    this.remote = from.ok ? from.value : PEER;
    this.flow = flow;
    this.options = options;
    this.events = options?.events ?? {};
    this.#offer = offer;
  }

  ring(): void {
    if (this.state === 'incoming') this.state = 'early';
  }

  progress(media: SessionMedia): Result<void, MediaError> {
    this.answer ??= media.acceptOffer(this.#offer);
    this.state = 'early';
    return this.answer.ok ? ok(undefined) : this.answer;
  }

  async accept(
    media: SessionMedia,
    options: AcceptOptions = {},
  ): Promise<Result<void, MediaError>> {
    this.acceptedMedia = media;
    this.accepted = options;
    this.answer ??= media.acceptOffer(this.#offer);
    await Promise.resolve();
    if (this.afterAccept === 'cancel') this.hangUp();
    if (this.afterAccept === 'nothing') return await new Promise(() => {});
    if (this.state === 'ended') return fail(new MediaError('cancelled', 'the caller hung up'));
    if (!this.answer.ok) {
      this.finish({ by: 'media', status: this.answer.error.sipStatus, established: false });
      return this.answer;
    }
    this.state = 'established';
    this.events.onEstablished?.();
    return ok(undefined);
  }

  reject(status: number, options: RejectOptions = {}): void {
    this.rejection = { ...options, status };
    this.finish({ by: 'local', status, established: false });
  }

  end(reason?: { readonly q850: number; readonly text: string }): Promise<void> {
    if (this.state !== 'ended') this.endReason ??= reason ?? { q850: 16, text: '' };
    if (this.byeUnanswered) return new Promise(() => {});
    this.finish({ by: 'local', established: this.state === 'established' });
    return Promise.resolve();
  }

  reinvite(): Promise<Result<void, MediaError>> {
    return Promise.resolve(ok(undefined));
  }

  info(): Promise<Result<void, MediaError>> {
    return Promise.resolve(ok(undefined));
  }

  /** The peer's side of a call of ours: 200 and our ACK. Without an answer the media stays as it is. */
  establish(answer?: string): void {
    if (this.state !== 'calling' && this.state !== 'early') return;
    if (answer !== undefined) this.options?.media.acceptAnswer(answer);
    this.state = 'established';
    this.events.onEstablished?.();
  }

  /** The peer's side: CANCEL or BYE. */
  hangUp(): void {
    this.finish({ by: 'remote', established: this.state === 'established' });
  }

  /** Ends the session in any way, once. */
  finish(end: SessionEnd): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.events.onEnded?.(end);
  }
}

export class FakeUserAgent implements UserAgent {
  readonly contact: SipUri;
  readonly sessions: FakeSession[] = [];
  /** What was asked of registrars; each granted it at once. */
  readonly registrations: RegisterOptions[] = [];
  started = false;
  draining = false;
  /** The peers of our calls; default: they ring for ever. */
  onOutgoing: (session: FakeSession) => void = () => {};
  /** Sets up an incoming session before anybody sees it. */
  prepare: (session: FakeSession) => void = () => {};
  readonly #events: UserAgentEvents;

  constructor(events: UserAgentEvents, contact: SipUri = sipUri('127.0.0.1', { port: 5070 })) {
    this.#events = events;
    this.contact = contact;
  }

  get sessionCount(): number {
    return this.sessions.filter((session) => session.state !== 'ended').length;
  }

  start(): Promise<Result<void, MediaError>> {
    this.started = true;
    return Promise.resolve(ok(undefined));
  }

  /** The test's side: an INVITE with this Request-URI and offer comes in. */
  call(
    uri: string,
    offer: string,
    flow = 'udp:127.0.0.1:5060',
    headers: readonly (readonly [name: string, value: string])[] = [],
  ): FakeSession {
    const session = new FakeSession(this.#request(uri, headers), flow, offer);
    this.sessions.push(session);
    this.prepare(session);
    this.#events.onInvite(session);
    return session;
  }

  /** The test moves the session on through `establish`, its `events` and `finish`, or by `onOutgoing`. */
  invite(options: InviteOptions): FakeSession {
    const session = new FakeSession(
      this.#request(formatSipUri(options.to)),
      'udp:192.0.2.1:5060',
      '',
      options,
    );
    this.sessions.push(session);
    queueMicrotask(() => this.onOutgoing(session));
    return session;
  }

  register(options: RegisterOptions): Registration {
    this.registrations.push(options);
    const status = { state: 'registered', detail: '' } as const;
    options.onStatus?.(status);
    return { status, stop: () => Promise.resolve() };
  }

  drain(): void {
    this.draining = true;
  }

  async stop(): Promise<void> {
    for (const session of this.sessions) await session.end();
    this.started = false;
  }

  #request(
    uri: string,
    headers: readonly (readonly [name: string, value: string])[] = [],
  ): SipRequest {
    return {
      kind: 'request',
      method: 'INVITE',
      uri,
      headers: createHeaders([['Call-ID', `call${this.sessions.length}`], ...headers]),
      body: EMPTY_BODY,
    };
  }
}
