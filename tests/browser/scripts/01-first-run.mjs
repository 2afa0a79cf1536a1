// The first minute of a new installation: the printed link makes the owner, once.

import assert from 'node:assert/strict';
import { makeOwner, owner, remember } from '../people.mjs';

export const tests = {
  'the set-up link makes the first owner and leads to the fleet': async (visit) => {
    const page = await visit.blank({ anonymous: true });
    await page.goto(visit.options.setupLink);
    await visit.pictures(page, 'set-up');
    await makeOwner(visit, page);
    await remember(page);
    assert.equal(new URL(page.url()).pathname, '/');
    await page.getByRole('heading', { level: 1 }).waitFor();
    assert.match(await page.locator('.who').textContent(), new RegExp(owner.name));
    assert.match(await page.locator('.env').textContent(), /SANDBOX/);
    await visit.pictures(page, 'fleet-empty');
  },

  'the set-up link does not work twice': async (visit) => {
    visit.expect(/40\d|410/);
    const page = await visit.blank({ anonymous: true });
    const answer = await page.goto(visit.options.setupLink);
    assert.ok(answer.status() >= 400 || page.url().includes('/sign-in'), `${answer.status()}`);
    assert.equal(await page.getByRole('button', { name: 'Create owner' }).count(), 0);
  },
};
