/**
 * One self-contained HTML page from stored reports: the verdict, the table of runs, processor time and
 * delay over the number of conferees, what running conferences noticed of a storm or an overload. Plots
 * by uPlot, inlined: the page is one file that opens anywhere.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import type { FindReport } from './find.ts';
import type { LoadReport } from './load.ts';
import { machineText, thisMachine } from './machine.ts';
import { plotsOf } from './page-plots.ts';
import { PAGE_SCRIPT, PAGE_STYLE } from './page-style.ts';
import type { PressureReport } from './pressure.ts';

export interface PageContent {
  readonly title: string;
  readonly loads: readonly LoadReport[];
  readonly pressures?: readonly PressureReport[];
  /** Conferees of the highest load that held, when that was searched for. */
  readonly held?: number;
}

/** Stored reports of any kind on one page. */
export function readPageContent(title: string, files: readonly string[]): PageContent {
  const loads: LoadReport[] = [];
  const pressures: PressureReport[] = [];
  let held: number | undefined;
  for (const file of files) {
    const report = JSON.parse(readFileSync(file, 'utf8')) as
      | LoadReport
      | PressureReport
      | FindReport
      | { readonly kind: undefined };
    switch (report.kind) {
      case 'load':
        loads.push(report);
        break;
      case 'find':
        loads.push(...report.runs);
        held = Math.max(held ?? 0, report.held * (report.runs[0]?.options.size ?? 0));
        break;
      case 'storm':
      case 'overload':
        pressures.push(report);
        break;
      default:
        throw new Error(`${basename(file)}: no report of load, find, storm or overload`);
    }
  }
  return { title, loads, pressures, ...(held === undefined ? {} : { held }) };
}

