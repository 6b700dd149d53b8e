import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks', // native addon: one process a file
    maxWorkers: 2,
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**', 'build/**'],
    // A hang is a failure; speed is not measured by tests.
    // Calls in real time, on machines whose host takes the processor for 30 ms at times: tried again, and listed as retried.
    retry: 2,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
