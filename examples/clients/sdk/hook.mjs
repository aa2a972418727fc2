// The test hook of docs/reference/merchant-protocol.md around one of the merchants beside it: node hook.mjs epayment [PORT]
//
// The client has the test environment's host built in. What it sends there goes to the provider that `start` names;
// every other host is refused.

import { createServer } from "node:http";

const TEST_ENVIRONMENT = "https://apitest.vipps.no";
const { profiles, shop } = await import(`./${process.argv[2]}.mjs`);
const send = globalThis.fetch;
let provider;
let current;

globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const { origin, pathname, search } = new URL(request.url);
  if (origin !== TEST_ENVIRONMENT) throw new TypeError(`refused to reach ${origin}`);
  const body = await request.arrayBuffer();
  return send(provider + pathname + search, {
    method: request.method,
    headers: request.headers,
    body: body.byteLength ? body : undefined,
    redirect: request.redirect,
  });
};

function start(setup) {
  if (new URL(setup.base_url).hostname !== "127.0.0.1") throw new Error(`${setup.base_url} is not this machine`);
  provider = setup.base_url;
  current = shop(setup);
  return { profiles, actions: Object.keys(current) };
}

async function answer(request, response) {
  let status = 200;
  let said;
  try {
    let text = "";
    for await (const part of request) text += part;
    const given = JSON.parse(text || "{}");
    const action = request.url.slice(1);
    said = action === "start" ? start(given) : await current[action](given);
  } catch (error) {
    status = 500;
    said = { error: error.message };
  }
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(said ?? {}));
}

const server = createServer(answer);
server.listen(Number(process.argv[3] ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
