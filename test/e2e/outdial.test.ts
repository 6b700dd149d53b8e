/** R26 with real calls on both sides: 3 VRUs, 2 mixers, a trunk that asks for digest, telephones behind it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import type { AccountId, ConferenceId } from '../../common/ids.ts';
import { addAccount } from '../../signaling/conference/accounts.ts';
import { ConferenceLog } from '../../signaling/conference/conference-log.ts';
import { guardRecord, KEYS, outdialRecord } from '../../signaling/conference/records.ts';
import type { TrunkSettings } from '../../signaling/trunk/trunk.ts';
import { SILENCE_DBFS, toneLevelDbfs } from '../audio/level.ts';
import { type Audio, slice } from '../audio/signals.ts';
import { type FarEnd, startFarEnd } from './far-end.ts';
import { findPrompt, heardPrompt } from './heard.ts';
import { must, type RunningSystem, startSystem } from './system.ts';

const PORT = 18_000;
const FAR_PORT = PORT - 9;
const CODES = new Map([
  ['consult', '7201'],
  ['drop', '7202'],
  ['busy', '7203'],
  ['page', '7204'],
  ['end', '7205'],
  ['early', '7206'],
]);
const host = (id: string): string => `91${CODES.get(id)}#`;
const guest = (id: string): string => `11${CODES.get(id)}#`;
const tone = (frequencyHz: number): string => `tone:${frequencyHz}@-20`;
let system: RunningSystem;
let far: FarEnd;

const TRUNK: TrunkSettings = {
  ...{ name: 'carrier', servers: [`127.0.0.1:${FAR_PORT}`], transport: 'udp' },
  ...{ username: 'minusone', password: 'open-sesame', register: false, registerExpiresS: 3_600 },
  ...{ callerNumber: '+493000', numberFormat: 'plus', numberPrefix: '' },
  ...{ allowedPrefixes: ['+4930'], deniedPrefixes: [], maxConcurrent: 20, maxCallsPerDay: 100 },
};

beforeAll(async () => {
  system = await startSystem({
    rtpPort: PORT,
    vrus: 3,
    vruSettings: { conference: { announce: 'none' } },
    outdial: {
      trunks: [TRUNK],
      rules: {
        plan: { rewrite: [{ from: '0', to: '+49' }], trunks: [TRUNK] },
        ...{ ringTimeoutMs: 30_000, maxDurationMs: 600_000, listConcurrency: 5 },
      },
    },
  });
  for (const [id, code] of CODES) {
    const account = { id: `outdial-${id}`, name: id, waitingMode: 'start', outdial: {} };
    const codes = { hostCodes: [`91${code}`], participantCodes: [`11${code}`] };
    must(await addAccount(system.store, { ...account, ...codes }));
  }
  far = await startFarEnd(
    system.far,
    FAR_PORT,
    {
      '+49301': { answerAfterMs: 1_500, toneHz: 700 },
      '+49302': { answerAfterMs: 500, toneHz: 700 },
      '+49303': { status: 486 },
      '+49304': { answerAfterMs: 500, toneHz: 820, press: { key: '1', afterMs: 6_000 } },
      '+49305': { answerAfterMs: 500, toneHz: 930 },
      '+49306': {},
      '+49307': { answerAfterMs: 6_000, toneHz: 1_040, early: true },
    },
    {
      realm: 'carrier',
      passwordOf: (name) => (name === 'minusone' ? 'open-sesame' : undefined),
    },
  );
});

afterAll(async () => {
  await system.stop();
  await far.stop();
});

/** As in conference.test.ts: the median of short pieces of one second. */
function loudness(audio: Audio | undefined, frequencyHz: number, fromMs: number): number {
  if (audio === undefined) throw new Error('nothing was recorded');
  const pieces = Array.from({ length: 10 }, (_, index) =>
    toneLevelDbfs(slice(audio, fromMs + index * 100, 100), frequencyHz),
  );
  return pieces.toSorted((left, right) => left - right)[5] ?? SILENCE_DBFS;
}

/** The call to a number, once it came. */
async function farCall(number: string) {
  for (let tries = 0; tries < 400; tries++) {
    const found = far.calls.find((call) => call.number === number);
    if (found !== undefined) return found;
    await systemClock.sleep(50);
  }
  throw new Error(`${number} was not called`);
}

async function conferenceOf(id: string): Promise<ConferenceId> {
  for (let tries = 0; tries < 400; tries++) {
    const active = must(await system.store.get(KEYS.active(`outdial-${id}` as AccountId)));
    const guard = guardRecord.safeParse(active?.value);
    if (guard.success && guard.data.established) return guard.data.conferenceId;
    await systemClock.sleep(50);
  }
  throw new Error(`no conference of ${id}`);
}

async function dialsOf(conferenceId: ConferenceId): Promise<readonly string[]> {
  const parts = { store: system.store, clock: systemClock, onAppended() {}, onRaceLost() {} };
  const log = new ConferenceLog(conferenceId, parts);
  must(await log.load());
  return [...log.roster.dials.values()].map(({ number, state }) => `${number} ${state}`);
}

