// The main job of a tenant's admin: a token from nothing to use and to a proven end, and everything
// on the way that must not happen to its text.

import assert from 'node:assert/strict';
import { walk } from '../keyboard.mjs';
import {
  RECEIPT,
  answers,
  call,
  issue,
  revokeInDialog,
  runningInstance,
  state,
  told,
} from '../tokens.mjs';

// What a person may call still.
const STILL = 0.02;

// One instance serves most tests, since making one takes seconds.
let shared;

async function instance(visit, page) {
  shared ??= await runningInstance(visit, page, 'Token Holders', 'portal');
  return shared;
}

async function shows(page, text) {
  return (await page.content()).includes(text);
}

async function issueCopyRevoke(visit) {
  const page = await visit.open('/');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const one = await instance(visit, page);
  await page.goto(visit.url(`/instances/${one.id}`));
  await page.getByRole('link', { name: 'Issue token' }).click();
  await visit.pictures(page, 'token-new');
  const text = await issue(visit, page, one, 'Diploma portal, production');
  await visit.pictures(page, 'token-issued');
  await page.locator('html[data-awake]').waitFor();
  await page.getByRole('button', { name: 'Copy text' }).click();
  await page.locator('[data-copied]').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
  const lines = await page.locator('.snippet code').allTextContents();
  assert.ok(lines.some((line) => line.startsWith(`curl -i -H "apikey: ${text}" ${one.url}/`)), lines[0]);
  await told(page, /^Active since/);
  await answers(visit, one.url, text, [200]);
  assert.equal(await call(one.url, undefined), 401, 'nobody comes in without a key');
  assert.equal(await call(one.url, `${text.slice(0, -1)}x`), 401, 'nor with a wrong one');
  await page.getByRole('link', { name: 'I have stored it' }).click();
  await page.getByRole('heading', { level: 1, name: /Diploma portal/ }).waitFor();
  await page.locator('html[data-awake]').waitFor();
  await visit.pictures(page, 'token-active');
  await revokeInDialog(page);
  await told(page, RECEIPT);
  assert.match(await state(page), /revoked/);
  assert.ok([401, 403].includes(await call(one.url, text)), 'refused at the moment it is said');
  await visit.pictures(page, 'token-revoked');
}

