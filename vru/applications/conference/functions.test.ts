/** R21–R24: from the key to the request and the spoken answer, in virtual time. */
import { describe, expect, it } from 'vitest';
import type { ConfereeId } from '../../../common/ids.ts';
import { fakePlace } from '../../testing/fake-conference.ts';
import { createVruBench } from '../../testing/vru-bench.ts';
import { helpText } from './actions.ts';
import { resolveKeys } from './key-settings.ts';
import { conferenceRowSettings } from './row-settings.ts';

async function seated(role: 'host' | 'participant', dnis = '1000', row?: Record<string, unknown>) {
  const bench = await createVruBench();
  const { conference } = bench;
  if (row !== undefined) conference.row({ dnis, application: 'conference', settings: row });
  conference.onEnter = () => Promise.resolve({ kind: 'enter', place: fakePlace({ role }) });
  const call = await bench.call({ dnis });
  await call.press('110001#');
  await bench.clock.advance(20_000);
  for (const [ordinal, number] of [
    [2, '+4930123'],
    [3, 'anonymous'],
  ] as const) {
    const confereeId = `p${ordinal}` as ConfereeId;
    conference.join(fakePlace({ role: 'participant', ordinal, confereeId }), number);
  }
  call.heard();
  const controls = () =>
    conference.asked.flatMap((asked) => (asked.kind === 'control' ? [asked.action] : []));
  return { ...bench, call, controls };
}

describe('R21: roll call', () => {
  it('is private: the number, then each ordinal with the number of the caller, digit by digit', async () => {
    const { call } = await seated('host');
    await call.press('*8');
    expect(call.leg.playbacks.at(-1)?.options.mode).toBe('mix');
    expect(call.heard()).toBe(
      'in-the-conference-there-are number-3 participants ' +
        'silence conferee-number number-1 the-host from-number plus number-1 number-5 number-5 number-5 number-0 number-0 number-0 number-1 ' +
        'silence conferee-number number-2 from-number plus number-4 number-9 number-3 number-0 number-1 number-2 number-3 ' +
        'silence conferee-number number-3 unknown-caller silence end-of-list',
    );
  });

  it('any key stops it', async () => {
    const { call } = await seated('host');
    await call.press('*8');
    expect(call.playing()).toContain('in-the-conference');
    await call.press('*');
    expect(call.playing()).toBe('');
    await call.press('#');
    expect(call.playing()).toBe('in-the-conference-there-are number-3 participants');
  });

  it('is for hosts', async () => {
    const { call } = await seated('participant');
    await call.press('*8');
    expect(call.heard()).toBe('not-a-host');
  });
});

describe('R22, R23: the private roster', () => {
  it('goes on and back, mutes, deletes, makes host, and is left with #', async () => {
    const { call, controls } = await seated('host');
    await call.press('*9');
    expect(call.heard()).toBe('in-the-conference-there-are number-3 participants roster-help');
    await call.press('66');
    expect(call.heard()).toContain('conferee-number number-2 from-number');
    await call.press('5');
    expect(controls()).toEqual([{ kind: 'mute', ordinal: 2, muted: true }]);
    expect(call.heard()).toBe('conferee-number number-2 is-muted');
    await call.press('5');
    expect(call.heard()).toBe('conferee-number number-2 is-unmuted');
    await call.press('6');
    expect(call.heard()).toBe('conferee-number number-3 unknown-caller');
    await call.press('6');
    expect(call.heard()).toBe('end-of-list');
    await call.press('9');
    expect(controls().at(-1)).toEqual({ kind: 'delete', ordinal: 3 });
    expect(call.heard()).toBe('conferee-number number-3 has-been-removed');
    await call.press('5');
    expect(call.heard()).toBe('no-such-conferee');
    await call.press('4');
    expect(call.heard()).toContain('conferee-number number-2');
    await call.press('1');
    expect(controls().at(-1)).toEqual({ kind: 'make-host', ordinal: 2 });
    expect(call.heard()).toBe('conferee-number number-2 is-now-host');
    await call.press('8');
    expect(call.heard()).toBe('roster-help');
    await call.press('#');
    expect(call.heard()).toBe('returning-to-conference');
    await call.press('*7');
    expect(controls().at(-1)).toEqual({ kind: 'lock', locked: true });
  });

  it('closes by itself, so that keys mean again what they did', async () => {
    const { call, clock, controls } = await seated('host');
    await call.press('*9');
    await clock.advance(30_000);
    expect(call.heard()).toContain('returning-to-conference');
    await call.press('*6');
    expect(controls()).toEqual([{ kind: 'mute-self', muted: true }]);
  });

  it('by the number of a conferee: mute with #1, delete with #9', async () => {
    const { call, clock, controls } = await seated('host');
    await call.press('#1');
    expect(call.heard()).toBe('enter-conferee-number');
    await call.press('2#');
    expect(call.heard()).toBe('conferee-number number-2 is-muted');
    await call.press('#9');
    await call.press('3');
    await clock.advance(3_000);
    expect(call.heard()).toContain('conferee-number number-3 has-been-removed');
    expect(controls()).toEqual([
      { kind: 'mute', ordinal: 2, muted: true },
      { kind: 'delete', ordinal: 3 },
    ]);
    await call.press('#9');
    await call.press('77#');
    expect(call.heard()).toContain('no-such-conferee');
    await call.press('#9*');
    expect(controls()).toHaveLength(2);
  });
});

