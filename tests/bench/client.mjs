// What the benches share: a client of the server that `cargo xtask bench` started, and a fleet on it.
//   BASE_URL      where the console is,
//   ACCESS_TOKEN  for the REST API.

import http from 'node:http';
import { performance } from 'node:perf_hooks';

const { BASE_URL, ACCESS_TOKEN } = process.env;
export const WORKERS = 8;
const PATIENCE = 20 * 60_000;

export const base = new URL(BASE_URL);
export const agent = new http.Agent({ keepAlive: true, maxSockets: WORKERS });

export function request(method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const options = { host: '127.0.0.1', port: base.port, method, path, agent };
    const call = http.request({ ...options, headers: { host: base.host, ...headers } }, (answer) => {
      let first;
      const parts = [];
      answer.on('data', (part) => {
        first ??= performance.now() - started;
        parts.push(part);
      });
      answer.on('error', reject);
      answer.on('end', () => {
        const { statusCode: status, headers: received } = answer;
        const text = Buffer.concat(parts).toString();
        resolve({ status, headers: received, text, first: first ?? performance.now() - started });
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}

export async function rest(method, path, body) {
  const headers = { authorization: `Bearer ${ACCESS_TOKEN}` };
  if (body) headers['content-type'] = 'application/json';
  const answer = await request(method, `/api/v1${path}`, headers, body && JSON.stringify(body));
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return JSON.parse(answer.text);
}

// Creates so many instances and waits until every one of them is healthy.
export async function fill(count) {
  const tenants = [];
  for (let number = 0; number < Math.max(1, count / 20); number += 1) {
    tenants.push((await rest('POST', '/tenants', { name: `Organisation ${number}` })).id);
  }
  const clusters = (await rest('GET', '/clusters')).items;
  const regionOf = (purpose) => clusters.find((cluster) => cluster.purpose === purpose).region;
  const started = performance.now();
  let next = 0;
  const made = [];
  const worker = async () => {
    while (next < count) {
      const number = next;
      next += 1;
      const purpose = number % 2 === 0 ? 'development' : 'production';
      const wish = { name: `instance ${number}`, purpose, region: regionOf(purpose) };
      const begun = await rest('POST', `/tenants/${tenants[number % tenants.length]}/instances`, wish);
      made.push(begun.instance.id);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  const accepted = performance.now() - started;
  const deadline = performance.now() + PATIENCE;
  const busy = async () =>
    (await rest('GET', '/operations?state=queued&limit=1')).items.length +
    (await rest('GET', '/operations?state=running&limit=1')).items.length +
    (await rest('GET', '/operations?state=waiting&limit=1')).items.length;
  while ((await busy()) > 0) {
    if (performance.now() > deadline) throw new Error('operations are still under way');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const done = performance.now() - started;
  return { accepted, done, made, tenant: tenants[0] };
}

// Calls `work` once for every item, so many at a time.
export async function each(items, work, atOnce = WORKERS) {
  let next = 0;
  const one = async () => {
    while (next < items.length) {
      const item = items[next];
      next += 1;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

// The value below which that share of the numbers lies, by nearest rank.
export function percentile(numbers, share) {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}
