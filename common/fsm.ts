/**
 * State machines as tables: `(state, event) → state and effects`, pure. Every cell is written down:
 * a function, `ignore` (expected, nothing to do) or `illegal` (a bug or a broken peer; counted).
 * A missing cell does not compile. Effects are data; Machine hands them to whoever runs them.
 */

export interface Step<State, Effect> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

export type Cell<State, Event, Effect> =
  | 'ignore'
  | 'illegal'
  | ((event: Event) => Step<State, Effect>);

export type Table<State extends string, Event extends { readonly type: string }, Effect> = {
  readonly [S in State]: {
    readonly [T in Event['type']]: Cell<State, Extract<Event, { readonly type: T }>, Effect>;
  };
};

export type Verdict = 'moved' | 'ignored' | 'illegal';

/** One step of a table, without side effects. */
export function step<State extends string, Event extends { readonly type: string }, Effect>(
  table: Table<State, Event, Effect>,
  state: State,
  event: Event,
): Step<State, Effect> & { readonly verdict: Verdict } {
  const row: Record<string, Cell<State, never, Effect>> = table[state];
  const cell = row[event.type];
  if (cell === undefined || cell === 'illegal') return { state, effects: [], verdict: 'illegal' };
  if (cell === 'ignore') return { state, effects: [], verdict: 'ignored' };
  return { ...cell(event as never), verdict: 'moved' };
}

export interface MachineOptions<
  State extends string,
  Event extends { readonly type: string },
  Effect,
> {
  readonly table: Table<State, Event, Effect>;
  readonly initial: State;
  /** Carries out one effect. May send further events; they are handled after the present step. */
  readonly run: (effect: Effect) => void;
  /** Every transition, for the trace log and the counter of illegal ones. */
  readonly onTransition?: (from: State, event: Event, to: State, verdict: Verdict) => void;
}

/** Drives one table: keeps the state, runs effects in order, never re-enters a step. */
export class Machine<State extends string, Event extends { readonly type: string }, Effect> {
  readonly #options: MachineOptions<State, Event, Effect>;
  readonly #queue: Event[] = [];
  #state: State;
  #running = false;

  constructor(options: MachineOptions<State, Event, Effect>) {
    this.#options = options;
    this.#state = options.initial;
  }

  get state(): State {
    return this.#state;
  }

  send(event: Event): void {
    this.#queue.push(event);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const from = this.#state;
        const result = step(this.#options.table, from, next);
        this.#state = result.state;
        this.#options.onTransition?.(from, next, result.state, result.verdict);
        for (const effect of result.effects) this.#options.run(effect);
      }
    } finally {
      this.#running = false;
    }
  }
}