async function neverAgain(visit) {
  const page = await visit.open('/');
  const one = await instance(visit, page);
  const text = await issue(visit, page, one, 'Shown once');
  await page.locator('html[data-awake]').waitFor();
  assert.ok(await shows(page, text));
  await page.waitForURL((url) => /^\/tokens\//.test(url.pathname));
  // Said to be stored, since leaving would be asked about.
  await page.getByRole('button', { name: 'Copy text' }).click();
  await page.reload();
  await page.getByRole('heading', { level: 1, name: /Shown once/ }).waitFor();
  assert.ok(!(await shows(page, text)), 'not by reloading');
  await page.goBack();
  await page.getByRole('heading', { level: 1 }).waitFor();
  assert.ok(!(await shows(page, text)), 'not by going back');
  await page.goForward();
  await page.getByRole('heading', { level: 1, name: /Shown once/ }).waitFor();
  assert.ok(!(await shows(page, text)), 'nor forward again');
}

async function leavingWarnsOnce(visit) {
  const page = await visit.open('/');
  const one = await instance(visit, page);
  await issue(visit, page, one, 'Nearly lost');
  await page.locator('html[data-awake]').waitFor();
  const asked = [];
  page.on('dialog', async (dialog) => {
    asked.push(dialog.type());
    await dialog.dismiss();
  });
  // A browser asks only whoever has touched the page.
  await page.locator('.secret h2').first().click();
  const away = page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Instances', exact: true });
  await away.click();
  await visit.until('the question', () => asked, (all) => all.length === 1);
  assert.deepEqual(asked, ['beforeunload']);
  assert.ok(await page.locator('.secret-text').isVisible(), 'the person stays');
  await away.click();
  await page.waitForURL((url) => url.pathname === '/instances');
  assert.equal(asked.length, 1, 'asked once only');
}

async function neighbour(visit) {
  const page = await visit.open('/');
  const one = await instance(visit, page);
  const other = await runningInstance(visit, page, 'Next Door', 'neighbour');
  const text = await issue(visit, page, one, 'Knocks next door');
  await answers(visit, one.url, text, [200]);
  assert.equal(await call(other.url, text), 403, "another tenant's door stays closed");
}

async function withoutScripts(visit) {
  const page = await visit.open('/', { scripts: false });
  const with_ = await visit.open('/');
  const one = await instance(visit, with_);
  const text = await issue(visit, page, one, 'Plain page');
  await visit.assertNoSidewaysScroll(page);
  // Sending the form again, as reloading its answer does, issues nothing and shows no text.
  await page.reload();
  await page.getByText(/This form was sent before/).waitFor();
  assert.ok(!(await shows(page, text)));
  await answers(visit, one.url, text, [200]);
  await page.goto(visit.url(`/instances/${one.id}/tokens?q=Plain`));
  const rows = page.getByRole('row', { name: /Plain page/ });
  assert.equal(await rows.count(), 1, 'one was issued');
  await rows.getByRole('link', { name: /Revoke/ }).click();
  await page.getByRole('button', { name: 'Revoke token' }).click();
  await visit.until(
    'the receipt',
    async () => {
      await page.getByRole('link', { name: 'Refresh' }).click();
      return page.locator('.story').textContent();
    },
    (said) => RECEIPT.test(said),
    30_000,
  );
  assert.ok([401, 403].includes(await call(one.url, text)));
}

async function rotateAndRetire(visit) {
  const page = await visit.open('/');
  const one = await instance(visit, page);
  const old = await issue(visit, page, one, 'Turned over');
  await told(page, /^Active since/);
  await page.getByRole('link', { name: 'I have stored it' }).click();
  await page.waitForLoadState();
  const oldPage = page.url();
  await page.getByRole('link', { name: 'Rotate token' }).click();
  await visit.pictures(page, 'token-rotate');
  await page.getByLabel(/^1 hour/).check();
  await page.getByRole('button', { name: 'Rotate token' }).click();
  const fresh = await page.locator('.secret-text').textContent();
  assert.notEqual(fresh, old);
  await answers(visit, one.url, fresh, [200]);
  assert.equal(await call(one.url, old), 200, 'both work for a while');
  await page.locator('html[data-awake]').waitFor();
  await page.getByRole('button', { name: 'Copy text' }).click();
  await page.goto(oldPage);
  await page.locator('html[data-awake]').waitFor();
  await page.getByText(/Another one took its place/).first().waitFor();
  await page.getByRole('link', { name: 'Retire token' }).click();
  await page.locator('dialog[open]').getByRole('button', { name: 'Retire token' }).click();
  await told(page, RECEIPT);
  await page.locator('.story').getByText('Another token took its place.').waitFor();
  await answers(visit, one.url, old, [401, 403]);
  assert.equal(await call(one.url, fresh), 200, 'the newer one goes on');
}

async function revokeAll(visit) {
  visit.expect(/answer 422|status of 422/);
  const page = await visit.open('/');
  const one = await runningInstance(visit, page, 'All Of Them', 'everything');
  const texts = [];
  for (const name of ['first', 'second']) texts.push(await issue(visit, page, one, name));
  await page.locator('html[data-awake]').waitFor();
  await page.getByRole('button', { name: 'Copy text' }).click();
  for (const text of texts) await answers(visit, one.url, text, [200]);
  await page.goto(visit.url(`/instances/${one.id}/tokens`));
  await page.locator('html[data-awake]').waitFor();
  await visit.pictures(page, 'instance-tokens');
  await page.getByRole('link', { name: 'Revoke all tokens' }).click();
  const dialog = page.locator('dialog[open]');
  const typed = dialog.getByLabel(/^Type the instance's name/);
  const go = dialog.getByRole('button', { name: 'Revoke all tokens' });
  await typed.fill('something else');
  await go.click();
  await dialog.getByRole('alert').waitFor();
  await typed.fill(one.name);
  await go.click();
  await page.getByText(/2 tokens are being revoked/).waitFor();
  await page.locator('.token-cell', { hasText: /refused by \d+ of \d+ gateways/ }).nth(1).waitFor({ timeout: 30_000 });
  for (const text of texts) assert.ok([401, 403].includes(await call(one.url, text)));
}

async function policy(visit) {
  visit.expect(/answer 422|status of 422/);
  const page = await visit.open('/');
  const one = await instance(visit, page);
  await page.goto(visit.url(`/tenants/${one.tenant}`));
  await page.getByText('Change the policy').click();
  await page.getByLabel(/^The tenant's own/).check();
  await page.getByLabel('Days a token may live at most').fill('99999');
  await page.getByLabel('Days a token lives unless chosen otherwise').fill('7');
  await page.getByRole('button', { name: 'Save policy' }).click();
  await page.getByRole('alert').getByRole('link').first().waitFor();
  await page.getByLabel('Days a token may live at most').fill('14');
  await page.getByRole('button', { name: 'Save policy' }).click();
  await page.getByText('The tenant has its own token policy now.').waitFor();
  await visit.pictures(page, 'tenant-policy');
  await page.goto(visit.url(`/instances/${one.id}/tokens/new`));
  const lives = await page.getByLabel('It lives for').locator('option').allTextContents();
  assert.deepEqual(lives.map((text) => text.split(',')[0]), ['1 day', '7 days', '14 days']);
  await page.goto(visit.url(`/tenants/${one.tenant}`));
  await page.getByText('Change the policy').click();
  await page.getByLabel(/^Atala's/).check();
  await page.getByRole('button', { name: 'Save policy' }).click();
  await page.getByText("Atala's token policy holds for this tenant now.").waitFor();
}

async function foundAgain(visit) {
  const page = await visit.open('/');
  const one = await instance(visit, page);
  await issue(visit, page, one, 'Needle in a haystack');
  await page.locator('html[data-awake]').waitFor();
  await page.getByRole('button', { name: 'Copy text' }).click();
  await page.goto(visit.url('/tokens?state=active'));
  await page.getByRole('row', { name: /Needle in a haystack/ }).waitFor();
  await visit.pictures(page, 'tokens');
  await page.getByRole('searchbox', { name: 'Search' }).fill('haystack');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => /^\/tokens\//.test(url.pathname));
  await page.getByRole('heading', { level: 1, name: /Needle in a haystack/ }).waitFor();
}

async function stillWhileWatched(visit) {
  const page = await visit.open('/');
  const one = await instance(visit, page);
  await issue(visit, page, one, 'Held still');
  await told(page, /^Active since/);
  const shift = await visit.layoutShift(page);
  assert.ok(shift <= STILL, `the page moved by ${shift} while the token was issued`);
}

const KEYBOARD = {
  tokens: () => '/tokens',
  'tokens of an instance': (one) => `/instances/${one.id}/tokens`,
  'a new token': (one) => `/instances/${one.id}/tokens/new`,
  'ending all': (one) => `/instances/${one.id}/tokens/revoke-all`,
};

function byKeyboard(path) {
  return async (visit) => {
    const page = await visit.open('/');
    const one = await instance(visit, page);
    await page.goto(visit.url(path(one)));
    await page.locator('html[data-awake]').waitFor();
    await walk(page, path(one));
  };
}

export const tests = {
  'issued, copied, used, revoked with a receipt, refused': issueCopyRevoke,
  'neither reload nor back shows the text again': neverAgain,
  'leaving the page with the text warns once': leavingWarnsOnce,
  'a page that waits for the gateway does not move': stillWhileWatched,
  "a neighbour's instance answers 403": neighbour,
  'all of it without scripts': withoutScripts,
  'rotated with an overlap, then retired': rotateAndRetire,
  'all of an instance at once, after its name was typed': revokeAll,
  'a stricter policy of the tenant shows in the form': policy,
  'filters and the search find a token': foundAgain,
  ...Object.fromEntries(
    Object.entries(KEYBOARD).map(([name, path]) => [`Tab visits all of ${name}`, byKeyboard(path)]),
  ),
};
