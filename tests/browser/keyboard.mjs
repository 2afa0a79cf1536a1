// Going through a page with the Tab key.

import assert from 'node:assert/strict';

// Runs in the page: notes everything that can be operated and what it looks like at rest, and
// gives the keys of what Tab should visit. Of a group of radio buttons Tab visits one; what lies
// in a closed <details> it does not visit.
function prepare() {
  const keys = new Map();
  const looks = (element) =>
    [element, element.parentElement, element.nextElementSibling, element.labels?.[0]]
      .concat([...element.querySelectorAll('*')].slice(0, 8))
      .filter(Boolean)
      .map((part) => {
        const style = getComputedStyle(part);
        return [style.outline, style.boxShadow, style.border, style.background, style.stroke].join();
      })
      .join();
  const atRest = new Map();
  const all = document.querySelectorAll('a[href], button, input, select, textarea, summary');
  [...all].forEach((element, number) => {
    if (element.disabled || element.type === 'hidden' || element.tabIndex < 0) return;
    if (!element.checkVisibility({ visibilityProperty: true })) return;
    const group = element.type === 'radio' && `radio ${element.form?.action} ${element.name}`;
    keys.set(element, group || String(number));
    atRest.set(element, looks(element));
  });
  window.keyboardWalk = { keys, atRest, looks };
  return [...new Set(keys.values())];
}

// Runs in the page: where the focus is, whether that shows, and whether something lies over it.
function focused() {
  const { keys, atRest, looks } = window.keyboardWalk;
  const element = document.activeElement;
  if (!keys.has(element)) return null;
  const box = element.getBoundingClientRect();
  const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const own = [element, element.labels?.[0]].filter(Boolean);
  return {
    key: keys.get(element),
    what: element.outerHTML.slice(0, 120),
    shows: looks(element) !== atRest.get(element),
    covered: Boolean(over) && !own.some((part) => part.contains(over) || over.contains(part)),
  };
}

function described(keys) {
  const { keys: known } = window.keyboardWalk;
  const missed = [...known].filter(([, key]) => keys.includes(key));
  return missed.map(([element]) => element.outerHTML.slice(0, 120));
}

// Presses Tab until everything that can be operated has had the focus, each time visibly and under
// nothing else.
export async function walk(page, path) {
  const wanted = new Set(await page.evaluate(prepare));
  const limit = wanted.size * 2 + 20;
  for (let step = 0; step < limit && wanted.size > 0; step += 1) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate(focused);
    if (!here) continue;
    assert.ok(here.shows, `${path}: nothing shows the focus on ${here.what}`);
    assert.ok(!here.covered, `${path}: the focus is covered on ${here.what}`);
    wanted.delete(here.key);
  }
  assert.deepEqual(await page.evaluate(described, [...wanted]), [], `${path}: not reached by Tab`);
}