export function loadPage(content: PageContent): string {
  const require = createRequire(import.meta.url);
  const script = readFileSync(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8');
  const style = readFileSync(require.resolve('uplot/dist/uPlot.min.css'), 'utf8');
  const loads = content.loads.toSorted((a, b) => a.calls.established - b.calls.established);
  const pressures = content.pressures ?? [];
  const machine = loads[0]?.machine ?? pressures[0]?.machine ?? thisMachine();
  const plots = plotsOf(loads, pressures);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(content.title)}</title>
<style>${style}${PAGE_STYLE}</style>
<main>
<h1>${escapeHtml(content.title)}</h1>
<p class="machine">${escapeHtml(machineText(machine))} · ${escapeHtml(machine.date.slice(0, 16).replace('T', ' '))} UTC</p>
${cards(content, loads)}
${loads.length === 0 ? '' : loadTable(loads)}
${pressures.map(pressureTable).join('\n')}
<div class="plots">
${plots
  .map(
    (plot, index) =>
      `<figure><figcaption>${escapeHtml(plot.title)}</figcaption><p>${escapeHtml(plot.note)}</p><div class="plot" id="plot${index}"></div></figure>`,
  )
  .join('\n')}
</div>
<footer>“held”: every call up, no packet lost, 49.5 packets a second, right timestamps, every tone within 1 dB, own and foreign
tones below −60 dBFS, under 1 % of the probes missed. The cost of sending on loopback includes the delivery to the other side.</footer>
</main>
<script>${script}</script>
<script>const plots = ${JSON.stringify(plots).replaceAll('<', '\\u003c')};
${PAGE_SCRIPT}</script>
</html>
`;
}

/** The few figures that somebody comes for. */
function cards(content: PageContent, loads: readonly LoadReport[]): string {
  const held = loads.filter((report) => report.failures.length === 0);
  const best = held.at(-1);
  const shown: (readonly [figure: string, what: string])[] = [];
  if (content.held !== undefined) shown.push([`${content.held}`, 'conferees held at the most']);
  else if (best !== undefined)
    shown.push([`${best.calls.established}`, 'conferees, every check held']);
  if (best?.cpu !== undefined && best.cpu !== null) {
    shown.push([best.cpu.msPerConfereeSecond.toFixed(3), 'ms of processor time a conferee-second']);
  }
  if (best?.delay !== undefined && best.delay !== null) {
    shown.push([
      `${best.delay.p50Ms.toFixed(1)} / ${best.delay.p99Ms.toFixed(1)}`,
      'ms delay, p50 / p99',
    ]);
  }
  for (const report of content.pressures ?? []) {
    const verdict = report.failures.length === 0 ? 'unnoticed' : 'failed';
    const lost =
      report.before.counters.lost + report.during.counters.lost + report.after.counters.lost;
    shown.push([verdict, `${report.kind}: ${lost} packets lost by those who were there`]);
  }
  if (shown.length === 0) return '';
  return `<ul class="cards">${shown
    .map(
      ([figure, what]) => `<li><b>${escapeHtml(figure)}</b><span>${escapeHtml(what)}</span></li>`,
    )
    .join('')}</ul>`;
}

function loadTable(reports: readonly LoadReport[]): string {
  const rows = reports.map((report) => {
    const { calls, counters, tones, delay, cpu, driver, failures } = report;
    return row(
      [
        loadName(report),
        `${calls.established}`,
        cpu === null ? '–' : `${(cpu.shareOfCore * 100).toFixed(0)} %`,
        cpu === null ? '–' : cpu.msPerConfereeSecond.toFixed(3),
        driver.msPerConfereeSecond.toFixed(3),
        cpu === null ? '–' : cpu.residentKibPerConferee.toFixed(0),
        delay === null ? '–' : `${delay.p50Ms.toFixed(1)} / ${delay.p99Ms.toFixed(1)}`,
        delay === null ? '–' : `${delay.missed + delay.broken} of ${delay.probes}`,
        `${counters.lost}`,
        tones.worstLevelErrorDb.toFixed(2),
      ],
      failures,
    );
  });
  const heads = ['load', 'conferees', 'core', 'ms / conferee-s', 'driver ms', 'KiB / conferee'];
  heads.push('delay p50 / p99 ms', 'missed', 'lost', 'level dB', 'checks');
  return table('Runs', heads, rows);
}

function pressureTable(report: PressureReport): string {
  const { base, extra, before, during, after, failures } = report;
  const rows = (
    [
      ['before', before],
      ['during', during],
      ['after', after],
    ] as const
  ).map(([name, { delay, counters }]) =>
    row(
      [
        name,
        `${delay.p50Ms.toFixed(1)} / ${delay.p99Ms.toFixed(1)} / ${delay.maxMs.toFixed(1)}`,
        `${delay.missed + delay.broken} of ${delay.probes}`,
        `${counters.lost}`,
        `${counters.slowestRate}`,
      ],
      counters.lost === 0 ? [] : ['loss'],
    ),
  );
  const refused = Object.entries(extra.failed).map(([why, count]) => `${count} × ${why}`);
  const title =
    `${report.kind}: ${base.established} there, ${extra.wanted} more called in, ${extra.established} taken` +
    (refused.length === 0 ? '' : `, refused ${refused.join(', ')}`) +
    (failures.length === 0 ? '' : ` — failed: ${failures.join(', ')}`);
  const heads = ['', 'delay p50 / p99 / max ms', 'missed', 'lost', 'packets/s, slowest', 'checks'];
  return table(title, heads, rows);
}

function loadName({ options }: LoadReport): string {
  const { codec, conferences, size, contributors, turnMs, levels, impairment } = options;
  const extras = [
    turnMs > 0 ? 'in turns' : '',
    levels ? 'levels' : '',
    impairment.loss > 0 ? `${impairment.loss * 100} % loss` : '',
    impairment.jitterMs > 0 ? `${impairment.jitterMs} ms jitter` : '',
    impairment.reorder > 0 ? `${impairment.reorder * 100} % reordered` : '',
    impairment.duplicate > 0 ? `${impairment.duplicate * 100} % twice` : '',
  ].filter((text) => text !== '');
  const name = `${codec} ${conferences} × ${size}, ${contributors} talk`;
  return extras.length === 0 ? name : `${name}, ${extras.join(', ')}`;
}

function row(cells: readonly string[], failures: readonly string[]): string {
  const verdict = failures.length === 0 ? 'held' : failures.join(', ');
  const kind = failures.length === 0 ? 'held' : 'failed';
  return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}<td><span class="${kind}">${escapeHtml(verdict)}</span></td></tr>`;
}

function table(title: string, heads: readonly string[], rows: readonly string[]): string {
  const head = heads.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join('');
  return `<h2>${escapeHtml(title)}</h2>
<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>
${rows.join('\n')}</tbody></table></div>`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
