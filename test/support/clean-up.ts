// Set-up file of every Vitest configuration. It runs before each test file, also where files share a process and its
// modules, so the hook belongs to each file.
import { afterAll } from 'vitest';
import { armCleanUp, cleanUpAll } from './at-end.ts';

armCleanUp();
afterAll(cleanUpAll);
