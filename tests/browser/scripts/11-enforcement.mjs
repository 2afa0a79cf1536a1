// What the console says while a gateway does not do what it was told: never more than was proven.

import assert from 'node:assert/strict';
import {
  RECEIPT,
  answers,
  breakCluster,
  healCluster,
  issue,
  revokeInDialog,
  runningInstance,
  state,
  told,
} from '../tokens.mjs';

async function clusterOf(visit, page, one) {
  await page.goto(visit.url(`/instances/${one.id}`));
  const link = page.locator('.facts a[href^="/clusters/"]').first();
  return (await link.textContent()).trim();
}

async function sandboxName(page, cluster) {
  const options = page.getByLabel('Cluster').first().locator('option');
  const names = (await options.allTextContents()).map((text) => text.trim());
  return names.find((name) => name === cluster) ?? names.find((name) => cluster.includes(name)) ?? names[0];
}

async function stuckReplica(visit) {
  const page = await visit.open('/');
  const one = await runningInstance(visit, page, 'One Gateway Hangs', 'hanging');
  const text = await issue(visit, page, one, 'Held by a stuck gateway');
  await page.locator('html[data-awake]').waitFor();
  await answers(visit, one.url, text, [200]);
  await told(page, /^Active since/);
  await page.getByRole('button', { name: 'Copy text' }).click();
  const token = new URL(page.url()).pathname;
  const faults = await visit.open('/sandbox');
  const cluster = await clusterOf(visit, page, one);
  const sandbox = await sandboxName(faults, cluster);
  await breakCluster(visit, faults, sandbox, 'gateway-stuck');
  try {
    await page.goto(visit.url(token));
    await page.locator('html[data-awake]').waitFor();
    await revokeInDialog(page);
    // Those that do take changes are shown to refuse, the one that does not is named with what it said.
    await page.locator('.gateway.proven').nth(1).waitFor({ timeout: 20_000 });
    const waiting = page.locator('.gateway:not(.proven)');
    await waiting.first().waitFor();
    assert.equal(await waiting.count(), 1);
    const name = await waiting.locator('.gateway-name').textContent();
    assert.match(await state(page), /revoking/);
    assert.match(await page.locator('.cause-what').first().textContent(), new RegExp(name));
    await page.locator('.gateway.overdue').waitFor({ timeout: 55_000 });
    assert.match(await state(page), /unproven/);
    await page.getByText('Atala acts.').first().waitFor();
    await visit.pictures(page, 'token-stuck');
  } finally {
    await healCluster(visit, faults, 'gateway-stuck');
  }
  await told(page, RECEIPT);
  assert.match(await state(page), /revoked/);
}

async function leak(visit) {
  const page = await visit.open('/');
  const one = await runningInstance(visit, page, 'Leaky Pipes', 'leaky');
  const text = await issue(visit, page, one, 'Found in a repository');
  await page.locator('html[data-awake]').waitFor();
  await answers(visit, one.url, text, [200]);
  await page.getByRole('button', { name: 'Copy text' }).click();
  const token = new URL(page.url()).pathname;
  const stranger = await visit.open('/sign-in', { anonymous: true });
  await stranger.getByRole('link', { name: 'Report a leaked token' }).click();
  await visit.pictures(stranger, 'leaks');
  const said = [];
  for (const found of [text, `${text.slice(0, -1)}x`]) {
    await stranger.goto(visit.url('/leaks'));
    await stranger.getByLabel('What you found').fill(`key = "${found}"`);
    await stranger.getByLabel('Where you found it').fill('https://git.example/a/b');
    await stranger.getByRole('button', { name: 'Report token' }).click();
    said.push(await stranger.getByRole('status').filter({ hasText: 'Thank you' }).textContent());
    assert.ok(!(await stranger.content()).includes(found), 'what was pasted is not put back');
  }
  assert.equal(said[0], said[1], 'the answer tells nothing');
  await page.goto(visit.url(token));
  await told(page, RECEIPT);
  await page.getByText('Its text was found where it does not belong.').waitFor();
  await answers(visit, one.url, text, [401, 403]);
}

async function measured(visit) {
  const page = await visit.open('/clusters');
  await page.getByRole('columnheader', { name: 'Revocation takes' }).waitFor();
  await page.getByRole('main').locator('a[href^="/clusters/"]:not([href$="/new"])').first().click();
  await page.getByText(/Revocation takes|has not been measured/).first().waitFor();
  await page.getByText('Change the gateway and how it is asked').click();
  await page.getByLabel(/^Pods of the cluster/).waitFor();
  await visit.pictures(page, 'cluster-gateway');
}

export const tests = {
  'a replica that is stuck keeps the token revoking, and is named': stuckReplica,
  'a reported leak is revoked, and the answer tells nobody': leak,
  'a cluster says how long a revocation takes and how its gateway is asked': measured,
};
