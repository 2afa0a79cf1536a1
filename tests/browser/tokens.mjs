// What the tests about tokens do over and over: an instance that answers, a token of it, a call
// through the gateway as any program would make it.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { createInstance, createTenant, healthyLive } from './fleet.mjs';

export const TRIED = '/cloud-agent/_system/health';
export const TEXT = /^prism_[a-z][a-z0-9]{11}_[0-9A-Za-z]{49}$/;
export const RECEIPT = /Revoked, refused by (\d+) of \1 gateways? after [\d.]+ m?s\./;

// The status that the instance at `url` answers to a key. The host name resolves to this machine
// in browsers and in curl, but not for Node.js.
export function call(url, key) {
  const { hostname, port, host } = new URL(url);
  assert.match(hostname, /\.localhost$/);
  const headers = key ? { host, apikey: key } : { host };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: TRIED, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
    });
    sent.setTimeout(10_000, () => sent.destroy(new Error(`${url} did not answer`)));
    sent.on('error', reject);
    sent.end();
  });
}

// An instance that is healthy, with its tenant and its address.
export async function runningInstance(visit, page, tenantName, name) {
  const tenant = await createTenant(visit, page, tenantName);
  const id = await createInstance(visit, page, tenant, name);
  await healthyLive(visit, page);
  const url = await page.locator('.facts a[rel="noreferrer"]').first().getAttribute('href');
  return { tenant, id, url, name, tenantName };
}

// Opens the form and sends it; ends on the page that shows the text, which is given back.
export async function issue(visit, page, instance, name) {
  await page.goto(visit.url(`/instances/${instance.id}/tokens/new`));
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Issue token' }).click();
  const text = await page.locator('.secret-text').textContent();
  assert.match(text, TEXT);
  return text;
}

// The word in the badge beside the title of a token's page.
export function state(page) {
  return page.locator('h1 [data-live="badge"]').textContent();
}

// Waits, on a page with scripts, until the story of the token says so.
export function told(page, pattern, patience = 30_000) {
  return page.locator('.story').getByText(pattern).first().waitFor({ timeout: patience });
}

// Waits until the gateway gives one of these answers to a key.
export function answers(visit, url, key, wanted) {
  return visit.until(`the answer of ${url}`, () => call(url, key), (got) => wanted.includes(got), 30_000);
}

// From the token's page, with scripts: the link, the dialog, the button in it.
export async function revokeInDialog(page) {
  await page.getByRole('link', { name: 'Revoke token' }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.getByRole('button', { name: 'Revoke token' }).click();
  await dialog.waitFor({ state: 'detached' });
}

// Breaks or heals a sandbox cluster by its page.
export async function breakCluster(visit, page, cluster, fault) {
  await page.goto(visit.url('/sandbox'));
  const form = page.locator('form', { has: page.getByRole('button', { name: 'Break cluster' }) });
  await form.getByLabel('Cluster').selectOption(cluster);
  await form.getByLabel('Fault').selectOption(fault);
  await form.getByRole('button', { name: 'Break cluster' }).click();
  await page.getByRole('button', { name: new RegExp(`Heal ${fault}`) }).waitFor();
}

export async function healCluster(visit, page, fault) {
  await page.goto(visit.url('/sandbox'));
  const heal = page.getByRole('button', { name: new RegExp(`Heal ${fault}`) });
  await heal.click();
  await heal.waitFor({ state: 'detached' });
}
