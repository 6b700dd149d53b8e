import type { CounterMetric, GaugeMetric, HistogramMetric, Metrics } from '../common/metrics.ts';

/** Every metric of a VRU, so that names and labels stand in one place. */
export interface VruMetrics {
  readonly calls: GaugeMetric;
  readonly callsEnded: CounterMetric;
  readonly callsRefused: CounterMetric;
  readonly codes: CounterMetric;
  readonly refusals: CounterMetric;
  readonly waiting: GaugeMetric;
  readonly entrySeconds: HistogramMetric;
  readonly reconnects: CounterMetric;
  readonly reconnectSeconds: HistogramMetric;
  readonly callMos: HistogramMetric;
  readonly moves: CounterMetric;
  readonly digits: CounterMetric;
  readonly commands: CounterMetric;
  readonly messages: CounterMetric;
  readonly names: CounterMetric;
  readonly flowErrors: CounterMetric;
  readonly illegal: CounterMetric;
}

const OPINIONS = [1.5, 2, 2.5, 3, 3.3, 3.6, 3.8, 4, 4.2, 4.3, 4.4];
const SECONDS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10];

export function createVruMetrics(metrics: Metrics): VruMetrics {
  const counter = (name: string, help: string, labels: readonly string[] = []): CounterMetric =>
    metrics.counter(`minusone_vru_${name}_total`, help, labels);
  return {
    calls: metrics.gauge('minusone_vru_calls', 'Calls that are being served.'),
    callsEnded: counter('calls_ended', 'Answered calls by application and reason of the end.', [
      'application',
      'end',
    ]),
    callsRefused: counter('calls_refused', 'Calls refused before the answer, by rule.', ['rule']),
    codes: counter('codes', 'Conference codes entered, by result.', ['result']),
    refusals: counter('refusals', 'Callers refused after the answer, by reason.', ['reason']),
    waiting: metrics.gauge('minusone_vru_waiting', 'Callers who hear music until the host comes.'),
    entrySeconds: metrics.histogram(
      'minusone_vru_entry_seconds',
      'From a valid code to audio with the conference.',
      SECONDS,
    ),
    reconnects: counter('reconnects', 'Conferees whose mixer was lost, by outcome.', ['outcome']),
    reconnectSeconds: metrics.histogram(
      'minusone_vru_reconnect_seconds',
      'From the loss of a mixer to audio with the conference.',
      SECONDS,
    ),
    callMos: metrics.histogram(
      'minusone_vru_call_mos',
      'Estimated opinion score of what came from the caller, of ended calls with G.711.',
      OPINIONS,
    ),
    moves: counter('moves', 'Conferees moved from one conference or mixer to another.'),
    digits: counter('digits', 'Key presses reported, by source and what became of them.', [
      'source',
      'fate',
    ]),
    commands: counter('commands', 'Commands of interface servers, by kind and result.', [
      'kind',
      'result',
    ]),
    messages: counter('voicemail_messages', 'Voice messages, by result.', ['result']),
    names: counter('names', 'Callers who were asked for a name, by outcome.', ['outcome']),
    flowErrors: counter('flow_errors', 'Flows that ended in a technical problem.'),
    illegal: counter('illegal_transitions', 'Events that no call state expects.'),
  };
}
