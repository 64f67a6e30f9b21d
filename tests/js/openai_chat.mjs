// The openai package, Chat Completions.

import OpenAI from 'openai';

export async function askChat({ base_url, key, model, ask }, answers) {
  const client = new OpenAI({ apiKey: key, baseURL: base_url, maxRetries: 0, timeout: 20_000 });
  const body = { model, messages: messagesOf(ask), max_completion_tokens: ask.most };
  if (ask.tools) body.tools = ask.tools.map(toolOf);
  if (ask.stops) body.stop = ask.stops;
  if (ask.effort) body.reasoning_effort = ask.effort;
  if (ask.schema) {
    body.response_format = {
      type: 'json_schema',
      json_schema: { name: 'wanted', schema: ask.schema, strict: true },
    };
  }
  for (;;) {
    const { completion, thought } = await (ask.stream ? streamed : whole)(client, body);
    const [{ message, finish_reason }] = completion.choices;
    const calls = message.tool_calls ?? [];
    answers.push({
      text: message.content ?? '',
      thought,
      tools: calls.map(({ function: called }) => ({
        name: called.name,
        arguments: called.arguments,
      })),
      usage: {
        input: completion.usage?.prompt_tokens ?? null,
        output: completion.usage?.completion_tokens ?? null,
      },
      stop: finish_reason,
    });
    if (!calls.length) return;
    body.messages.push(message, ...calls.map((call) => resultOf(call, ask.tools)));
  }
}

async function whole(client, body) {
  const completion = await client.chat.completions.create(body);
  return { completion, thought: completion.choices[0].message.reasoning_content ?? '' };
}

async function streamed(client, body) {
  let thought = '';
  const stream = client.chat.completions.stream({
    ...body,
    stream_options: { include_usage: true },
  });
  stream.on('chunk', ({ choices }) => {
    thought += choices[0]?.delta.reasoning_content ?? '';
  });
  return { completion: await stream.finalChatCompletion(), thought };
}

function messagesOf({ text, system, image, pdf }) {
  const content = [{ type: 'text', text }];
  if (image) {
    content.push({ type: 'image_url', image_url: { url: `data:image/png;base64,${image}` } });
  }
  if (pdf) {
    const file = { filename: 'page.pdf', file_data: `data:application/pdf;base64,${pdf}` };
    content.push({ type: 'file', file });
  }
  return [
    { role: 'system', content: system },
    { role: 'user', content: content.length > 1 ? content : text },
  ];
}

function toolOf({ name, description, parameters }) {
  return { type: 'function', function: { name, description, parameters } };
}

function resultOf(call, tools) {
  const { result } = tools.find(({ name }) => name === call.function.name);
  return { role: 'tool', tool_call_id: call.id, content: result };
}
