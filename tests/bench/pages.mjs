// How quickly pages and REST answer beside a fleet of many instances. It is called by
// `cargo xtask bench pages`, which starts a server of its own and sets
//   BASE_URL      where the console is,
//   ACCESS_TOKEN  for the REST API,
//   EMAIL, PASSWORD  a staff owner, for the pages,
//   SERVER_PID    whose memory is read,
//   INSTANCES     how many to create first,
//   REQUESTS      how many of each kind to time, one after the other.
// It prints a table; times are from sending a request to the first byte of its answer's body.

import { readFileSync } from 'node:fs';

import { agent, base, fill, request } from './client.mjs';

const { ACCESS_TOKEN, EMAIL, PASSWORD, SERVER_PID } = process.env;
const INSTANCES = Number(process.env.INSTANCES);
const REQUESTS = Number(process.env.REQUESTS);

async function signIn() {
  const form = new URLSearchParams({ email: EMAIL, password: PASSWORD, next: '/' });
  const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: base.origin };
  const answer = await request('POST', '/sign-in', headers, form.toString());
  const cookies = answer.headers['set-cookie'];
  if (answer.status !== 303 || !cookies) throw new Error(`signing in: ${answer.status}`);
  return cookies.map((cookie) => cookie.split(';')[0]).join('; ');
}

function memory() {
  const status = readFileSync(`/proc/${SERVER_PID}/status`, 'utf8');
  const of = (key) => Math.round(Number(status.match(new RegExp(`${key}:\\s+(\\d+)`))[1]) / 1024);
  return { now: of('VmRSS'), most: of('VmHWM') };
}

async function time(path, headers) {
  const times = [];
  let size = 0;
  for (let number = 0; number < REQUESTS; number += 1) {
    const answer = await request('GET', path, headers);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
    times.push(answer.first);
    size = answer.text.length;
  }
  times.sort((one, other) => one - other);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(1);
  return { path, p50: at(0.5), p95: at(0.95), p99: at(0.99), kib: Math.ceil(size / 1024) };
}

const before = memory();
const { accepted, done, made, tenant } = await fill(INSTANCES);
const last = made.at(-1);
console.log(`instances: ${INSTANCES}`);
console.log(`accepted by REST: ${(accepted / 1000).toFixed(1)} s, every operation ended: ${(done / 1000).toFixed(1)} s`);
const cookie = await signIn();
const bearer = { authorization: `Bearer ${ACCESS_TOKEN}` };
const rows = [];
for (const path of ['/', '/instances', `/instances/${last}`, `/tenants/${tenant}`, '/operations']) {
  rows.push(await time(path, { cookie }));
}
for (const path of ['/api/v1/instances?limit=100', `/api/v1/instances/${last}`]) {
  rows.push(await time(path, bearer));
}
console.log(`\nfirst byte in ms over ${REQUESTS} requests, one after the other`);
console.log(`${'path'.padEnd(52)}${'p50'.padStart(8)}${'p95'.padStart(8)}${'p99'.padStart(8)}${'KiB'.padStart(8)}`);
for (const row of rows) {
  const figures = [row.p50, row.p95, row.p99, row.kib].map((figure) => String(figure).padStart(8));
  console.log(`${row.path.padEnd(52)}${figures.join('')}`);
}
const after = memory();
console.log(`\nresident memory: ${before.now} MiB empty, ${after.now} MiB now, ${after.most} MiB at most`);
agent.destroy();
