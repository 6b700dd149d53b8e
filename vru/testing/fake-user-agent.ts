/** A user agent without network: the test is the peer of every session. */
import { MediaError } from '../../common/errors.ts';
import type { CallId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import { createHeaders } from '../../signaling/sip/headers.ts';
import { EMPTY_BODY, type SipRequest } from '../../signaling/sip/message.ts';
import { type NameAddress, parseNameAddress, sipUri } from '../../signaling/sip/uri.ts';
import type {
  InviteOptions,
  RejectOptions,
  Session,
  SessionEnd,
  SessionEvents,
  SessionMedia,
  SessionState,
  UserAgent,
  UserAgentEvents,
} from '../../signaling/sip/user-agent.ts';

export class FakeSession implements Session {
  readonly id: CallId;
  readonly direction: 'incoming' | 'outgoing';
  readonly invite: SipRequest;
  readonly remote: NameAddress;
  readonly flow = 'udp:127.0.0.1:5060';
  state: SessionState;
  events: SessionEvents;
  media: SessionMedia | undefined;
  rejected: ({ readonly status: number } & RejectOptions) | undefined;
  /** What `end` was called with first. */
  endedWith: { readonly q850: number; readonly text: string } | 'no reason' | undefined;
  /** The peer does not answer our BYE. */
  byeUnanswered = false;
  /** What accept does: the ACK comes, the caller cancels, or nothing for now. */
  onAccept: 'ack' | 'cancel' | 'nothing' = 'ack';

  constructor(
    direction: 'incoming' | 'outgoing',
    invite: SipRequest,
    events: SessionEvents,
    id: CallId,
  ) {
    this.direction = direction;
    this.invite = invite;
    this.events = events;
    this.id = id;
    this.state = direction === 'incoming' ? 'incoming' : 'calling';
    const from = parseNameAddress(invite.headers.get('From') ?? '<sip:unknown@127.0.0.1>');
    this.remote = from.ok
      ? from.value
      : { displayName: undefined, uri: sipUri('127.0.0.1'), parameters: new Map() };
  }

  ring(): void {}

  progress(): Result<void, MediaError> {
    return ok(undefined);
  }

  async accept(media: SessionMedia): Promise<Result<void, MediaError>> {
    this.media = media;
    await Promise.resolve();
    if (this.onAccept === 'cancel') {
      this.over({ by: 'remote', status: 487, established: false });
      return fail(new MediaError('cancelled', 'cancelled'));
    }
    if (this.onAccept === 'nothing') return new Promise(() => {});
    this.state = 'established';
    this.events.onEstablished?.();
    return ok(undefined);
  }

  reject(status: number, options: RejectOptions = {}): void {
    this.rejected = { status, ...options };
    this.over({ by: 'local', status, established: false });
  }

  async end(reason?: { readonly q850: number; readonly text: string }): Promise<void> {
    this.endedWith ??= reason ?? 'no reason';
    if (this.byeUnanswered) return await new Promise(() => {});
    await Promise.resolve();
    this.over({ by: 'local', established: this.state === 'established' });
  }

  reinvite(): Promise<Result<void, MediaError>> {
    return Promise.resolve(ok(undefined));
  }

  info(): Promise<Result<void, MediaError>> {
    return Promise.resolve(ok(undefined));
  }

  /** The peer's side of an outgoing session: 200. */
  answer(): void {
    if (this.state !== 'calling') return;
    this.state = 'established';
    this.events.onEstablished?.();
  }

  /** The peer hangs up, or refuses. */
  hangUp(end: Partial<SessionEnd> = {}): void {
    this.over({ by: 'remote', established: this.state === 'established', ...end });
  }

  private over(end: SessionEnd): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.events.onEnded?.(end);
  }
}

export interface IncomingOptions {
  readonly dnis?: string;
  readonly from?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly onAccept?: FakeSession['onAccept'];
}

export class FakeUserAgent implements UserAgent {
  readonly contact = sipUri('127.0.0.1', { port: 5060 });
  readonly incoming: FakeSession[] = [];
  readonly outgoing: FakeSession[] = [];
  draining = false;
  stopped = false;
  startError: MediaError | undefined;
  /** What becomes of our INVITEs; default: answered at once. */
  onOutgoing: (session: FakeSession, options: InviteOptions) => void = (session) =>
    session.answer();
  readonly #events: UserAgentEvents;
  #nextId = 1;

  constructor(events: UserAgentEvents) {
    this.#events = events;
  }

  get sessionCount(): number {
    return [...this.incoming, ...this.outgoing].filter((one) => one.state !== 'ended').length;
  }

  start(): Promise<Result<void, MediaError>> {
    return Promise.resolve(this.startError === undefined ? ok(undefined) : fail(this.startError));
  }

  /** Somebody calls us. */
  call(options: IncomingOptions = {}): FakeSession {
    const dnis = options.dnis ?? '1000';
    const invite: SipRequest = {
      kind: 'request',
      method: 'INVITE',
      uri: `sip:${dnis}@127.0.0.1:5060`,
      headers: createHeaders([
        ['From', options.from ?? '"Alice" <sip:+15550001@gateway.example>;tag=a'],
        ['To', `<sip:${dnis}@127.0.0.1>`],
        ...(options.headers ?? []),
      ]),
      body: EMPTY_BODY,
    };
    const session = new FakeSession('incoming', invite, {}, this.#newId());
    session.onAccept = options.onAccept ?? 'ack';
    this.incoming.push(session);
    this.#events.onInvite(session);
    return session;
  }

  invite(options: InviteOptions): FakeSession {
    const user = options.to.user ?? '';
    const invite: SipRequest = {
      kind: 'request',
      method: 'INVITE',
      uri: `sip:${user}@${options.to.host}:${options.to.port ?? 5060}`,
      headers: createHeaders([['To', `<sip:${options.to.host}>`]]),
      body: EMPTY_BODY,
    };
    const session = new FakeSession('outgoing', invite, options.events, this.#newId());
    session.media = options.media;
    this.outgoing.push(session);
    queueMicrotask(() => this.onOutgoing(session, options));
    return session;
  }

  drain(): void {
    this.draining = true;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.incoming, ...this.outgoing].map((session) => session.end()));
  }

  #newId(): CallId {
    return `k${this.#nextId++}` as CallId;
  }
}
