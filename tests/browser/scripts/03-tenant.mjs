// Tenants: the form, what it refuses and how, finding one again.

import assert from 'node:assert/strict';
import { createTenant } from '../fleet.mjs';

async function refused(visit, scripts) {
  visit.expect(/answer 4|status of 4/);
  const page = await visit.open('/tenants/new', { scripts });
  await page.getByLabel('Name').fill('   ');
  await page.getByRole('button', { name: 'Create tenant' }).click();
  const summary = page.getByRole('alert');
  await summary.waitFor();
  assert.match(await page.title(), /^Error: /);
  const sentence = (await summary.getByRole('link').first().textContent()).trim();
  assert.equal((await page.locator('.field-error').first().textContent()).trim(), sentence);
  await summary.getByRole('link').first().click();
  assert.ok(page.url().endsWith('#f-name'), 'the summary leads to the field');
  return page;
}

export const tests = {
  'a tenant is created and found again': async (visit) => {
    const page = await visit.open('/tenants');
    await createTenant(visit, page, 'Åland Health Registry');
    await page.getByRole('heading', { level: 1, name: 'Åland Health Registry' }).waitFor();
    await visit.pictures(page, 'tenant-empty');
    await page.goto(visit.url('/tenants?q=åland'));
    await page.getByRole('row').getByRole('link', { name: 'Åland Health Registry' }).click();
    await page.getByRole('heading', { level: 1, name: 'Åland Health Registry' }).waitFor();
  },

  'a refused form says why, in the summary and at the field': async (visit) => {
    const page = await refused(visit, true);
    await visit.pictures(page, 'tenant-refused');
  },

  'the same without scripts': async (visit) => {
    await refused(visit, false);
    const page = await visit.open('/tenants', { scripts: false });
    await createTenant(visit, page, 'Without Scripts Ltd');
    await page.getByRole('heading', { level: 1, name: 'Without Scripts Ltd' }).waitFor();
  },

  'a name with markup and right-to-left marks is text and nothing else': async (visit) => {
    visit.expect(/answer 4|status of 4/);
    const page = await visit.open('/tenants/new');
    await page.getByLabel('Name').fill('<img src=x onerror=alert(1)> & Co');
    await page.getByRole('button', { name: 'Create tenant' }).click();
    await page.getByRole('heading', { level: 1 }).waitFor();
    assert.equal(await page.locator('img[src="x"]').count(), 0);
  },
};
