/** What the page draws, as data: uPlot gets it as JSON. Pure. */
import type { LoadReport } from './load.ts';
import type { PressureReport, Window } from './pressure.ts';

export interface Plot {
  readonly title: string;
  /** One sentence on how to read it. */
  readonly note: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly {
    readonly label: string;
    readonly colour: string;
    readonly dashed?: boolean;
  }[];
  /** First the x values, then one array for each series. */
  readonly data: readonly (readonly (number | null)[])[];
}

/** Told apart also by those who see red and green alike (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;
const colour = (index: number): string => COLOURS[index % COLOURS.length] ?? COLOURS[0];

export function plotsOf(
  loads: readonly LoadReport[],
  pressures: readonly PressureReport[],
): readonly Plot[] {
  const delayed = loads.filter((report) => report.delay !== null);
  return [
    ...(loads.length > 1 && loads.some((report) => report.cpu !== null)
      ? [cpuPlot(loads), costPlot(loads)]
      : []),
    ...(delayed.length > 1 ? [delayPlot(delayed)] : []),
    ...(delayed.length > 0 ? [distributionPlot(delayed)] : []),
    ...pressures.map(pressurePlot),
  ];
}

function cpuPlot(loads: readonly LoadReport[]): Plot {
  return {
    title: 'Processor time',
    note: 'Of the processes that were measured, and of the load driver beside them.',
    x: 'conferees',
    y: '% of a core',
    series: [
      { label: 'measured', colour: colour(0) },
      { label: 'driver', colour: colour(4), dashed: true },
    ],
    data: [
      conferees(loads),
      loads.map(({ cpu }) => (cpu === null ? null : round(cpu.shareOfCore * 100))),
      loads.map(({ driver }) => round(driver.shareOfCore * 100)),
    ],
  };
}

function costPlot(loads: readonly LoadReport[]): Plot {
  return {
    title: 'Cost of a conferee',
    note: 'Flat is what a mixer should be: a larger load is not dearer for each.',
    x: 'conferees',
    y: 'ms of processor time a second',
    series: [
      { label: 'measured', colour: colour(0) },
      { label: 'driver', colour: colour(4), dashed: true },
    ],
    data: [
      conferees(loads),
      loads.map(({ cpu }) => (cpu === null ? null : round(cpu.msPerConfereeSecond, 4))),
      loads.map(({ driver }) => round(driver.msPerConfereeSecond, 4)),
    ],
  };
}

function delayPlot(delayed: readonly LoadReport[]): Plot {
  return {
    title: 'Delay, RTP in to RTP out',
    note: 'From sending the packet with the first sample of a sound to arrival of the packet that has it in the mix.',
    x: 'conferees',
    y: 'ms',
    series: ['p50', 'p90', 'p99'].map((label, index) => ({ label, colour: colour(index) })),
    data: [
      conferees(delayed),
      delayed.map(({ delay }) => delay?.p50Ms ?? null),
      delayed.map(({ delay }) => delay?.p90Ms ?? null),
      delayed.map(({ delay }) => delay?.p99Ms ?? null),
    ],
  };
}

function distributionPlot(delayed: readonly LoadReport[]): Plot {
  const shown = delayed.slice(-COLOURS.length);
  return {
    title: 'Distribution of the delay',
    note: 'Share of the probes (horizontal) that were heard within so many milliseconds.',
    x: '% of the probes',
    y: 'ms',
    series: shown.map((report, index) => ({
      label: `${report.options.codec} ${report.calls.established}`,
      colour: colour(index),
    })),
    data: [percents(), ...shown.map((report) => report.delay?.percentilesMs ?? [])],
  };
}

function pressurePlot(report: PressureReport): Plot {
  const { kind, before, during, after, extra, base } = report;
  const what = kind === 'storm' ? 'a storm of joins' : 'an overload';
  return {
    title: `Delay of ${base.established} conferees through ${what}`,
    note: `${extra.wanted} further calls at ${report.options.extraRamp} a second, ${extra.established} of them taken. The curves should lie on one another.`,
    x: '% of the probes',
    y: 'ms',
    series: ['before', 'during', 'after'].map((label, index) => ({ label, colour: colour(index) })),
    data: [percents(), ...[before, during, after].map((one: Window) => one.delay.percentilesMs)],
  };
}

const conferees = (loads: readonly LoadReport[]): readonly number[] =>
  loads.map((report) => report.calls.established);

const percents = (): readonly number[] => Array.from({ length: 101 }, (_, percent) => percent);

function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
