/** Why a call was refused, in words for the operator: what the rule means, and what to do. */
import type { CallEnd } from './call-end.ts';
import type { CallRecord } from './records.ts';

interface Advice {
  readonly meaning: string;
  readonly remedy: string;
}

const ADVICE: Readonly<Record<string, Advice>> = {
  'invalid-code': {
    meaning: 'The code is not of any account, or was removed.',
    remedy: 'Compare the code with `minusone account list`; the caller may have mistyped it.',
  },
  'too-many-tries': {
    meaning: 'Wrong codes were entered until no try was left (vru.codeTries).',
    remedy:
      'Give the caller the right code. Many such calls of one source are guesses: see minusone_provisioning_fraud_alarms_total.',
  },
  silence: {
    meaning: 'No key was pressed until the time was over, or no key reached us.',
    remedy:
      'If the caller did press keys: check that the gateway sends RFC 4733 events, SIP INFO or in-band tones.',
  },
  locked: {
    meaning: 'The conference was locked by a host.',
    remedy: 'A host unlocks it by key, page or `minusone conference unlock ID`.',
  },
  'conference-full': {
    meaning: 'The conference had as many conferees as the account allows (maxConferees).',
    remedy: 'Raise maxConferees of the account, or leave it out.',
  },
  'no-mixer-of-class': {
    meaning: 'No mixer of the class that the account asks for was running.',
    remedy:
      'Start a mixer of that class (mixer.groups), or change mixerClass of the account; `minusone mixer list` shows what runs.',
  },
  'mixers-busy': {
    meaning: 'Every mixer of the class had no headroom left, as measured.',
    remedy:
      'Add mixers or take other load off their machines; see minusone_mixer_headroom_conferees.',
  },
  'busy-retry': {
    meaning: 'The interface servers had more requests than they could decide in time.',
    remedy: 'See minusone_interface_queue_requests; add interface servers if it stays high.',
  },
  ended: {
    meaning: 'The conference had ended by the time the caller was put (back) into it.',
    remedy: 'The caller may call again; nothing is wrong.',
  },
  draining: {
    meaning: 'This part of the system was being emptied for a stop or an update.',
    remedy: 'Calls go elsewhere or come again after Retry-After; nothing is wrong.',
  },
  'service-unavailable': {
    meaning: 'Provisioning or the interface servers did not answer in time.',
    remedy: 'See /readyz and the log around this time.',
  },
  'max-calls': {
    meaning: 'The VRU had as many calls as it is set to take.',
    remedy: 'Add VRUs (vru.count).',
  },
  'engine-full': {
    meaning: 'The media engine had no headroom for one more call, as measured.',
    remedy: 'Add media threads (media.vruWorkers) or machines; see minusone_engine metrics.',
  },
  'engine-lost': {
    meaning: 'The media thread of the call died; it was started anew.',
    remedy: 'Look for "worker lost" in the log and report it: this is a fault of the program.',
  },
  'ports-exhausted': {
    meaning: 'No RTP port was free.',
    remedy: 'Widen media.portMin to media.portMax.',
  },
  stopping: {
    meaning: 'The VRU was stopping.',
    remedy: 'Nothing, if the stop was meant.',
  },
  'conference-unknown': {
    meaning: 'The dialled number runs nothing here.',
    remedy:
      'Add it: `minusone dnis add NUMBER --application conference`; see `minusone dnis list`.',
  },
  'no-common-codec': {
    meaning: 'The caller offered no codec that we speak.',
    remedy: 'Let the gateway offer PCMU or PCMA.',
  },
  'bad-description': {
    meaning: 'The session description of the caller could not be used.',
    remedy: 'Look at its SDP in a trace of the gateway, by the Call-ID.',
  },
  'no-description': {
    meaning: 'The caller sent no session description where one was due.',
    remedy: 'Look at the ACK in a trace of the gateway, by the Call-ID.',
  },
  timeout: {
    meaning: 'The caller never acknowledged the answer.',
    remedy: 'Check that our Contact address is reachable from the gateway (sip.advertisedAddress).',
  },
};

const UNKNOWN: Advice = {
  meaning: 'The call was refused by a rule without further words.',
  remedy: 'Look for the call id in the log.',
};

export interface RefusalView {
  readonly callId: string;
  readonly sipCallId: string;
  readonly at: string;
  readonly callerNumber: string;
  readonly callerName?: string;
  readonly dnis: string;
  readonly trunk: string;
  readonly accountId: string | null;
  readonly vruId: string;
  readonly reason: string;
  readonly sipStatus?: number;
  readonly meaning: string;
  readonly remedy: string;
  readonly decisions: readonly {
    readonly at: string;
    readonly kind: string;
    readonly reason?: string;
  }[];
}

/** Also of calls that got in at last, or hung up after a wrong code. */
export const wasRefused = (record: CallRecord): boolean =>
  record.outcome === 'refused' || record.decisions.some(isRefusal);

const isRefusal = ({ kind }: CallEnd['decisions'][number]): boolean =>
  kind === 'refused' || kind === 'code-refused';

export function refusalView(record: CallRecord): RefusalView {
  const last = record.decisions.findLast(isRefusal);
  const ofCall = record.outcome === 'refused' ? record.reason.replace(/^refused-/, '') : undefined;
  const reason = ofCall ?? last?.reason ?? record.reason;
  const iso = (ms: number): string => new Date(ms).toISOString();
  const { callId, sipCallId, callerNumber, callerName, dnis, trunk, accountId, vruId } = record;
  return {
    callId,
    sipCallId,
    at: iso(last?.atMs ?? record.startedAtMs),
    callerNumber,
    ...(callerName === undefined ? {} : { callerName }),
    dnis,
    trunk,
    accountId,
    vruId,
    reason,
    ...(record.sipStatus === undefined ? {} : { sipStatus: record.sipStatus }),
    ...(ADVICE[reason] ?? UNKNOWN),
    decisions: record.decisions.map(({ atMs, kind, reason: why }) => ({
      at: iso(atMs),
      kind,
      ...(why === undefined ? {} : { reason: why }),
    })),
  };
}
