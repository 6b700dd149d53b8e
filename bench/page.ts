/**
 * One self-contained HTML page from stored load reports: the table of runs, CPU and delay over the
 * number of conferees, and the distribution of delay. Plots by uPlot, inlined.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import type { LoadReport } from './load.ts';

interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly { readonly label: string; readonly colour: string }[];
  /** First the x values, then one array for each series. */
  readonly data: readonly (readonly (number | null)[])[];
}

const COLOURS = ['#0b6e99', '#c2571a', '#4a7c23', '#7b3f98', '#9a1f40'];

export function loadPage(title: string, reports: readonly LoadReport[]): string {
  const require = createRequire(import.meta.url);
  const script = readFileSync(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8');
  const style = readFileSync(require.resolve('uplot/dist/uPlot.min.css'), 'utf8');
  const sorted = reports.toSorted((a, b) => a.calls.established - b.calls.established);
  const machine = cpus()[0]?.model ?? 'unknown processor';
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<style>${style}
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1c2733 }
table { border-collapse: collapse; width: 100% } th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #d6dde3 }
th:first-child, td:first-child { text-align: left } .failed { color: #a3202c } figure { margin: 2rem 0 } figcaption { font-weight: 600 }
</style>
<h1>${escapeHtml(title)}</h1>
<p>${cpus().length} × ${escapeHtml(machine)}, Node ${process.versions.node}. Every row is one run; “held” means that every check held:
packet rate, loss, timestamps, level of every tone within 1 dB, own and foreign tones below −60 dBFS.</p>
${table(sorted)}
${plots(sorted)
  .map(
    (plot, index) =>
      `<figure><figcaption>${escapeHtml(plot.title)}</figcaption><div id="plot${index}"></div></figure>`,
  )
  .join('\n')}
<script>${script}</script>
<script>const plots = ${JSON.stringify(plots(sorted)).replaceAll('<', '\\u003c')};
plots.forEach((plot, index) => new uPlot({
  width: 900, height: 320,
  scales: { x: { time: false } },
  axes: [{ label: plot.x }, { label: plot.y }],
  series: [{ label: plot.x }, ...plot.series.map((one) => ({ label: one.label, stroke: one.colour, width: 2, points: { show: true, size: 6 } }))],
}, plot.data, document.getElementById('plot' + index)));</script>
</html>
`;
}

function plots(reports: readonly LoadReport[]): readonly Plot[] {
  const conferees = reports.map((report) => report.calls.established);
  const made: Plot[] = [];
  if (reports.some((report) => report.cpu !== null)) {
    made.push({
      title: 'CPU of the measured processes',
      x: 'conferees',
      y: '% of a core',
      series: [{ label: 'CPU', colour: COLOURS[0] ?? '' }],
      data: [
        conferees,
        reports.map((report) => (report.cpu === null ? null : report.cpu.shareOfCore * 100)),
      ],
    });
  }
  const delayed = reports.filter((report) => report.delay !== null);
  if (delayed.length > 0) {
    made.push({
      title: 'Delay, RTP in to RTP out',
      x: 'conferees',
      y: 'ms',
      series: ['p50', 'p90', 'p99'].map((label, index) => ({
        label,
        colour: COLOURS[index] ?? '',
      })),
      data: [
        delayed.map((report) => report.calls.established),
        delayed.map((report) => report.delay?.p50Ms ?? null),
        delayed.map((report) => report.delay?.p90Ms ?? null),
        delayed.map((report) => report.delay?.p99Ms ?? null),
      ],
    });
    const shown = delayed.slice(-COLOURS.length);
    made.push({
      title: 'Distribution of the delay',
      x: 'percentile',
      y: 'ms',
      series: shown.map((report, index) => ({
        label: `${report.calls.established} conferees`,
        colour: COLOURS[index] ?? '',
      })),
      data: [
        Array.from({ length: 101 }, (_, percent) => percent),
        ...shown.map((report) => report.delay?.percentilesMs ?? []),
      ],
    });
  }
  return made;
}

function table(reports: readonly LoadReport[]): string {
  const rows = reports.map((report) => {
    const { options, calls, counters, tones, delay, cpu, failures } = report;
    const cells = [
      `${options.codec} ${options.conferences} × ${options.size}, ${options.contributors} talk`,
      `${calls.established}`,
      cpu === null ? '–' : `${(cpu.shareOfCore * 100).toFixed(0)} %`,
      cpu === null ? '–' : cpu.msPerConfereeSecond.toFixed(3),
      delay === null ? '–' : `${delay.p50Ms.toFixed(1)} / ${delay.p99Ms.toFixed(1)}`,
      `${counters.lost}`,
      `${tones.worstLevelErrorDb.toFixed(2)}`,
    ];
    const verdict = failures.length === 0 ? 'held' : failures.join(', ');
    return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}<td class="${failures.length === 0 ? 'held' : 'failed'}">${escapeHtml(verdict)}</td></tr>`;
  });
  return `<table><tr><th>load</th><th>conferees</th><th>CPU</th><th>ms / conferee-s</th><th>delay p50 / p99 ms</th><th>lost</th><th>level error dB</th><th>checks</th></tr>
${rows.join('\n')}</table>`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
