// The openai package, Responses: without state, the history goes along.

import OpenAI from 'openai';

export async function askResponses({ base_url, key, model, ask }, answers) {
  const client = new OpenAI({ apiKey: key, baseURL: base_url, maxRetries: 0, timeout: 20_000 });
  const body = {
    model,
    instructions: ask.system,
    input: inputOf(ask),
    max_output_tokens: ask.most,
    store: false,
  };
  if (ask.tools) body.tools = ask.tools.map(toolOf);
  if (ask.effort) {
    body.reasoning = { effort: ask.effort, summary: 'auto' };
    body.include = ['reasoning.encrypted_content'];
  }
  if (ask.schema) {
    const format = { type: 'json_schema', name: 'wanted', schema: ask.schema, strict: true };
    body.text = { format };
  }
  for (;;) {
    const response = ask.stream
      ? await client.responses.stream(body).finalResponse()
      : await client.responses.create(body);
    const calls = response.output.filter(({ type }) => type === 'function_call');
    answers.push({
      text: response.output_text,
      thought: thoughtOf(response),
      tools: calls.map((call) => ({ name: call.name, arguments: call.arguments })),
      usage: {
        input: response.usage?.input_tokens ?? null,
        output: response.usage?.output_tokens ?? null,
      },
      stop: response.incomplete_details?.reason ?? response.status,
    });
    if (!calls.length) return;
    body.input.push(...response.output, ...calls.map((call) => resultOf(call, ask.tools)));
  }
}

function inputOf({ text, image, pdf }) {
  const content = [{ type: 'input_text', text }];
  if (image) {
    content.push({
      type: 'input_image',
      detail: 'auto',
      image_url: `data:image/png;base64,${image}`,
    });
  }
  if (pdf) {
    const file_data = `data:application/pdf;base64,${pdf}`;
    content.push({ type: 'input_file', filename: 'page.pdf', file_data });
  }
  return [{ role: 'user', content }];
}

function thoughtOf({ output }) {
  const thoughts = output.filter(({ type }) => type === 'reasoning');
  return thoughts
    .flatMap(({ summary, content }) => (content?.length ? content : summary))
    .map(({ text }) => text)
    .join('');
}

function toolOf({ name, description, parameters }) {
  return { type: 'function', name, description, parameters, strict: false };
}

function resultOf(call, tools) {
  const { result } = tools.find(({ name }) => name === call.name);
  return { type: 'function_call_output', call_id: call.call_id, output: result };
}
