// Type-aware rules only: Biome formats and does the rest (see CONTRIBUTING.md).
import tseslint from 'typescript-eslint';

/** Time and randomness come in as arguments, so that tests can own them (common/clock.ts, common/ids.ts). */
const INJECTED = [
  { object: 'Date', property: 'now', message: 'Take a Clock as an argument (common/clock.ts).' },
  { object: 'Math', property: 'random', message: 'Take a Random as an argument (common/ids.ts).' },
];
const INJECTED_GLOBALS = ['setTimeout', 'setInterval', 'setImmediate'].map((name) => ({
  name,
  message: 'Take a Clock as an argument (common/clock.ts).',
}));

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'node_modules/**',
      'build/**',
      'web/**',
      'tools/**',
      '**/*.gen.ts',
      '*.config.*',
    ],
  },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unsafe-argument': 'error',
      '@typescript-eslint/no-unsafe-assignment': 'error',
      '@typescript-eslint/no-unsafe-call': 'error',
      '@typescript-eslint/no-unsafe-member-access': 'error',
      '@typescript-eslint/no-unsafe-return': 'error',
    },
  },
  {
    files: ['mixer/**/*.ts', 'signaling/**/*.ts', 'vru/**/*.ts', 'main.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-properties': ['error', ...INJECTED],
      'no-restricted-globals': ['error', ...INJECTED_GLOBALS],
    },
  },
);
