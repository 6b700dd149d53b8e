import { describe, expect, it } from 'vitest';
import { type ConferenceSituation, decideEntry, type EntrySituation } from './entry.ts';

const MODES = ['start', 'hold', 'mingle'] as const;
const ROLES = ['host', 'participant'] as const;

const running: ConferenceSituation = {
  ended: false,
  locked: false,
  hosts: 1,
  size: 3,
  mixerAlive: true,
};

const nobody: EntrySituation = {
  role: 'host',
  waitingMode: 'hold',
  conference: undefined,
  waiting: 0,
};

/** Every combination of what the decision looks at. */
function* everySituation(): Generator<EntrySituation> {
  const conferences: (ConferenceSituation | undefined)[] = [undefined];
  for (const ended of [false, true]) {
    for (const locked of [false, true]) {
      for (const mixerAlive of [false, true]) {
        for (const [hosts, size] of [
          [0, 1],
          [1, 1],
          [1, 4],
          [2, 9],
        ] as const) {
          conferences.push({ ended, locked, mixerAlive, hosts, size });
        }
      }
    }
  }
  for (const role of ROLES) {
    for (const waitingMode of MODES) {
      for (const maxConferees of [undefined, 2, 4]) {
        for (const waiting of [0, 1, 3]) {
          for (const conference of conferences) {
            yield { role, waitingMode, maxConferees, waiting, conference };
          }
        }
      }
    }
  }
}

/** The requirements once more, in another form than the code has. */
function expected(situation: EntrySituation): string {
  const {
    role,
    waitingMode,
    conference,
    waiting,
    maxConferees = Number.POSITIVE_INFINITY,
  } = situation;
  const live = conference !== undefined && !conference.ended ? conference : undefined;
  if (live?.locked === true && (role === 'participant' || live.hosts > 0)) return 'refuse locked';
  if (live !== undefined && live.size >= maxConferees) return 'refuse conference-full';
  if (live?.mixerAlive === false) return 'replace-mixer-and-join';
  if (live !== undefined) return 'join';
  const creates = role === 'host' || waitingMode === 'start';
  if (creates) return waiting > 0 ? 'create-and-move-waiting' : 'create';
  if (waiting + 2 > maxConferees) return 'refuse conference-full';
  return waitingMode;
}

describe('the decision of an entry', () => {
  it('is the required one in every situation', () => {
    let count = 0;
    for (const situation of everySituation()) {
      const decision = decideEntry(situation);
      const text = decision.kind === 'refuse' ? `refuse ${decision.reason}` : decision.kind;
      expect(text, JSON.stringify(situation)).toBe(expected(situation));
      count += 1;
    }
    expect(count).toBe(2 * 3 * 3 * 3 * 33);
  });

  it('R4/R5: a host creates, and takes along who waits', () => {
    expect(decideEntry(nobody)).toEqual({ kind: 'create' });
    expect(decideEntry({ ...nobody, waiting: 2 })).toEqual({ kind: 'create-and-move-waiting' });
  });

  it('R6: a host joins what exists', () => {
    expect(decideEntry({ ...nobody, conference: running })).toEqual({ kind: 'join' });
  });

  it('R7: a host creates where there is only a stale record', () => {
    const stale = { ...running, ended: true, locked: true };
    expect(decideEntry({ ...nobody, conference: stale })).toEqual({ kind: 'create' });
  });

  it('R8–R10: a participant without a conference does what the account says', () => {
    const kinds = MODES.map((waitingMode) =>
      decideEntry({ ...nobody, role: 'participant', waitingMode }),
    );
    expect(kinds).toEqual([{ kind: 'create' }, { kind: 'hold' }, { kind: 'mingle' }]);
  });

  it('R24: nobody comes into a locked one, but a host into one without a host', () => {
    const locked = { ...running, locked: true };
    const refused = { kind: 'refuse', reason: 'locked' };
    expect(decideEntry({ ...nobody, conference: locked })).toEqual(refused);
    expect(decideEntry({ ...nobody, role: 'participant', conference: locked })).toEqual(refused);
    const hostless = { ...locked, hosts: 0 };
    expect(decideEntry({ ...nobody, conference: hostless })).toEqual({ kind: 'join' });
  });
});
