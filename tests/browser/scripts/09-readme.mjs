// The pictures of README.md, with --update-docs only: a small fleet with one thing wrong in it.

import assert from 'node:assert/strict';
import { health } from '../fleet.mjs';

const TENANTS = {
  'Åland Health Registry': ['registry', 'registry test'],
  'Canton of Zug': ['e-id', 'e-id staging', 'land register'],
  'Lisbon Port Authority': ['seafarers', 'customs'],
  'University of Tartu': ['diplomas', 'student cards', 'alumni'],
  'Wellington Water': ['meters'],
  'Nordic Grid': ['suppliers', 'suppliers test', 'field staff'],
};

const PATIENCE = 60_000;

// Calls the REST API with the page's session.
async function rest(visit, page, method, path, data) {
  const answer = await page.context().request.fetch(visit.url(`/api/v1${path}`), {
    method,
    data,
    headers: { origin: new URL(visit.options.base).origin },
  });
  assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`);
  return answer.json();
}

async function fill(visit, page) {
  const made = [];
  const clusters = (await rest(visit, page, 'GET', '/clusters')).items;
  for (const [tenant, instances] of Object.entries(TENANTS)) {
    const { id } = await rest(visit, page, 'POST', '/tenants', { name: tenant });
    for (const name of instances) {
      const purpose = /test|staging/.test(name) ? 'development' : 'production';
      const { region } = clusters.find((cluster) => cluster.purpose === purpose);
      const wish = { name, purpose, region };
      made.push((await rest(visit, page, 'POST', `/tenants/${id}/instances`, wish)).instance.id);
    }
  }
  await visit.until(
    'healthy instances',
    async () => (await rest(visit, page, 'GET', '/instances?health=healthy')).items.length,
    (number) => number >= made.length,
    PATIENCE,
  );
  return made;
}

async function breakOne(visit, page, instance) {
  await page.goto(visit.url('/sandbox'));
  const form = page.locator('form', { has: page.getByRole('button', { name: 'Break instance' }) });
  const clusters = await form.getByLabel('Cluster').locator('option').allTextContents();
  await form.getByLabel('Cluster').selectOption(clusters.find((name) => /production/.test(name)));
  await form.getByLabel('Instance').fill(instance);
  await form.getByLabel('Fault').selectOption('crash-loop');
  await form.getByRole('button', { name: 'Break instance' }).click();
}

async function take(visit) {
  const page = await visit.open('/');
  const instances = await fill(visit, page);
  await breakOne(visit, page, instances[2]);
  await page.goto(visit.url(`/instances/${instances[2]}`));
  // A crash is called progress for a while, because many mend themselves.
  await visit.until('health', () => health(page), (word) => /down/i.test(word), PATIENCE);
  await page.goto(visit.url(`/instances/${instances[2]}`));
  await page.locator('html[data-awake]').waitFor();
  await visit.pictureForDocs(page, 'instance', 1400);
  const { tenant_id: tenant, region } = await rest(visit, page, 'GET', `/instances/${instances[2]}`);
  const wish = { name: 'e-id pilot', purpose: 'production', region };
  const { instance } = await rest(visit, page, 'POST', `/tenants/${tenant}/instances`, wish);
  await visit.until(
    'health of the newest instance',
    async () => (await rest(visit, page, 'GET', `/instances/${instance.id}`)).health.status,
    (word) => word === 'progressing',
  );
  await page.goto(visit.url('/'));
  await page.locator('html[data-awake]').waitFor();
  await visit.pictureForDocs(page, 'fleet', 900);
}

export const tests = process.argv.includes('--update-docs') ? { 'pictures are taken': take } : {};
