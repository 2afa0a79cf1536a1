// The main job: an instance from nothing to healthy, watched live, and away again.

import assert from 'node:assert/strict';
import {
  createInstance,
  createTenant,
  health,
  healthyByRefreshing,
  healthyLive,
} from '../fleet.mjs';

// What a person may call still: content that moves by itself under their pointer is a defect.
const STILL = 0.02;

// With scripts the question is asked in a dialog over the page, without on a page of its own; the
// words, the field and the refusal are the same.
async function deleteIt(visit, page, id) {
  await page.goto(visit.url(`/instances/${id}`));
  await page.getByRole('link', { name: 'Delete instance' }).click();
  const typed = page.getByLabel(/^Type the instance's id/);
  const go = page.getByRole('button', { name: /^Delete instance/ });
  await typed.fill('something else');
  await go.click();
  await page.getByRole('alert').waitFor();
  await typed.fill(id);
  await go.click();
  await page.waitForURL((url) => url.pathname === `/instances/${id}`);
  await page.getByText('This instance is being deleted.').waitFor();
}

async function leaveTheDialog(visit, page, id) {
  await page.goto(visit.url(`/instances/${id}`));
  await page.locator('html[data-awake]').waitFor();
  const link = page.getByRole('link', { name: 'Delete instance' });
  await link.focus();
  await page.keyboard.press('Enter');
  const dialog = page.locator('dialog[open]');
  await dialog.waitFor();
  const field = dialog.getByLabel(/^Type the instance's id/);
  await visit.until('focus', () => field.evaluate((it) => it === document.activeElement), Boolean);
  await visit.pictures(page, 'instance-delete');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' }).catch(() => dialog.waitFor({ state: 'hidden' }));
  assert.ok(await link.evaluate((it) => it === document.activeElement), 'the focus returns');
}

export const tests = {
  'a new instance becomes healthy under the eyes of its page': async (visit) => {
    const page = await visit.open('/');
    const tenant = await createTenant(visit, page, 'Live Watchers');
    await page.goto(visit.url(`/instances/new?tenant=${tenant}`));
    await visit.pictures(page, 'instance-new');
    const id = await createInstance(visit, page, tenant, 'registry');
    await page.evaluate(() => (window.neverReloaded = true));
    await healthyLive(visit, page);
    assert.equal(await page.evaluate(() => window.neverReloaded), true);
    const shift = await visit.layoutShift(page);
    assert.ok(shift <= STILL, `the page moved by ${shift} while it was watched`);
    await page.getByRole('link', { name: `https://${id}` }).or(page.locator('.facts a')).first().waitFor();
    await visit.pictures(page, 'instance');
  },

  'the fleet shows it without being reloaded': async (visit) => {
    const watching = await visit.open('/');
    const page = await visit.open('/tenants');
    const tenant = await createTenant(visit, page, 'Seen From Afar');
    const id = await createInstance(visit, page, tenant, 'beacon');
    await watching.locator(`a[href="/instances/${id}"]`).first().waitFor({ timeout: 30_000 });
    await visit.pictures(watching, 'fleet');
  },

  'deleting asks for the id, and can be undone': async (visit) => {
    visit.expect(/answer 4|status of 4/);
    const page = await visit.open('/');
    const tenant = await createTenant(visit, page, 'Second Thoughts');
    const id = await createInstance(visit, page, tenant, 'regretted');
    await healthyLive(visit, page);
    await leaveTheDialog(visit, page, id);
    await deleteIt(visit, page, id);
    await visit.pictures(page, 'instance-deleting');
    await page.getByRole('button', { name: 'Undo deletion' }).click();
    await page.getByText('This instance is being deleted.').waitFor({ state: 'detached' });
    await healthyLive(visit, page);
  },

  'all of it without scripts': async (visit) => {
    visit.expect(/answer 4|status of 4/);
    const page = await visit.open('/', { scripts: false });
    const tenant = await createTenant(visit, page, 'Plain Pages');
    const id = await createInstance(visit, page, tenant, 'plain');
    await healthyByRefreshing(visit, page);
    await deleteIt(visit, page, id);
    await page.getByRole('button', { name: 'Undo deletion' }).click();
    await page.waitForURL((url) => url.pathname === `/instances/${id}`);
    await healthyByRefreshing(visit, page);
    assert.match(await health(page), /healthy/);
  },
};
