/**
 * A prompt with typed placeholders and an answer of a shape. Without a key nobody is asked: the answer is the prompt's own
 * example, and says so. With OPENAI_API_KEY the same program asks a model.
 *
 * Run: node --conditions=plinth-source --import tsx examples/09-prompts.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInfrastructure } from 'plinth';
import { definePrompt } from 'plinth/llm';
import { z } from 'zod';

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const folder = mkdtempSync(join(tmpdir(), 'plinth-example-'));

const plainWords = definePrompt({
  name: 'plain-words',
  system: 'You explain medicine to {{reader}} and invent nothing.',
  text: 'Put into at most {{sentences}} sentences, with the words that may be unknown: {{text}}',
  output: z.object({ summary: z.string(), unknownWords: z.array(z.string()) }),
  parameters: { temperature: 0 },
  cache: 'everyone',
  example: { summary: 'The drug blocks a growth signal of some lung tumours.', unknownWords: ['kinase', 'EGFR'] },
});

const infrastructure = await createInfrastructure({
  settings: { explicit: { service: { dataDirectory: folder } }, yamlFile: false },
  logging: { console: false },
});
infrastructure.prompts.add(plainWords);

const { output, metadata, usageStats } = await infrastructure.executePrompt(plainWords, {
  reader: 'a patient',
  sentences: 2,
  text: 'Osimertinib is a kinase inhibitor of EGFR, for metastatic non-small cell lung cancer.',
});
print(`${output.summary} (${output.unknownWords.join(', ')})`);
print(`answered by ${metadata.isOffline ? 'nobody: this is the example of the prompt' : metadata.model}`);
print(`tokens: ${usageStats.promptTokens} + ${usageStats.completionTokens}`);
for (const { name, version, placeholders } of infrastructure.prompts.list()) {
  print(`prompt ${name}, version ${version}, with ${placeholders.join(', ')}`);
}

await infrastructure.close();
rmSync(folder, { recursive: true });
