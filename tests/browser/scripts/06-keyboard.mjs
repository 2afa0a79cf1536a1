// Everything that can be done with a pointer can be done with the keyboard, and shows where it is.

import assert from 'node:assert/strict';
import { walk } from '../keyboard.mjs';

const PAGES = [
  '/',
  '/tenants',
  '/tenants/new',
  '/instances',
  '/instances/new',
  '/tokens',
  '/leaks',
  '/operations',
  '/clusters',
  '/clusters/new',
  '/releases',
  '/account',
  '/audit',
  '/sandbox',
];

export const tests = {
  ...Object.fromEntries(PAGES.map((path) => [`Tab visits all of ${path}`, async (visit) => walk(await visit.open(path), path)])),

  'the first Tab offers to skip to the content': async (visit) => {
    const page = await visit.open('/tenants');
    await page.keyboard.press('Tab');
    const link = page.getByRole('link', { name: 'Skip to the content' });
    assert.ok(await link.evaluate((element) => element === document.activeElement));
    await page.keyboard.press('Enter');
    assert.ok(page.url().endsWith('#main'));
  },

  'the slash key leads to the search': async (visit) => {
    const page = await visit.open('/tenants');
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
  },
};
