import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { suite } from './test/support/suite.ts';

export default defineConfig({ test: suite({ root: fileURLToPath(new URL('.', import.meta.url)) }) });
