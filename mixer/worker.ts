/**
 * The script of an engine thread: makes one engine and gives it the thread. No message reaches it until
 * the engine stops, so everything goes through the shared memory it was started with.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { loadBinding } from './binding.ts';
import type { WorkerData } from './shared-memory.ts';

const data = workerData as WorkerData;
const binding = loadBinding();
if (!binding.ok) throw binding.error;

const engine = new binding.value.Engine({
  commands: Buffer.from(data.commands),
  events: Buffer.from(data.events),
  statistics: Buffer.from(data.statistics),
  prompts: Buffer.from(data.prompts),
  recordings: Buffer.from(data.recordings),
  recordingCount: data.recordingCount,
  maxLegs: data.maxLegs,
  maxConferences: data.maxConferences,
  csrc: data.csrc,
  opusComplexity: data.opusComplexity,
  opusBitrateBps: data.opusBitrateBps,
});
parentPort?.postMessage('ready');
const end = engine.run({
  realtime: data.realtime,
  ...(data.cpu === null ? {} : { cpu: data.cpu }),
});
if (end === 'failed') throw new Error('the media engine gave up');
