// How long a revocation takes until it is proven at every worker of every replica of the gateway, with
// many live tokens beside it. It is called by `cargo xtask bench revocations`, which starts a server of
// its own with simulated clusters at their ordinary pace and sets
//   BASE_URL      where the console is,
//   ACCESS_TOKEN  for the REST API,
//   INSTANCES     over how many instances the tokens are spread,
//   TOKENS        how many are live,
//   REQUESTS      how many are revoked.
// Every token is tried at the gateway before (it must pass) and after its receipt (it must be refused on
// every one of many fresh connections). The time of the receipt is the control plane's own; beside it
// stands the time of the whole request as its caller saw it.

import http from 'node:http';
import { performance } from 'node:perf_hooks';

import { agent, each, fill, percentile, rest } from './client.mjs';

const INSTANCES = Number(process.env.INSTANCES);
const TOKENS = Number(process.env.TOKENS);
const REQUESTS = Number(process.env.REQUESTS);
const CONNECTIONS = 24;
const PATH = '/cloud-agent/_system/health';

// Asks the instance with a key, on a connection of its own: its name resolves nowhere but here.
function knock(url, key) {
  const to = new URL(url);
  const headers = { host: to.host, apikey: key, connection: 'close' };
  return new Promise((resolve, reject) => {
    const call = http.request(
      { host: '127.0.0.1', port: to.port, path: PATH, headers, agent: false },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode));
        answer.on('error', reject);
      },
    );
    call.on('error', reject);
    call.end();
  });
}

async function active(id) {
  const deadline = performance.now() + 120_000;
  while (performance.now() < deadline) {
    const token = await rest('GET', `/tokens/${id}`);
    if (token.state === 'active') return;
    if (token.state !== 'issuing') throw new Error(`a token is ${token.state}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('a token did not become active within two minutes');
}

async function issue(instance, number) {
  const made = await rest('POST', `/instances/${instance}/tokens`, { name: `token ${number}` });
  return { id: made.token.id, text: made.text, url: made.url };
}

async function revoke(token) {
  if ((await knock(token.url, token.text)) !== 200) throw new Error('a live token is refused');
  const started = performance.now();
  const answer = await rest('DELETE', `/tokens/${token.id}?wait=60s`);
  const seen = performance.now() - started;
  if (answer.state !== 'revoked') throw new Error(`a token is ${answer.state}: ${answer.waiting}`);
  for (let connection = 0; connection < CONNECTIONS; connection += 1) {
    const status = await knock(token.url, token.text);
    if (status !== 401 && status !== 403) throw new Error(`a revoked token was answered ${status}`);
  }
  return { proven: answer.receipt.millis, seen, receipt: answer.receipt };
}

const { done, made } = await fill(INSTANCES);
console.log(`instances: ${INSTANCES}, healthy after ${(done / 1000).toFixed(1)} s`);
const live = [];
const began = performance.now();
await each(Array.from({ length: TOKENS }, (_, number) => number), async (number) => {
  live.push(await issue(made[number % made.length], number));
});
const accepted = performance.now() - began;
await each(live, (token) => active(token.id));
const settled = performance.now() - began;
console.log(`tokens: ${TOKENS}, issued in ${(accepted / 1000).toFixed(1)} s, all active after ${(settled / 1000).toFixed(1)} s`);

const ended = [];
for (const token of live.slice(0, REQUESTS)) ended.push(await revoke(token));
const print = (what, numbers) => {
  const [median, p99, most] = [0.5, 0.99, 1].map((share) => percentile(numbers, share).toFixed(0));
  console.log(`${what.padEnd(44)}${median.padStart(8)}${p99.padStart(8)}${most.padStart(8)}`);
};
const { replicas, workers, routes } = ended[0].receipt;
console.log(`\n${REQUESTS} revocations one after the other, each proven at ${replicas} replicas, ${workers} workers, ${routes} routes`);
console.log(`${'ms'.padEnd(44)}${'median'.padStart(8)}${'p99'.padStart(8)}${'most'.padStart(8)}`);
print('from the wish to the proof (receipt)', ended.map((one) => one.proven));
print('as the caller of DELETE ?wait saw it', ended.map((one) => one.seen));
console.log(`keys tried after their receipt: ${REQUESTS * CONNECTIONS}, none passed`);
agent.destroy();
