/** A small plot of one measure over the last minutes. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useMedia } from './media.ts';

interface Props {
  readonly label: string;
  readonly unit: string;
  readonly timesS: readonly number[];
  readonly values: readonly number[];
}

const HEIGHT = 110;
/** As long as machines.ts keeps what was measured. */
const SPAN_S = 600;

export function Plot({ label, unit, timesS, values }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const dark = useMedia('(prefers-color-scheme: dark)');
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const style = getComputedStyle(element);
    const ink = style.getPropertyValue('--ink');
    const axis = {
      stroke: ink,
      font: '11px system-ui',
      grid: { stroke: style.getPropertyValue('--line'), width: 1 },
    };
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          // Always the same stretch, so that plots beside each other can be compared.
          x: { range: (_, __, max) => [max - SPAN_S, max] },
          y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
        },
        axes: [
          {
            ...axis,
            size: 24,
            splits: ({ scales }) => [10, 5, 0].map((min) => (scales['x']?.max ?? 0) - min * 60),
            values: () => ['10 min ago', '5', 'now'],
          },
          { ...axis, size: 52, space: 22 },
        ],
        series: [
          {},
          { stroke: style.getPropertyValue('--accent'), width: 2, points: { show: false } },
        ],
      },
      [[...timesS], [...values]],
      element,
    );
    plot.current = made;
    const watcher = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.destroy();
    };
    // Colours are read once: with others it is made anew.
  }, [dark]);
  useEffect(() => plot.current?.setData([[...timesS], [...values]]), [timesS, values]);
  const now = values.at(-1);
  return (
    <figure class="plot">
      <figcaption>
        {label} <strong>{now === undefined ? '–' : `${format(now)}${unit}`}</strong>
      </figcaption>
      <div
        ref={box}
        role="img"
        aria-label={`${label} of the last minutes, now ${now === undefined ? 'unknown' : format(now) + unit}`}
      />
    </figure>
  );
}

const format = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(2));
