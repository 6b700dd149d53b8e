import type { Bus } from '../../common/bus/bus.ts';
import type { Clock } from '../../common/clock.ts';
import type { MediaError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { ok, type Result } from '../../common/result.ts';
import type { LivingNodes } from './living-nodes.ts';
import { type Caller, commandReply, SUBJECTS, type VruCommand } from './messages.ts';

/** Carrying out a `place` takes an INVITE to the mixer, and its answer. */
const COMMAND_MS = 6_000;
const TRIES = 4;
const FIRST_PAUSE_MS = 100;

type CommandReply = ReturnType<typeof commandReply.parse>;

/** Commands to VRUs, again with the same id until answered or the VRU is gone. */
export class VruLink {
  readonly #options: { readonly bus: Bus; readonly clock: Clock; readonly log: Logger };
  readonly #living: LivingNodes;

  constructor(
    options: { readonly bus: Bus; readonly clock: Clock; readonly log: Logger },
    living: LivingNodes,
  ) {
    this.#options = options;
    this.#living = living;
  }

  async command(
    caller: Pick<Caller, 'vruId' | 'vruStart'>,
    command: VruCommand,
  ): Promise<Result<CommandReply, MediaError>> {
    const { bus, clock, log } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const answer = await bus.request(SUBJECTS.vru(caller.vruId), command, {
        deadlineMs: COMMAND_MS,
      });
      if (answer.ok) return ok(commandReply.safeParse(answer.value).data ?? {});
      if (answer.error.code === 'closed') return answer;
      const hopeless = attempt === TRIES || !(await this.#living.vruOf(caller));
      if (hopeless || !answer.error.retry) {
        const fields = { kind: command.kind, vruId: caller.vruId, callId: command.callId };
        log.warn({ ...fields, errorCode: answer.error.code }, 'a VRU did not carry out a command');
        return answer;
      }
      await clock.sleep(FIRST_PAUSE_MS * 2 ** attempt);
    }
  }
}
