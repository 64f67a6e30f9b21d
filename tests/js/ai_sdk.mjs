// The AI SDK, with each of its providers that a gateway can stand in for.

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { Output, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';

const TURNS = 3;

// What a caller's code says of the model, where the SDK cannot know it by its name.
const OPTIONS = {
  anthropic: { structuredOutputMode: 'outputFormat' },
  openai: { store: false },
};

export const models = {
  'ai-openai': ({ base_url, key, model }) =>
    createOpenAI({ baseURL: base_url, apiKey: key })(model),
  'ai-openai-chat': ({ base_url, key, model }) =>
    createOpenAI({ baseURL: base_url, apiKey: key }).chat(model),
  'ai-anthropic': ({ base_url, key, model }) =>
    createAnthropic({ baseURL: base_url, apiKey: key })(model),
  'ai-compatible': ({ base_url, key, model }) =>
    createOpenAICompatible({
      name: 'antiphon',
      baseURL: base_url,
      apiKey: key,
      includeUsage: true,
      supportsStructuredOutputs: true,
    })(model),
};

export async function askAi(job, answers) {
  const wanted = wantedOf(job);
  const { steps } = await (job.ask.stream ? streamed : generateText)(wanted);
  answers.push(...steps.map(answerOf));
}

async function streamed(wanted) {
  const failed = [];
  const result = streamText({ ...wanted, onError: ({ error }) => failed.push(error) });
  await result.consumeStream();
  if (failed.length) throw failed[0];
  return { steps: await result.steps };
}

function wantedOf(job) {
  const { ask } = job;
  const openai = ask.effort ? { ...OPTIONS.openai, forceReasoning: true } : OPTIONS.openai;
  const wanted = {
    model: models[job.sdk](job),
    instructions: ask.system,
    messages: [{ role: 'user', content: contentOf(ask) }],
    maxOutputTokens: ask.most,
    maxRetries: 0,
    stopWhen: stepCountIs(TURNS),
    providerOptions: { ...OPTIONS, openai },
  };
  if (ask.stops) wanted.stopSequences = ask.stops;
  if (ask.effort) wanted.reasoning = ask.effort;
  if (ask.schema) wanted.output = Output.object({ schema: jsonSchema(ask.schema) });
  if (ask.tools) wanted.tools = Object.fromEntries(ask.tools.map(toolOf));
  return wanted;
}

function contentOf({ text, image, pdf }) {
  const content = [{ type: 'text', text }];
  if (image) content.push({ type: 'file', data: image, mediaType: 'image/png' });
  if (pdf) {
    content.push({ type: 'file', data: pdf, mediaType: 'application/pdf', filename: 'page.pdf' });
  }
  return content;
}

function toolOf({ name, description, parameters, result }) {
  const inputSchema = jsonSchema(parameters);
  return [name, tool({ description, inputSchema, execute: () => result })];
}

function answerOf({ text, reasoningText, toolCalls, usage, finishReason }) {
  return {
    text,
    thought: reasoningText ?? '',
    tools: toolCalls.map(({ toolName, input }) => ({
      name: toolName,
      arguments: JSON.stringify(input),
    })),
    usage: { input: usage.inputTokens ?? null, output: usage.outputTokens ?? null },
    stop: finishReason,
  };
}
