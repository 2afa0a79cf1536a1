// Runs the scripts of `scripts/` in Chromium against a server that is already there. It is called
// by `cargo xtask test --suite browser`, which starts the server and sets
//   BASE_URL     where the console is,
//   SETUP_LINK   the one-time link that makes the first owner,
//   CHROMIUM     the browser to drive,
//   SCREENSHOTS  the folder for pictures.
// Arguments are parts of the names of tests to run; `--update-docs` also takes
// the pictures of README.md.
// The last line is `N passed, N failed`, and the exit code says the same.

import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { launch } from './browser.mjs';
import { Visit } from './visit.mjs';

const TEST_TIME_LIMIT = 90_000;

const options = {
  base: required('BASE_URL'),
  setupLink: process.env.SETUP_LINK,
  chromium: required('CHROMIUM'),
  screenshots: required('SCREENSHOTS'),
};
const filters = process.argv.slice(2).filter((word) => !word.startsWith('--'));

function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set. Run: cargo xtask test --suite browser`);
    process.exit(2);
  }
  return value;
}

// Every test of every script, in the order of file names and then of the text.
async function tests() {
  const files = readdirSync(new URL('./scripts/', import.meta.url)).sort();
  const found = [];
  for (const file of files.filter((name) => name.endsWith('.mjs'))) {
    const script = await import(`./scripts/${file}`);
    for (const [name, body] of Object.entries(script.tests)) {
      found.push({ name: `${file.replace(/\.mjs$/, '')}: ${name}`, body });
    }
  }
  return found.filter(
    ({ name }) => filters.length === 0 || filters.some((part) => name.includes(part)),
  );
}

function limit(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`not done within ${TEST_TIME_LIMIT / 1000} s`)),
      TEST_TIME_LIMIT,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function run(browser, { name, body }) {
  const visit = new Visit(browser, options);
  const started = performance.now();
  let failure;
  try {
    await limit(body(visit));
    visit.assertQuiet();
  } catch (error) {
    failure = error;
    await visit.pictureOfFailure(name);
  } finally {
    await visit.close();
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
  console.log(`${failure ? 'FAIL' : 'ok  '} ${seconds} s  ${name}`);
  if (failure) {
    console.log(indent(failure.stack ?? String(failure)));
    for (const complaint of visit.complaints) console.log(indent(`the page also: ${complaint}`));
  }
  return !failure;
}

function indent(text) {
  return text.replace(/^/gm, '            ');
}

// Pictures of failures that have since been mended would mislead.
rmSync(options.screenshots, { recursive: true, force: true });
mkdirSync(options.screenshots, { recursive: true });
const chosen = await tests();
const browser = await launch(options.chromium);
let passed = 0;
for (const test of chosen) {
  if (await run(browser, test)) passed += 1;
}
await browser.close();
const failed = chosen.length - passed;
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
