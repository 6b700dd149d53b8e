/** What is remembered of one call until it is over, for its record (signaling/derived/call-end.ts). */
import type { Clock } from '../common/clock.ts';
import type { NodeId } from '../common/ids.ts';
import type { CodecName, LegStatistics } from '../mixer/media.ts';
import type { CallerOfVru } from '../signaling/conference/client.ts';
import { legMediaOf } from '../signaling/conference/leg-media.ts';
import type { ApplicationName } from '../signaling/conference/messages.ts';
import type { CallEnd, EntryDecision } from '../signaling/derived/call-end.ts';
import type { Session } from '../signaling/sip/user-agent.ts';
import { codeSourceOf } from './routing.ts';

/** A caller who tries longer keeps the first ones. */
const MAX_DECISIONS = 32;
const TEXT_LIMIT = 128;

export type Decided = Omit<EntryDecision, 'atMs'>;

export class CallDiary {
  readonly #clock: Clock;
  readonly #caller: CallerOfVru;
  readonly #startedAtMs: number;
  readonly #decisions: EntryDecision[] = [];
  #session: Session | undefined;
  #answeredAtMs: number | null = null;
  #application: ApplicationName | undefined;
  #end: Pick<CallEnd, 'endedAtMs' | 'reason' | 'sipStatus'> | undefined;

  constructor(clock: Clock, caller: CallerOfVru) {
    this.#clock = clock;
    this.#caller = caller;
    this.#startedAtMs = clock.wallMs();
  }

  /** A call of ours has none when there was no leg for it. */
  adopt(session: Session): void {
    this.#session = session;
  }

  answered(): void {
    this.#answeredAtMs = this.#clock.wallMs();
  }

  decided(decision: Decided): void {
    const last = this.#decisions.at(-1);
    const again = last?.kind === decision.kind && last.reason === decision.reason;
    // A refusal is told by who decides and once more by who speaks it.
    if ((again && decision.kind === 'refused') || this.#decisions.length >= MAX_DECISIONS) return;
    this.#decisions.push({ atMs: this.#clock.wallMs(), ...decision });
  }

  served(application: ApplicationName): void {
    this.#application = application;
  }

  /** The first one counts. */
  ended(reason: string, sipStatus?: number): void {
    this.#end ??= {
      endedAtMs: this.#clock.wallMs(),
      reason: reason.slice(0, TEXT_LIMIT),
      ...(sipStatus === undefined ? {} : { sipStatus }),
    };
  }

  close(
    vruId: NodeId,
    endedBy: string | undefined,
    codec: CodecName | undefined,
    statistics: LegStatistics | undefined,
  ): CallEnd {
    this.ended(this.#answeredAtMs === null ? 'cancelled' : 'hangup');
    const { callId, callerNumber, callerName, dnis } = this.#caller;
    const end = this.#end ?? { endedAtMs: this.#clock.wallMs(), reason: 'hangup' };
    return {
      version: 1,
      callId,
      vruId,
      direction: this.#session?.direction === 'incoming' ? 'in' : 'out',
      sipCallId: (this.#session?.invite.headers.get('Call-ID') ?? '').slice(0, 256),
      trunk: codeSourceOf(this.#caller, this.#session?.flow ?? '').trunk,
      callerNumber,
      ...(callerName === undefined ? {} : { callerName }),
      dnis,
      ...(this.#application === undefined ? {} : { application: this.#application }),
      startedAtMs: this.#startedAtMs,
      answeredAtMs: this.#answeredAtMs,
      endedBy: endedByOf(endedBy),
      ...end,
      media: statistics === undefined ? null : legMediaOf(codec, statistics),
      decisions: this.#decisions,
    };
  }
}

function endedByOf(endedBy: string | undefined): CallEnd['endedBy'] {
  if (endedBy === 'remote') return 'caller';
  return endedBy === 'timeout' || endedBy === 'transport' || endedBy === 'media'
    ? 'network'
    : 'system';
}
