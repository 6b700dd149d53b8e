/**
 * Flows: what a caller goes through, written as plain async functions over a CallContext. A flow is
 * made of steps (steps/*.ts) and ends by returning; a hang-up ends it from outside (scope.ts).
 * A flow must never know SIP, and never leave a caller in silence: an exception is spoken too.
 */
import type { Clock } from '../common/clock.ts';
import type { MediaError } from '../common/errors.ts';
import type { CallId, Random } from '../common/ids.ts';
import type { Logger } from '../common/log.ts';
import type { Result } from '../common/result.ts';
import type { CodecName, Digit, MediaLeg, Route } from '../mixer/media.ts';
import type { CallerOfVru, ConferenceClient } from '../signaling/conference/client.ts';
import type { CodeSource } from '../signaling/conference/fraud-shield.ts';
import type { ApplicationName, Refusal, VruCommand } from '../signaling/conference/messages.ts';
import type { Decided } from './call-diary.ts';
import type { PendingCommand } from './commands.ts';
import type { Inbox } from './inbox.ts';
import type { Background, LinkDialler } from './mixer-link.ts';
import type { Outdial } from './outdial.ts';
import { Cancelled, pause } from './scope.ts';
import type { VruSettings } from './settings.ts';
import type { Speech } from './speech.ts';
import { say } from './steps/say.ts';
import type { VruMetrics } from './vru-metrics.ts';

/** What every call of one VRU shares. */
export interface VruParts {
  readonly client: ConferenceClient;
  readonly speech: Speech;
  readonly links: LinkDialler;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: VruMetrics;
  readonly settings: VruSettings;
  readonly background: Background;
  /** Absent: this VRU has no trunk. */
  readonly outdial: Outdial | undefined;
}

/** One answered call, as its flow sees it. */
export interface CallContext {
  readonly id: CallId;
  readonly caller: CallerOfVru;
  /** As whom the caller guesses, if he guesses codes. */
  readonly source: CodeSource;
  readonly leg: MediaLeg;
  /** Where the leg's audio goes, while the caller does not hold the call. */
  readonly route: (route: Route) => void;
  /** What the leg sends now; a second leg prefers the same. */
  readonly codec: () => CodecName | undefined;
  readonly digits: Inbox<Digit>;
  readonly commands: Inbox<PendingCommand>;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
  readonly language: string;
  /** For the record of the call: what was decided about its entry. */
  readonly decided: (decision: Decided) => void;
  readonly log: Logger;
  readonly parts: VruParts;
}

/** Why a call ended: metric label and log field. */
export type EndReason =
  | 'hangup'
  | 'left'
  | 'finished'
  | 'no-choice'
  | 'reconnect-failed'
  | 'technical-problem'
  /** Somebody whom we called did not press 1. */
  | 'not-confirmed'
  | `refused-${Refusal}`
  | `released-${Extract<VruCommand, { kind: 'release' }>['why']}`;

export type FlowEnd =
  | { readonly kind: 'hang-up'; readonly reason: EndReason }
  /** Go on as if this number had been dialled. */
  | { readonly kind: 'dnis'; readonly dnis: string }
  | { readonly kind: 'application'; readonly choice: Choice };

export interface Choice {
  readonly application: ApplicationName;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly language: string;
  /** Before the answer; only of the number that was dialled. */
  readonly ringMs?: number;
}

export type Application = (
  context: CallContext,
  settings: Readonly<Record<string, unknown>>,
) => Promise<FlowEnd>;

/** Number → application, as on an incoming call. */
export type Lookup = (dnis: string) => Promise<Result<Choice, MediaError>>;

/** A menu may lead to a menu; a circle of them ends here. */
const MAX_HOPS = 16;

/** Runs applications one after another until one hangs up. Never rejects. */
export async function runFlow(
  context: CallContext,
  first: Choice,
  applications: Readonly<Record<ApplicationName, Application>>,
  lookup: Lookup,
): Promise<{ readonly application: ApplicationName; readonly reason: EndReason }> {
  let choice = first;
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const { application, settings, language } = choice;
    const serve = applications[application];
    const end = await runSafely(
      { ...context, language },
      hop === 0 ? settled(serve) : serve,
      settings,
    );
    if (end.kind === 'hang-up') return { application, reason: end.reason };
    if (end.kind === 'application') {
      choice = end.choice;
      continue;
    }
    const found = await lookup(end.dnis);
    if (!found.ok) {
      context.log.warn({ dnis: end.dnis, error: found.error.code }, 'menu entry leads nowhere');
      return { application, reason: await apologise(context, found.error) };
    }
    choice = found.value;
  }
  context.log.warn({ hops: MAX_HOPS }, 'menus lead in a circle');
  return { application: choice.application, reason: await apologise(context) };
}

/**
 * Who calls learns where to send and to listen from the very answer that lets us speak (RFC 3261 section 13.3.1.4):
 * a telephone or gateway that is not ready for another few packets would miss the first word.
 */
function settled(application: Application): Application {
  return async (context, settings) => {
    const { clock, settings: ours } = context.parts;
    if (ours.settleMs > 0) await pause(clock, context.signal, ours.settleMs);
    return await application(context, settings);
  };
}

/** Never rejects; what goes wrong is spoken. */
export async function runSafely(
  context: CallContext,
  application: Application,
  settings: Readonly<Record<string, unknown>>,
): Promise<FlowEnd> {
  try {
    return await application(context, settings);
  } catch (error) {
    if (error instanceof Cancelled) return { kind: 'hang-up', reason: 'hangup' };
    context.log.error({ err: error }, 'flow failed');
    return { kind: 'hang-up', reason: await apologise(context, error) };
  }
}

/** No caller is ever in silence without a reason. */
async function apologise(context: CallContext, error?: unknown): Promise<EndReason> {
  context.parts.metrics.flowErrors.add();
  try {
    context.route({ kind: 'idle' });
    await say(context, ['technical-problem', 'goodbye']);
    return 'technical-problem';
  } catch (second) {
    if (second instanceof Cancelled) return 'hangup';
    context.log.error({ err: second, first: String(error) }, 'could not even apologise');
    return 'technical-problem';
  }
}
