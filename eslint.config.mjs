import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import ts from 'typescript-eslint'

const node = {
  Buffer: 'readonly',
  console: 'readonly',
  fetch: 'readonly',
  performance: 'readonly',
  process: 'readonly',
  clearInterval: 'readonly',
  setInterval: 'readonly',
  setTimeout: 'readonly',
  URL: 'readonly'
}
const commonjs = {
  ...node,
  __dirname: 'readonly',
  exports: 'writable',
  module: 'writable',
  require: 'readonly'
}
const browser = {
  document: 'readonly',
  fetch: 'readonly',
  performance: 'readonly',
  FormData: 'readonly',
  Intl: 'readonly',
  URLSearchParams: 'readonly',
  clearInterval: 'readonly',
  clearTimeout: 'readonly',
  setInterval: 'readonly',
  setTimeout: 'readonly',
  window: 'readonly'
}

export default defineConfig(
  globalIgnores([
    'dist',
    'demo/build',
    'coverage',
    '.tmp',
    'test/types',
    'packages/**/*.d.ts',
    'examples',
    'docs/.vitepress'
  ]),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  { rules: { eqeqeq: 'error', 'prefer-const': 'error', 'object-shorthand': 'error' } },
  { files: ['**/*.mjs'], languageOptions: { globals: node } },
  {
    files: ['**/*.cjs', '*.js', 'packages/**/*.js'],
    languageOptions: { sourceType: 'commonjs', globals: commonjs }
  },
  { files: ['demo/public/**/*.js'], languageOptions: { sourceType: 'module', globals: browser } },
  {
    files: ['**/*.{ts,mts,cts}'],
    extends: [ts.configs.strictTypeChecked, ts.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // `return done()` is the plain way to end with a call.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // `${count}` is no mistake.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true }
      ],
      // An empty string is as good as none: the variable of an environment, say.
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true } }],
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      // What was caught is passed on as it is.
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      // Both are used, each where it reads better.
      '@typescript-eslint/consistent-type-definitions': 'off',
      // Express and node:http call handlers without waiting for them.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }
      ],
      // Not every caller has types: what they rule out is checked all the same.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // `list[0]!` where it is known to be there: noUncheckedIndexedAccess asks for it.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // Sessions and headers are dictionaries.
      '@typescript-eslint/no-dynamic-delete': 'off',
      // A promise, or a callback where one is given.
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': 'error'
    }
  },
  {
    // `import x = require(…)` goes with `export =`.
    files: ['lib/index.ts'],
    rules: { '@typescript-eslint/no-require-imports': ['error', { allowAsImport: true }] }
  },
  {
    // The comment is for users: it has to be in the declarations, where ioredis or Express may be missing. Here nothing is wrong.
    files: ['lib/stores/redis/*.ts', 'lib/express-session.ts'],
    rules: { '@typescript-eslint/ban-ts-comment': ['error', { 'ts-ignore': 'allow-with-description' }] }
  },
  {
    // Tests look at what came over the wire, and clean up what may never have been opened.
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off'
    }
  }
)
