/** Messages on disk: one folder a mailbox, a WAV file and its JSON beside it a message. */
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MediaError } from '../../common/errors.ts';
import { type Random, randomToken } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';

export interface MailboxLimits {
  readonly maxMessages: number;
  readonly maxMailboxBytes: number;
}

export interface MessageRecord {
  readonly version: 1;
  readonly id: string;
  readonly mailbox: string;
  readonly callId: string;
  readonly callerNumber: string;
  readonly callerName?: string;
  readonly dnis: string;
  readonly receivedAt: string;
  readonly durationMs: number;
  readonly endedBy: string;
}

/** A message that is being recorded: keep it or drop it. */
export interface Draft {
  readonly id: string;
  readonly path: string;
  keep(record: MessageRecord): Promise<void>;
  drop(): Promise<void>;
}

/** Names of mailboxes are path parts, and come from the DNIS table. */
export const MAILBOX_NAME = /^[A-Za-z0-9_+-]{1,64}$/;

/** Room for one more message. Error `overloaded`: the mailbox is full. */
export async function openDraft(
  folder: string,
  mailbox: string,
  limits: MailboxLimits,
  random: Random,
): Promise<Result<Draft, MediaError>> {
  if (!MAILBOX_NAME.test(mailbox)) return fail(new MediaError('bad-request', 'bad mailbox name'));
  const directory = join(folder, mailbox);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const { messages, bytes } = await measure(directory);
    if (messages >= limits.maxMessages || bytes >= limits.maxMailboxBytes) {
      return fail(new MediaError('overloaded', `mailbox ${mailbox} is full`));
    }
  } catch (error) {
    return fail(new MediaError('store-failed', `mailbox ${mailbox}`, { cause: error }));
  }
  const id = `m${randomToken(random, 12)}`;
  const path = join(directory, `${id}.wav`);
  const recordPath = join(directory, `${id}.json`);
  return ok({
    id,
    path,
    keep: async (record) => {
      // A reader never sees half a record.
      await writeFile(`${recordPath}.part`, `${JSON.stringify(record, null, 2)}\n`, {
        mode: 0o600,
      });
      await rename(`${recordPath}.part`, recordPath);
    },
    drop: () => rm(path, { force: true }),
  });
}

async function measure(directory: string): Promise<{ messages: number; bytes: number }> {
  let messages = 0;
  let bytes = 0;
  for (const name of await readdir(directory)) {
    if (!name.endsWith('.wav')) continue;
    messages += 1;
    bytes += (await stat(join(directory, name))).size;
  }
  return { messages, bytes };
}
