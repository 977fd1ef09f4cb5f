// The TypeScript SDKs against `sotto mcp`: every tool as the first call of a session, on each revision.
// The argument is what world.py prints: the command, the revisions, and the calls with their arguments.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

import { Client as NewClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as NewTransport } from '@modelcontextprotocol/client/stdio';

const require = createRequire(import.meta.url);
const types = require('@modelcontextprotocol/sdk/types.js');
const { Client: OldClient } = require('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport: OldTransport } = require('@modelcontextprotocol/sdk/client/stdio.js');

const { command, revisions, calls, refused, sends } = JSON.parse(process.argv[2]);
const parameters = { command: command[0], args: command.slice(1), stderr: 'inherit' };
const names = [...Object.keys(calls), ...Object.keys(refused)];
const handshakes = revisions.filter((revision) => revision < '2026-07-28');

function check(name, result) {
  const fails = name in refused;
  assert.equal(Boolean(result.isError), fails, `${name}: ${JSON.stringify(result)}`);
  const said = JSON.parse(result.content[0].text);
  if (fails) {
    assert.ok(said.error && said.kind, `${name}: ${JSON.stringify(said)}`);
  } else {
    assert.deepEqual(said, result.structuredContent, name);
  }
}

async function session(make, first, revision) {
  const { client, transport } = make(revision);
  await client.connect(transport);
  try {
    check(first, await client.callTool({ name: first, arguments: { ...calls, ...refused }[first] }));
    if (first === names[0]) {
      // The client validates each structured content against the schema that it has listed.
      const listed = await client.listTools();
      assert.deepEqual(new Set(listed.tools.map((tool) => tool.name)), new Set(names));
      for (const [name, input] of Object.entries(calls)) {
        check(name, await client.callTool({ name, arguments: input }));
      }
      for (const { uri } of (await client.listResources()).resources) {
        await client.readResource({ uri });
      }
      for (const { name } of (await client.listPrompts()).prompts) {
        await client.getPrompt({ name, arguments: { participant: 'bob' } });
      }
    }
  } finally {
    await client.close();
  }
}

function fresh(revision) {
  const info = { name: 'test', version: '1' };
  const options = handshakes.includes(revision)
    ? { supportedProtocolVersions: [revision] }
    : { versionNegotiation: { mode: { pin: revision } } };
  return { client: new NewClient(info, options), transport: new NewTransport(parameters) };
}

function older(revision) {
  // It offers its newest revision; a server must take what an older SDK offers.
  types.LATEST_PROTOCOL_VERSION = revision;
  return { client: new OldClient({ name: 'test', version: '1' }), transport: new OldTransport(parameters) };
}

const clients = [
  ['@modelcontextprotocol/client', fresh, revisions],
  ['@modelcontextprotocol/sdk', older, handshakes],
];

// One message by each client on each revision. Their texts are printed.
async function send() {
  for (const [title, make, spoken] of clients) {
    for (const revision of spoken) {
      const { client, transport } = make(revision);
      await client.connect(transport);
      const message = `${title} ${revision}`;
      check('send_message', await client.callTool({ name: 'send_message', arguments: { recipient: 'bob', message } }));
      await client.close();
      console.log(message);
    }
  }
}

if (sends) {
  await send();
  process.exit(0);
}
for (const [title, make, spoken] of clients) {
  for (const revision of spoken) {
    for (let start = 0; start < names.length; start += 4) {
      await Promise.all(names.slice(start, start + 4).map((name) => session(make, name, revision)));
    }
    console.error(`${title} ${revision}: each of ${names.length} tools was the first call of a session`);
  }
}
// Without a wish, the client negotiates by `server/discover` and comes to the newest revision.
const { client, transport } = {
  client: new NewClient({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } }),
  transport: new NewTransport(parameters),
};
await client.connect(transport);
check('get_status', await client.callTool({ name: 'get_status', arguments: {} }));
await client.close();
