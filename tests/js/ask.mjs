// Asks by official SDKs, and prints what they read.
//
// Standard input is a JSON array of jobs:
//   {sdk, base_url, key, model, ask: {text, system, stream, most, effort, image, pdf, stops, schema,
//     tools}}
// where a tool is {name, description, parameters, result}. A call is answered with its tool's
// result, and asked on, until there is no more call. Standard output is a JSON array, one entry for
// each job in their order:
//   {answers: [{text, thought, tools: [{name, arguments}], usage: {input, output}, stop}],
//    error: {name, status, message, retry_after} or null}
// with one answer for each turn of the model. `stop` is the SDK's own word.

import { text } from 'node:stream/consumers';

import { askAi, models } from './ai_sdk.mjs';
import { askMessages } from './anthropic_messages.mjs';
import { askChat } from './openai_chat.mjs';
import { askResponses } from './openai_responses.mjs';

const SDKS = {
  'openai-chat': askChat,
  'openai-responses': askResponses,
  anthropic: askMessages,
  ...Object.fromEntries(Object.keys(models).map((name) => [name, askAi])),
};

async function asked(job) {
  const answers = [];
  try {
    await SDKS[job.sdk](job, answers);
    return { answers, error: null };
  } catch (error) {
    return { answers, error: told(error) };
  }
}

function told(error) {
  return {
    name: error.constructor.name,
    status: error.status ?? error.statusCode ?? null,
    message: error.message,
    retry_after: error.headers?.get('retry-after') ?? error.responseHeaders?.['retry-after'] ?? null,
  };
}

const jobs = JSON.parse(await text(process.stdin));
const read = [];
for (const job of jobs) read.push(await asked(job));
process.stdout.write(JSON.stringify(read));
