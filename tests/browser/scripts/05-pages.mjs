// Every page at every width in both schemes: accessible, nothing sticking out, quiet.

import assert from 'node:assert/strict';

const PAGES = {
  tenants: '/tenants',
  'tenant-new': '/tenants/new',
  instances: '/instances',
  tokens: '/tokens',
  leaks: '/leaks',
  operations: '/operations',
  clusters: '/clusters',
  'cluster-new': '/clusters/new',
  releases: '/releases',
  account: '/account',
  audit: '/audit',
  sandbox: '/sandbox',
};

// Pages that are reached by the first row of a list.
const BEHIND = { operation: '/operations', cluster: '/clusters', tenant: '/tenants' };

async function look(visit, page, name) {
  assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1, 'one main heading');
  assert.match(await page.title(), / – Hosted Instances$/);
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  await visit.pictures(page, name);
}

function looksAt(name, path) {
  return async (visit) => look(visit, await visit.open(path), name);
}

function looksBehind(name, path) {
  return async (visit) => {
    const page = await visit.open(path);
    await page.getByRole('main').locator(`a[href^="${path}/"]:not([href$="/new"])`).first().click();
    await page.waitForURL((url) => url.pathname.startsWith(`${path}/`));
    await look(visit, page, name);
  };
}

export const tests = {
  ...Object.fromEntries(Object.entries(PAGES).map(([name, path]) => [name, looksAt(name, path)])),
  ...Object.fromEntries(Object.entries(BEHIND).map(([name, path]) => [name, looksBehind(name, path)])),

  'a page that does not exist says so in the same clothes': async (visit) => {
    visit.expect(/404/);
    const page = await visit.open('/instances/zzzzzzzzzzzz');
    await visit.pictures(page, 'not-found');
    await page.getByRole('link').first().waitFor();
  },
};
