// The TypeScript SDKs against `sotto mcp`. The argument is what clients.py says. With `agent`, each client sends a message, adds a
// friend and asks the person, on each revision; else every tool is the first call of a session, on each revision.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

import { Client as NewClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as NewTransport } from '@modelcontextprotocol/client/stdio';

const require = createRequire(import.meta.url);
const types = require('@modelcontextprotocol/sdk/types.js');
const { Client: OldClient } = require('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport: OldTransport } = require('@modelcontextprotocol/sdk/client/stdio.js');

const { command, revisions, calls, refused, agent } = JSON.parse(process.argv[2]);
const info = { name: 'test', version: '1' };
const names = [...Object.keys(calls), ...Object.keys(refused)];
const handshakes = revisions.filter((revision) => revision < '2026-07-28');

// What both SDKs are told: the revision that they speak, and what the person answers to a question.
function fresh(program, revision, answer) {
  const options = handshakes.includes(revision)
    ? { supportedProtocolVersions: [revision] }
    : { versionNegotiation: { mode: revision === 'auto' ? 'auto' : { pin: revision } } };
  const client = new NewClient(info, { ...options, capabilities: answer ? { elicitation: { form: {} } } : {} });
  if (answer) {
    client.setRequestHandler('elicitation/create', (request) => answer(request.params));
  }
  return [client, new NewTransport(program), () => client.getNegotiatedProtocolVersion()];
}

function older(program, revision, answer) {
  // It offers its newest revision; a server must take what an older SDK offers.
  types.LATEST_PROTOCOL_VERSION = revision;
  const client = new OldClient(info, { capabilities: answer ? { elicitation: {} } : {} });
  if (answer) {
    client.setRequestHandler(types.ElicitRequestSchema, (request) => answer(request.params));
  }
  const transport = new OldTransport(program);
  let negotiated;
  transport.setProtocolVersion = (version) => {
    negotiated = version;
  };
  return [client, transport, () => negotiated];
}

const clients = [
  ['@modelcontextprotocol/client', fresh, revisions],
  ['@modelcontextprotocol/sdk', older, handshakes],
];

// What `calling` does with a client that has connected and called nothing.
async function session(make, server, revision, calling, answer) {
  const [client, transport, negotiated] = make({ command: server[0], args: server.slice(1), stderr: 'inherit' }, revision, answer);
  await client.connect(transport);
  try {
    assert.equal(negotiated(), revision === 'auto' ? revisions.at(-1) : revision);
    await calling(client);
  } finally {
    await client.close();
  }
}

function check(name, result, fails) {
  assert.equal(Boolean(result.isError), fails, `${name}: ${JSON.stringify(result)}`);
  const said = JSON.parse(result.content[0].text);
  if (fails) {
    assert.ok(said.error && said.kind, `${name}: ${JSON.stringify(said)}`);
  } else {
    assert.deepEqual(said, result.structuredContent, name);
  }
  return said;
}

async function everyTool(client, first) {
  check(first, await client.callTool({ name: first, arguments: { ...calls, ...refused }[first] }), first in refused);
  if (first !== names[0]) {
    return;
  }
  // The client validates each structured content against the schema that it has listed.
  const listed = await client.listTools();
  assert.deepEqual(new Set(listed.tools.map((tool) => tool.name)), new Set(names));
  for (const [name, input] of Object.entries(calls)) {
    check(name, await client.callTool({ name, arguments: input }), false);
  }
  for (const { uri } of (await client.listResources()).resources) {
    await client.readResource({ uri });
  }
  for (const { name } of (await client.listPrompts()).prompts) {
    await client.getPrompt({ name, arguments: { participant: 'bob' } });
  }
}

// What the person does with the question, and how the call ends. The texts of messages are printed with what becomes of them.
async function ask(client, title, outcomes, seen) {
  for (const [action, { content, error }] of Object.entries(outcomes)) {
    const message = `${title} ${action}`;
    Object.assign(seen, { message, answer: { action: action.split(' ')[0], ...(content && { content }) } });
    const result = await client.callTool({ name: 'send_message', arguments: { recipient: 'bob', message } });
    const said = check('send_message', result, Boolean(error));
    assert.ok(!error || (said.kind === 'refused' && said.error.startsWith(error)), JSON.stringify(said));
    console.log(JSON.stringify({ action, message }));
  }
}

async function actFor(title, make, revision) {
  const message = `${title} ${revision}`;
  await session(make, agent.writer, revision, async (client) => {
    check('send_message', await client.callTool({ name: 'send_message', arguments: { recipient: 'bob', message } }), false);
    console.log(JSON.stringify({ action: 'send', message }));
  });
  await session(make, agent.writer, revision, async (client) => {
    const friend = { code: agent.strangers.pop(), name: message, note: 'Hello' };
    assert.equal(check('add_friend', await client.callTool({ name: 'add_friend', arguments: friend }), false).petname, message);
  });
  if (!agent.elicit.includes(revision)) {
    return;
  }
  const seen = {};
  const answer = (params) => {
    assert.ok(params.message.includes(`> ${seen.message}\n`), params.message);
    return seen.answer;
  };
  await session(make, agent.asking, revision, (client) => ask(client, message, agent.outcomes, seen), answer);
}

for (const [title, make, spoken] of clients) {
  for (const revision of spoken) {
    if (agent) {
      await actFor(title, make, revision);
      continue;
    }
    for (let start = 0; start < names.length; start += 4) {
      const some = names.slice(start, start + 4);
      await Promise.all(some.map((name) => session(make, command, revision, (client) => everyTool(client, name))));
    }
    console.error(`${title} ${revision}: each of ${names.length} tools was the first call of a session`);
  }
}
// Without a wish, the client negotiates by `server/discover` and comes to the newest revision.
if (!agent) {
  await session(fresh, command, 'auto', (client) => everyTool(client, 'get_status'));
}
