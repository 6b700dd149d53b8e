/** Style and script of the page (page.ts), which has no other files beside it. */

export const PAGE_STYLE = `
:root { --ink: #18222c; --soft: #5a6773; --line: #dde3e8; --ground: #f6f8f9; --card: #fff; --held: #00664b; --failed: #a3202c }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 76rem; margin: 0 auto; padding: 2rem 1.25rem 3rem }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
.machine, footer, figure p { color: var(--soft); font-size: .875rem; margin: 0 }
.cards { list-style: none; margin: 1.5rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: .75rem }
.cards li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1.25rem; flex: 1 1 11rem }
.cards b { display: block; font-size: 1.6rem; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.2 }
.cards span { color: var(--soft); font-size: .875rem }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .5rem }
.scroll table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; white-space: nowrap }
.scroll th, .scroll td { padding: .45rem .8rem; text-align: right; border-bottom: 1px solid var(--line) }
.scroll thead th { font-size: .8rem; font-weight: 600; color: var(--soft) }
.scroll tbody tr:last-child td { border-bottom: 0 }
.scroll :is(th, td):first-child, .scroll :is(th, td):last-child { text-align: left }
.held { color: var(--held); font-weight: 600 } .failed { color: var(--failed); font-weight: 600 }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1rem; margin: 2rem 0 }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem 1rem .5rem; min-width: 0 }
figcaption { font-weight: 600 } .plot { margin-top: .5rem }
.u-legend { font-size: .85rem; white-space: normal }
`;

/** `plots` is there already. Each is as wide as its box, also after the window changed. */
export const PAGE_SCRIPT = `
const drawn = plots.map((plot, index) => {
  const box = document.getElementById('plot' + index);
  const size = () => ({ width: box.clientWidth, height: 280 });
  const figure = (u, value) => value == null ? '–' : String(value);
  const chart = new uPlot({
    ...size(),
    scales: { x: { time: false }, y: { range: (u, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [{ label: plot.x, labelSize: 22, grid: { stroke: '#eef1f3' } }, { label: plot.y, labelSize: 22, size: 56, grid: { stroke: '#eef1f3' } }],
    series: [{ label: plot.x }, ...plot.series.map((one) => ({
      label: one.label, stroke: one.colour, width: 2, dash: one.dashed ? [6, 4] : undefined, value: figure,
      points: { show: plot.data[0].length < 40, size: 6 },
    }))],
  }, plot.data, box);
  return () => chart.setSize(size());
});
addEventListener('resize', () => drawn.forEach((fit) => fit()));
`;
