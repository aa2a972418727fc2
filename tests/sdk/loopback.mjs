// Loaded before the client: what it sends to the test environment goes to a port of this machine, in plain HTTP.
// Every other host is refused, the production environment's included.

const TEST_ENVIRONMENT = "https://apitest.vipps.no";
const provider = new URL(process.env.PROVIDER_URL);
if (provider.hostname !== "127.0.0.1") throw new Error(`${provider.hostname} is not this machine`);

const send = globalThis.fetch;

globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const { origin, pathname, search } = new URL(request.url);
  if (origin !== TEST_ENVIRONMENT) throw new Error(`refused to reach ${origin}`);
  const body = await request.arrayBuffer();
  return send(new URL(pathname + search, provider), {
    method: request.method,
    headers: request.headers,
    body: body.byteLength ? body : undefined,
    redirect: "error",
  });
};
