/** Mixers with what they measure of themselves, and VRUs. */
import { useState } from 'preact/hooks';
import type { Api, Mixer, Vru } from './api.ts';
import { Confirm, type Question } from './confirm.tsx';
import { type Machines, NO_SERIES, type Series } from './machines.ts';
import { Plot } from './plot.tsx';

export function MachinesTab({ api, machines }: { api: Api; machines: Machines }) {
  const [question, setQuestion] = useState<Question>();
  const [refused, setRefused] = useState('');
  const { mixers, vrus, series, error } = machines;
  const drain = (id: string): void =>
    setQuestion({
      title: `Drain ${id}?`,
      text: 'It takes no new conferences until it is restarted; running ones go on.',
      yes: 'Drain',
      onYes: () =>
        void api
          .send('POST', `/mixers/${encodeURIComponent(id)}/drain`)
          .then((answer) => setRefused(answer.ok ? '' : answer.detail)),
    });
  return (
    <section aria-labelledby="machines-title">
      <h1 id="machines-title">Mixers</h1>
      <p class="error" role="alert">
        {error === '' ? refused : error}
      </p>
      {mixers.length === 0 ? <p>No mixer has reported.</p> : null}
      <ul class="cards">
        {mixers.map((mixer) => (
          <MixerCard
            key={mixer.id}
            mixer={mixer}
            series={series.get(mixer.id) ?? NO_SERIES}
            onDrain={drain}
          />
        ))}
      </ul>
      <h2>VRUs</h2>
      <VruList vrus={vrus} />
      {question === undefined ? null : (
        <Confirm question={question} onDone={() => setQuestion(undefined)} />
      )}
    </section>
  );
}

interface MixerProps {
  readonly mixer: Mixer;
  readonly series: Series;
  readonly onDrain: (id: string) => void;
}

function MixerCard({ mixer, series, onDrain }: MixerProps) {
  const { id, conferees, conferences, draining } = mixer;
  return (
    <li class="card">
      <h2>{id}</h2>
      <p class="facts">
        <span>
          <strong>{conferees}</strong> {conferees === 1 ? 'conferee' : 'conferees'} in {conferences}{' '}
          {conferences === 1 ? 'conference' : 'conferences'}
        </span>
        {draining ? <span class="badge strong">draining</span> : null}
      </p>
      <p class="small">
        class {mixer.mixerClass}, busy {(mixer.busyShare * 100).toFixed(1)} %, {mixer.address}
      </p>
      <Plot label="Headroom, conferees" unit="" timesS={series.timesS} values={series.headroom} />
      <Plot
        label="Tick lateness, 99 %"
        unit=" ms"
        timesS={series.timesS}
        values={series.latenessMs}
      />
      <button
        type="button"
        disabled={draining}
        aria-label={`Drain ${id}`}
        onClick={() => onDrain(id)}
      >
        Drain …
      </button>
    </li>
  );
}

function VruList({ vrus }: { vrus: readonly Vru[] }) {
  if (vrus.length === 0) return <p>No VRU has reported.</p>;
  return (
    <ul class="cards small-cards">
      {vrus.map(({ id, address, calls }) => (
        <li class="card" key={id}>
          <h3>{id}</h3>
          <p class="small">
            {calls === undefined ? '' : `${calls} ${calls === 1 ? 'call' : 'calls'}`}
            {address === undefined || address === '' ? '' : `, ${address}`}
          </p>
        </li>
      ))}
    </ul>
  );
}
