// Signing in and out, with scripts and without.

import assert from 'node:assert/strict';
import { fillSignIn, owner } from '../people.mjs';

async function signInAndOut(visit, scripts) {
  const page = await visit.open('/tenants', { anonymous: true, scripts });
  assert.equal(new URL(page.url()).pathname, '/sign-in', 'a stranger is led to the door');
  await fillSignIn(page, owner);
  await page.waitForURL(visit.url('/tenants'));
  await page.locator('.who summary').click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL((url) => url.pathname === '/sign-in');
  await page.goto(visit.url('/tenants'));
  assert.equal(new URL(page.url()).pathname, '/sign-in', 'the session has ended');
}

async function refusal(visit, person) {
  const page = await visit.open('/sign-in', { anonymous: true });
  await fillSignIn(page, person);
  const summary = page.getByRole('alert');
  await summary.waitFor();
  assert.equal(await page.getByLabel('Password').inputValue(), '', 'no password in a page');
  assert.equal(await page.getByLabel('Email address').inputValue(), person.email);
  assert.match(await page.title(), /^Error: /);
  await visit.assertAccessible(page);
  return summary.textContent();
}

export const tests = {
  'signing in leads to where one wanted to go, and out again': (visit) => signInAndOut(visit, true),
  'the same without scripts': (visit) => signInAndOut(visit, false),

  'an unknown address and a wrong password get the same answer': async (visit) => {
    visit.expect(/answer 4|status of 4/);
    const wrong = await refusal(visit, { ...owner, password: 'not the one that was chosen' });
    const unknown = await refusal(visit, { ...owner, email: 'nobody@example.test' });
    assert.equal(unknown, wrong);
  },

  'the page stands at every width and in both schemes': async (visit) => {
    const page = await visit.open('/sign-in', { anonymous: true });
    await visit.pictures(page, 'sign-in');
  },
};
