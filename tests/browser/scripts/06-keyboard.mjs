// Everything that can be done with a pointer can be done with the keyboard, and shows where it is.

import assert from 'node:assert/strict';

const PAGES = [
  '/',
  '/tenants',
  '/tenants/new',
  '/instances',
  '/instances/new',
  '/operations',
  '/clusters',
  '/clusters/new',
  '/releases',
  '/account',
  '/audit',
  '/sandbox',
];

// Numbers all that can be operated, then gives the numbers that Tab should visit. Of a group of
// radio buttons Tab visits one; what lies in a closed <details> it does not visit.
function operable() {
  const all = document.querySelectorAll('a[href], button, input, select, textarea, summary');
  const radios = new Set();
  const wanted = [];
  [...all].forEach((element, number) => {
    element.dataset.number = number;
    if (element.disabled || element.type === 'hidden' || element.tabIndex < 0) return;
    if (!element.checkVisibility({ visibilityProperty: true })) return;
    if (element.type === 'radio') {
      const group = `${element.form?.action} ${element.name}`;
      if (radios.has(group)) return;
      radios.add(group);
      wanted.push(`radio ${group}`);
      return;
    }
    wanted.push(String(number));
  });
  return wanted;
}

function focused() {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const middle = [box.x + box.width / 2, box.y + box.height / 2];
  const over = document.elementFromPoint(...middle);
  const label = element.labels?.[0];
  return {
    key:
      element.type === 'radio'
        ? `radio ${element.form?.action} ${element.name}`
        : element.dataset.number,
    what: element.outerHTML.slice(0, 120),
    ring: style.outlineStyle !== 'none' || style.boxShadow !== 'none',
    covered: Boolean(over) && !element.contains(over) && !over.contains(element) && !label?.contains(over),
  };
}

async function walk(visit, path) {
  const page = await visit.open(path);
  const wanted = new Set(await page.evaluate(operable));
  const limit = wanted.size * 2 + 20;
  for (let step = 0; step < limit && wanted.size > 0; step += 1) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate(focused);
    if (!here) continue;
    assert.ok(here.ring, `${path}: nothing shows the focus on ${here.what}`);
    assert.ok(!here.covered, `${path}: the focus is covered on ${here.what}`);
    wanted.delete(here.key);
  }
  const missed = await page.evaluate(
    (keys) => keys.map((key) => document.querySelector(`[data-number="${key}"]`)?.outerHTML ?? key),
    [...wanted],
  );
  assert.deepEqual(missed, [], `${path}: cannot be reached by Tab`);
}

export const tests = {
  ...Object.fromEntries(PAGES.map((path) => [`Tab visits all of ${path}`, (visit) => walk(visit, path)])),

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
    await page.locator('html[data-awake]').waitFor();
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
  },
};
