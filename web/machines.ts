/** What mixers measure of themselves (R45) and what VRUs say, asked for again and again. */
import { useEffect, useState } from 'preact/hooks';
import type { Api, List, Mixer, Vru } from './api.ts';

const EVERY_MS = 2_000;
/** Ten minutes. */
const KEPT = 300;

export interface Series {
  readonly timesS: readonly number[];
  readonly headroom: readonly number[];
  readonly latenessMs: readonly number[];
}

export interface Machines {
  readonly mixers: readonly Mixer[];
  readonly vrus: readonly Vru[];
  readonly series: ReadonlyMap<string, Series>;
  readonly error: string;
}

export const NO_SERIES: Series = { timesS: [], headroom: [], latenessMs: [] };
const NOTHING: Machines = { mixers: [], vrus: [], series: new Map(), error: '' };

function extended(series: Series, mixer: Mixer, timeS: number): Series {
  const add = (values: readonly number[], value: number): readonly number[] =>
    [...values, value].slice(-KEPT);
  return {
    timesS: add(series.timesS, timeS),
    headroom: add(series.headroom, mixer.headroom),
    latenessMs: add(series.latenessMs, mixer.latenessMs),
  };
}

export function useMachines(api: Api): Machines {
  const [machines, setMachines] = useState<Machines>(NOTHING);
  useEffect(() => {
    let current = true;
    let timer = 0;
    const poll = async (): Promise<void> => {
      const [mixers, vrus] = await Promise.all([
        api.get<List<Mixer>>('/mixers'),
        api.get<List<Vru>>('/vrus'),
      ]);
      if (!current) return;
      const timeS = Date.now() / 1000;
      setMachines((before) =>
        mixers.ok && vrus.ok
          ? {
              mixers: mixers.value.items,
              vrus: vrus.value.items,
              series: new Map(
                mixers.value.items.map((one) => [
                  one.id,
                  extended(before.series.get(one.id) ?? NO_SERIES, one, timeS),
                ]),
              ),
              error: '',
            }
          : { ...before, error: 'What is shown is old: the server does not answer.' },
      );
      timer = window.setTimeout(() => void poll(), EVERY_MS);
    };
    void poll();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [api]);
  return machines;
}
