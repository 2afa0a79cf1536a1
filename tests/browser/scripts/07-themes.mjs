// Light and dark: as the system says, or as the person chose, from the first paint on.

import assert from 'node:assert/strict';

function background(page) {
  return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
}

async function choose(visit, scripts) {
  const page = await visit.open('/tenants', { scheme: 'light', scripts });
  await page.getByRole('button', { name: 'Dark' }).click();
  await page.locator('html[data-theme="dark"]').waitFor();
  assert.equal(new URL(page.url()).pathname, '/tenants', 'the person stays where they were');
  await page.goto(visit.url('/instances'));
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
  return page;
}

export const tests = {
  'without a choice the page follows the system': async (visit) => {
    const light = await background(await visit.open('/tenants', { scheme: 'light' }));
    const dark = await background(await visit.open('/tenants', { scheme: 'dark' }));
    assert.notEqual(light, dark);
  },

  'a chosen theme wins over the system and lasts': async (visit) => {
    const page = await choose(visit, true);
    const dark = await background(await visit.open('/tenants', { scheme: 'dark' }));
    assert.equal(await background(page), dark);
  },

  'it can be chosen without scripts': (visit) => choose(visit, false),
};