describe('R22: modes, hands and one’s own mute', () => {
  it('*5 goes from open to lecture, questions and back', async () => {
    const { call, conference } = await seated('host');
    for (const words of ['lecture-mode', 'question-mode', 'open-mode']) {
      await call.press('*5');
      expect(call.heard()).toBe(words);
    }
    expect(conference.present.mode).toBe('open');
    await call.press('#5');
    expect(call.heard()).toBe('all-muted');
    expect(conference.present.conferees.get(2)?.mutedByMode).toBe(true);
    await call.press('#5');
    expect(call.heard()).toBe('all-unmuted');
  });

  it('*9 of a participant raises and lowers the hand, but not in a lecture', async () => {
    const { call, conference } = await seated('participant');
    await call.press('*9');
    expect(call.heard()).toBe('hand-raised');
    await call.press('*9');
    expect(call.heard()).toBe('hand-lowered');
    conference.append({ kind: 'mode', mode: 'lecture' });
    await call.press('*9');
    expect(call.heard()).toBe('lecture-mode');
    expect(conference.present.conferees.get(1)?.handRaisedAtMs).toBeNull();
  });

  it('*6 of one whom the host or the mode has muted says why', async () => {
    const { call, conference, controls } = await seated('participant');
    conference.append({ kind: 'muted', ordinal: 1, bit: 'host', muted: true });
    await call.press('*6');
    expect(call.heard()).toBe('still-muted-by-host');
    expect(controls()).toEqual([]);
    conference.append({ kind: 'muted', ordinal: 1, bit: 'host', muted: false });
    await call.press('*6');
    conference.append({ kind: 'mode', mode: 'questions' });
    await call.press('*6');
    expect(call.heard()).toBe('muted muted-by-mode');
    expect(conference.present.conferees.get(1)).toMatchObject({
      mutedBySelf: false,
      mutedByMode: true,
    });
  });

  it('whoever is made host hears it and has the keys of a host', async () => {
    const { call } = await seated('participant');
    await call.press('*9');
    expect(call.heard()).toBe('hand-raised');
    await call.command({ kind: 'announce', prompt: 'you-are-now-host', role: 'host' });
    await call.press('*9');
    expect(call.heard()).toContain('roster-help');
  });

  it('two hosts do not undo each other by accident: the state is read, not remembered', async () => {
    const { call, conference, controls } = await seated('host');
    conference.append({ kind: 'locked', locked: true });
    await call.press('*7');
    expect(controls()).toEqual([{ kind: 'lock', locked: false }]);
    expect(call.heard()).toBe('unlocked');
  });
});

describe('key maps as data', () => {
  it.each(['classic', 'zoom', 'teams', 'confbridge'] as const)(
    '%s: complete and unambiguous',
    (keyMap) => {
      const resolved = resolveKeys({ keyMap });
      if (!resolved.ok) throw new Error(resolved.error);
      for (const map of [resolved.value.host, resolved.value.participant]) {
        expect(map['*6']).toBe('mute-self');
        for (const action of ['leave', 'help', 'lock', 'end'])
          expect(Object.values(map)).toContain(action);
      }
      expect(Object.values(resolved.value.host)).toContain('roster');
      expect(Object.values(resolved.value.participant)).toContain('hand');
    },
  );

  it('another prefix key swaps with the star; *6 stays', async () => {
    const { call } = await seated('host', '1002', { keyPrefix: '#', announce: 'none' });
    await call.press('#7');
    await call.press('#*');
    await call.press('*6');
    expect(call.heard()).toBe('locked in-the-conference-there-are number-3 participants muted');
  });

  it('a sequence that begins another is refused by name', () => {
    const bad = { hostKeys: { '*51': 'mute-all' } };
    const parsed = conferenceRowSettings.safeParse(bad);
    expect(parsed.error?.issues[0]?.message).toContain(
      'keys of the host: *5 (mode) is the beginning of *51 (mute-all)',
    );
    expect(resolveKeys({ hostKeys: { '*5': 'none', '*51': 'mute-all' } }).ok).toBe(true);
    expect(resolveKeys({ keys: { '*': 'help' } }).ok).toBe(false);
  });

  it('the preset of a row is in force, and its help', async () => {
    const { call } = await seated('participant', '1003', { keyMap: 'teams', announce: 'none' });
    await call.press('*5');
    expect(call.heard()).toBe('hand-raised');
    await call.press('*1');
    const heard = call.heard();
    expect(heard).toContain('for-hand-press star number-5');
    expect(heard).not.toContain('for-lock-press');
  });

  it('the help names every function of the role once', () => {
    const resolved = resolveKeys({});
    if (!resolved.ok) throw new Error(resolved.error);
    const { host } = resolved.value;
    const named = helpText(host, true).filter((phrase) => String(phrase).startsWith('for-'));
    expect(named).toHaveLength(new Set(Object.values(host)).size);
  });
});