describe.concurrent('R26: by keypad', () => {
  it('the host talks alone with the called person, then brings that person in', async () => {
    // Entry by 3 s; *1 at some 8 s; the answer 1.5 s after the INVITE; *2 some 6 s later.
    const hosting = system.phone(0, {
      dtmf: `${host('consult')},,,,,,,,*1,,,,0301#,,,,,,,,,,,,,,,,,,,,*2`,
      play: tone(330),
      durationMs: 32_000,
    });
    const other = system.phone(1, {
      dtmf: guest('consult'),
      dtmfDelayMs: 1_500,
      play: tone(440),
      durationMs: 30_000,
    });
    const called = await farCall('+49301');
    const [own, theirs] = await Promise.all([hosting, other]);
    // A conferee like any other: still there, as the last one.
    expect(called.session.state).toBe('established');
    await called.session.end();
    const { audio } = await called.ended;
    expect(heardPrompt(own.audio, 'dial-number')).toBe(true);
    expect(heardPrompt(own.audio, 'call-answered')).toBe(true);
    const talkMs = findPrompt(own.audio, 'call-answered').atMs + 2_500;
    // Alone: the host hears the called person and not the conference, which hears neither.
    expect(loudness(own.audio, 700, talkMs)).toBeCloseTo(-20, 0);
    expect(loudness(own.audio, 440, talkMs)).toBeLessThan(-55);
    // The called person hears the host, and later both.
    expect(loudness(audio, 330, 3_000)).toBeCloseTo(-20, 0);
    expect(loudness(audio, 440, 3_000)).toBeLessThan(-55);
    const backMs = findPrompt(own.audio, 'returning-to-conference').atMs + 3_000;
    expect(loudness(own.audio, 440, backMs)).toBeCloseTo(-20, 0);
    expect(loudness(own.audio, 700, backMs)).toBeCloseTo(-20, 0);
    expect(loudness(theirs.audio, 700, 27_500)).toBeCloseTo(-20, 0);
  });

  it('*3 drops the called person; the others went on talking', async () => {
    const hosting = system.phone(1, {
      dtmf: `${host('drop')},,,,,,,,*1,,,,0302#,,,,,,,,,,,,,,,,*3`,
      durationMs: 28_000,
    });
    const others = [440, 560].map((hz) =>
      system.phone(2, {
        dtmf: guest('drop'),
        dtmfDelayMs: 1_500,
        play: tone(hz),
        durationMs: 28_000,
      }),
    );
    const called = await farCall('+49302');
    const [own, first] = await Promise.all([hosting, ...others]);
    expect((await called.ended).by).toBe('remote');
    const talkMs = findPrompt(own.audio, 'call-answered').atMs + 2_500;
    expect(loudness(own.audio, 700, talkMs)).toBeCloseTo(-20, 0);
    // Meanwhile, and never the called person.
    expect(loudness(first?.audio, 560, talkMs)).toBeCloseTo(-20, 0);
    expect(loudness(first?.audio, 700, talkMs)).toBeLessThan(-55);
    const backMs = findPrompt(own.audio, 'returning-to-conference').atMs + 3_000;
    expect(loudness(own.audio, 440, backMs)).toBeCloseTo(-20, 0);
    expect(loudness(own.audio, 700, backMs)).toBeLessThan(-55);
  });

  it('busy is heard, and so is a number that is not allowed', async () => {
    const own = await system.phone(2, {
      dtmf: `${host('busy')},,,,,,,,*1,,,,0303#,,,,,,,,,,,,,,,,,,*1,,,,08912#`,
      durationMs: 32_000,
    });
    expect(heardPrompt(own.audio, 'dial-busy')).toBe(true);
    expect(heardPrompt(own.audio, 'dial-not-allowed')).toBe(true);
    expect(far.calls.some(({ number }) => number.includes('8912'))).toBe(false);
  });

  it('what the far end plays before the answer is heard', async () => {
    const own = await system.phone(0, {
      dtmf: `${host('early')},,,,,,,,*1,,,,0307#`,
      durationMs: 16_500,
    });
    // At once in place of "your call is being connected".
    const asked = findPrompt(own.audio, 'dial-number').atMs;
    expect(loudness(own.audio, 1_040, asked + 5_000)).toBeCloseTo(-20, 0);
    expect((await (await farCall('+49307')).ended).by).toBe('remote');
  });
});

describe.concurrent('R26: by page and API', () => {
  it('who presses 1 is in; a machine never is', async () => {
    const hosting = system.phone(0, { dtmf: host('page'), durationMs: 34_000 });
    const id = await conferenceOf('page');
    for (const number of ['030 4', '030 5']) {
      const reply = must(await system.service.dial(id, undefined, { number }));
      expect(reply.kind).toBe('dialling');
    }
    const [human, machine] = await Promise.all([farCall('+49304'), farCall('+49305')]);
    const { audio } = await machine.ended;
    if (audio === undefined) throw new Error('nothing was recorded');
    expect(heardPrompt(audio, 'invited-to-conference')).toBe(true);
    const states = await dialsOf(id);
    expect(states).toEqual(['+49304 joined', '+49305 not-confirmed']);
    const own = await hosting;
    expect(loudness(own.audio, 820, 24_000)).toBeCloseTo(-20, 0);
    expect(loudness(own.audio, 930, 24_000)).toBeLessThan(-55);
    // The host leaves, nobody else but the called person is in it: it goes on until that one hangs up.
    await human.session.end();
  });

  it('the conference ends while it rings: no call is left, no place is taken', async () => {
    const hosting = system.phone(1, { dtmf: host('end'), durationMs: 60_000 });
    const id = await conferenceOf('end');
    must(await system.service.dial(id, undefined, { number: '0306' }));
    const ringing = await farCall('+49306');
    must(await system.service.control(id, undefined, { kind: 'end' }));
    expect((await ringing.ended).by).toBe('remote');
    expect((await hosting).endedBy).toBe('remote');
    const key = KEYS.outdial('account', 'outdial-end');
    for (let tries = 0; tries < 100; tries++) {
      const entry = must(await system.store.get(key));
      if (Object.keys(outdialRecord.parse(entry?.value).running).length === 0) return;
      await systemClock.sleep(50);
    }
    throw new Error('the place is still taken');
  });
});
