// What goes wrong is named, live, with who must act; and when it is mended the page says so.

import assert from 'node:assert/strict';
import { createInstance, createTenant, health, healthyLive } from '../fleet.mjs';

async function breakIt(visit, page, instance, fault) {
  await page.goto(visit.url('/sandbox'));
  const form = page.locator('form', { has: page.getByRole('button', { name: 'Break instance' }) });
  await form.getByLabel('Instance').fill(instance);
  await form.getByLabel('Fault').selectOption(fault);
  await form.getByRole('button', { name: 'Break instance' }).click();
  await page.getByRole('row', { name: new RegExp(instance) }).first().waitFor();
}

async function healIt(page, instance) {
  const row = page.getByRole('row', { name: new RegExp(instance) });
  await row.getByRole('button').first().click();
  await row.waitFor({ state: 'detached' });
}

export const tests = {
  'a crashing container is named on the instance and the fleet, and its end as well': async (visit) => {
    const watching = await visit.open('/');
    const tenant = await createTenant(visit, watching, 'Bad Luck');
    const id = await createInstance(visit, watching, tenant, 'fragile');
    await healthyLive(visit, watching);
    const faults = await visit.open('/sandbox');
    const fleet = await visit.open('/');

    await breakIt(visit, faults, id, 'crash-loop');
    await visit.until('health', () => health(watching), (word) => /down|degraded/i.test(word), 60_000);
    await watching.locator('.causes').getByText(/crash/i).first().waitFor();
    await visit.pictures(watching, 'instance-broken');
    const attention = fleet.locator('[data-live="attention"], .attention').first();
    await attention.locator(`a[href="/instances/${id}"]`).first().waitFor({ timeout: 30_000 });
    await visit.pictures(fleet, 'fleet-attention');

    await healIt(faults, id);
    await visit.until('health', () => health(watching), (word) => /^\W*healthy/i.test(word), 60_000);
    assert.equal(await watching.locator('.causes').getByText(/crash/i).count(), 0);
  },
};
