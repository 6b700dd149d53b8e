/** What moves outside of the page's state, for the components that show it. */
import { createContext } from 'preact';
import { createLevels, type Levels } from './levels.ts';

export interface LiveParts {
  readonly levels: Levels;
  /** Of which conference the stream tells the loudness. */
  watch(conferenceId: string | undefined): void;
}

export const Live = createContext<LiveParts>({ levels: createLevels(), watch() {} });
