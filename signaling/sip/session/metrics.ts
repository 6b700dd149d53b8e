/** Counters of the agent and its sessions; one set per process, whoever asks first makes it. */
import type { Metrics } from '../../../common/metrics.ts';
import type { SessionEnd } from '../user-agent.ts';
import { ALLOWED_METHODS } from './capabilities.ts';

export interface SipMetrics {
  request(method: string, direction: 'in' | 'out'): void;
  response(status: number, direction: 'in' | 'out'): void;
  sessionStarted(direction: 'incoming' | 'outgoing'): void;
  sessionEnded(direction: 'incoming' | 'outgoing', end: SessionEnd): void;
  /** From INVITE to 2xx. */
  setup(durationMs: number): void;
  illegal(machine: string): void;
}

const SETUP_BUCKETS_S = [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 180];
const KNOWN: ReadonlySet<string> = new Set([
  ...ALLOWED_METHODS,
  'REGISTER',
  'SUBSCRIBE',
  'NOTIFY',
  'REFER',
  'MESSAGE',
  'PUBLISH',
]);

export function createSipMetrics(metrics: Metrics): SipMetrics {
  const requests = metrics.counter(
    'minusone_sip_requests_total',
    'SIP requests, by method; retransmissions not counted.',
    ['method', 'direction'],
  );
  const responses = metrics.counter('minusone_sip_responses_total', 'SIP responses, by class.', [
    'class',
    'direction',
  ]);
  const sessions = metrics.gauge('minusone_sip_sessions', 'INVITE sessions that are not ended.', [
    'direction',
  ]);
  const ends = metrics.counter('minusone_sip_session_ends_total', 'INVITE sessions that ended.', [
    'direction',
    'by',
    'established',
    'status',
  ]);
  const setup = metrics.histogram(
    'minusone_sip_setup_seconds',
    'From INVITE to its 2xx.',
    SETUP_BUCKETS_S,
  );
  const illegal = metrics.counter(
    'minusone_sip_illegal_transitions_total',
    'Events that a state machine of the session layer does not expect.',
    ['machine'],
  );
  return {
    // A method is a peer's word: unknown ones share a label, as each label costs memory for ever.
    request: (method, direction) =>
      requests.add(1, { method: KNOWN.has(method) ? method : 'other', direction }),
    response: (status, direction) =>
      responses.add(1, { class: `${Math.floor(status / 100)}xx`, direction }),
    sessionStarted: (direction) => sessions.add(1, { direction }),
    sessionEnded: (direction, end) => {
      sessions.add(-1, { direction });
      ends.add(1, {
        direction,
        by: end.by,
        established: String(end.established),
        status: String(end.status ?? ''),
      });
    },
    setup: (durationMs) => setup.observe(durationMs / 1_000),
    illegal: (machine) => illegal.add(1, { machine }),
  };
}
