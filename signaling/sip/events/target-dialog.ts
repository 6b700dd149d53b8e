/** Target-Dialog (RFC 4538): who knows all parts of a dialog's identifier is one of its two ends. */
import { parseParameters } from '../grammar.ts';

export interface TargetDialog {
  readonly callId: string;
  /**
   * Which of the two is ours is a matter of the point of view, on which senders differ; both together
   * are the proof, so both orders are tried.
   */
  readonly tags: readonly [local: string, remote: string];
}

export function parseTargetDialog(value: string): TargetDialog | undefined {
  const semicolon = value.indexOf(';');
  if (semicolon < 0) return undefined;
  const callId = value.slice(0, semicolon).trim();
  const parameters = parseParameters(value, semicolon);
  if (callId === '' || !parameters.ok) return undefined;
  const local = parameters.value.get('local-tag');
  const remote = parameters.value.get('remote-tag');
  // A dialog of RFC 2543 without a tag is no secret.
  if (!local || !remote) return undefined;
  return { callId, tags: [local, remote] };
}
