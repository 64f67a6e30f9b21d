// The @anthropic-ai/sdk package.

import Anthropic from '@anthropic-ai/sdk';

export async function askMessages({ base_url, key, model, ask }, answers) {
  const client = new Anthropic({ apiKey: key, baseURL: base_url, maxRetries: 0, timeout: 20_000 });
  const body = { model, system: ask.system, messages: messagesOf(ask), max_tokens: ask.most };
  if (ask.tools) body.tools = ask.tools.map(toolOf);
  if (ask.stops) body.stop_sequences = ask.stops;
  if (ask.effort) body.thinking = { type: 'enabled', budget_tokens: 1024 };
  if (ask.schema) body.output_config = { format: { type: 'json_schema', schema: ask.schema } };
  for (;;) {
    const message = ask.stream
      ? await client.messages.stream(body).finalMessage()
      : await client.messages.create(body);
    const calls = message.content.filter(({ type }) => type === 'tool_use');
    answers.push({
      text: joined(message.content, 'text'),
      thought: joined(message.content, 'thinking'),
      tools: calls.map(({ name, input }) => ({ name, arguments: JSON.stringify(input) })),
      usage: { input: inputOf(message.usage), output: message.usage.output_tokens },
      stop: message.stop_reason,
    });
    if (!calls.length) return;
    body.messages.push(
      { role: 'assistant', content: message.content },
      { role: 'user', content: calls.map((call) => resultOf(call, ask.tools)) },
    );
  }
}

function messagesOf({ text, image, pdf }) {
  const content = [{ type: 'text', text }];
  if (image) {
    const source = { type: 'base64', media_type: 'image/png', data: image };
    content.push({ type: 'image', source });
  }
  if (pdf) {
    const source = { type: 'base64', media_type: 'application/pdf', data: pdf };
    content.push({ type: 'document', source });
  }
  return [{ role: 'user', content }];
}

function joined(content, kind) {
  const blocks = content.filter(({ type }) => type === kind);
  return blocks.map((block) => block[kind]).join('');
}

function inputOf({ input_tokens, cache_creation_input_tokens, cache_read_input_tokens }) {
  return input_tokens + (cache_creation_input_tokens ?? 0) + (cache_read_input_tokens ?? 0);
}

function toolOf({ name, description, parameters }) {
  return { name, description, input_schema: parameters };
}

function resultOf(call, tools) {
  const { result } = tools.find(({ name }) => name === call.name);
  return { type: 'tool_result', tool_use_id: call.id, content: result };
}
