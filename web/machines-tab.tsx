/** Mixers with what they measure of themselves (R45), and VRUs. */
import { useEffect, useState } from 'preact/hooks';
import type { Api, List, Mixer, Vru } from './api.ts';
import { Confirm, type Question } from './confirm.tsx';
import { Plot } from './plot.tsx';

const EVERY_MS = 2_000;
/** Ten minutes. */
const KEPT = 300;

interface Series {
  readonly timesS: readonly number[];
  readonly headroom: readonly number[];
  readonly latenessMs: readonly number[];
}

const NOTHING: Series = { timesS: [], headroom: [], latenessMs: [] };

function extended(series: Series, mixer: Mixer, timeS: number): Series {
  const add = (values: readonly number[], value: number): readonly number[] =>
    [...values, value].slice(-KEPT);
  return {
    timesS: add(series.timesS, timeS),
    headroom: add(series.headroom, mixer.headroom),
    latenessMs: add(series.latenessMs, mixer.latenessMs),
  };
}

export function MachinesTab({ api }: { api: Api }) {
  const [mixers, setMixers] = useState<readonly Mixer[]>([]);
  const [vrus, setVrus] = useState<readonly Vru[]>([]);
  const [series, setSeries] = useState<ReadonlyMap<string, Series>>(new Map());
  const [error, setError] = useState('');
  const [question, setQuestion] = useState<Question>();

  useEffect(() => {
    let current = true;
    let timer = 0;
    const poll = async (): Promise<void> => {
      const [gotMixers, gotVrus] = await Promise.all([
        api.get<List<Mixer>>('/mixers'),
        api.get<List<Vru>>('/vrus'),
      ]);
      if (!current) return;
      if (gotMixers.ok && gotVrus.ok) {
        const { items } = gotMixers.value;
        setError('');
        setMixers(items);
        setVrus(gotVrus.value.items);
        const timeS = Date.now() / 1000;
        setSeries(
          (before) =>
            new Map(
              items.map((one) => [one.id, extended(before.get(one.id) ?? NOTHING, one, timeS)]),
            ),
        );
      } else setError('What is shown is old: the server does not answer.');
      timer = window.setTimeout(() => void poll(), EVERY_MS);
    };
    void poll();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [api]);

  const drain = (id: string): void =>
    setQuestion({
      title: `Drain ${id}?`,
      text: 'It takes no new conferences until it is restarted; running ones go on.',
      yes: 'Drain',
      onYes: () => void api.send('POST', `/mixers/${encodeURIComponent(id)}/drain`),
    });

  return (
    <section aria-labelledby="machines-title">
      <h1 id="machines-title">Mixers</h1>
      <p class="error" role="alert">
        {error}
      </p>
      <ul class="cards">
        {mixers.map((mixer) => (
          <li class="card" key={mixer.id}>
            <h2>{mixer.id}</h2>
            <p class="facts">
              <strong>{mixer.conferees}</strong> {mixer.conferees === 1 ? 'conferee' : 'conferees'}{' '}
              in {mixer.conferences} {mixer.conferences === 1 ? 'conference' : 'conferences'}
              {mixer.draining ? <span class="badge strong">draining</span> : null}
            </p>
            <p class="small">
              class {mixer.mixerClass}, {mixer.address}, busy {(mixer.busyShare * 100).toFixed(1)} %
            </p>
            <Plot
              label="Headroom, conferees"
              unit=""
              timesS={series.get(mixer.id)?.timesS ?? []}
              values={series.get(mixer.id)?.headroom ?? []}
            />
            <Plot
              label="Tick lateness, 99th percentile"
              unit=" ms"
              timesS={series.get(mixer.id)?.timesS ?? []}
              values={series.get(mixer.id)?.latenessMs ?? []}
            />
            <button
              type="button"
              disabled={mixer.draining}
              aria-label={`Drain ${mixer.id}`}
              onClick={() => drain(mixer.id)}
            >
              Drain …
            </button>
          </li>
        ))}
      </ul>
      <h2>VRUs</h2>
      <ul class="plain">
        {vrus.map(({ id, address, calls }) => (
          <li key={id}>
            <strong>{id}</strong>
            {address === undefined || address === '' ? '' : ` at ${address}`}
            {calls === undefined ? '' : `, ${calls} ${calls === 1 ? 'call' : 'calls'}`}
          </li>
        ))}
      </ul>
      {question === undefined ? null : (
        <Confirm question={question} onDone={() => setQuestion(undefined)} />
      )}
    </section>
  );
}
