// Going through a page with the Tab key.

import assert from 'node:assert/strict';

// Runs in the page, once: puts the functions below where later calls find them, notes what
// everything that can be operated looks like at rest, and gives the keys of what Tab should visit.
// Of a group of radio buttons Tab visits one; what lies in a closed <details> it does not visit.
// Keys are made of what a control says and does, since live updates replace the elements.
function prepare() {
  const operable = () => {
    const found = new Map();
    const times = new Map();
    const all = document.querySelectorAll('a[href], button, input, select, textarea, summary');
    for (const element of all) {
      if (element.disabled || element.type === 'hidden' || element.tabIndex < 0) continue;
      if (!element.checkVisibility({ visibilityProperty: true })) continue;
      const { tagName, type, name, form } = element;
      const place = element.getAttribute('href') ?? element.getAttribute('aria-label') ?? '';
      let key = [tagName, type, name, form?.getAttribute('action'), place].join(' ');
      if (type !== 'radio') {
        const time = (times.get(key) ?? 0) + 1;
        times.set(key, time);
        key += ` ${time}`;
      }
      found.set(element, key);
    }
    return found;
  };
  const looks = (element) =>
    [element, element.parentElement, element.nextElementSibling, element.labels?.[0]]
      .concat([...element.querySelectorAll('*')].slice(0, 8))
      .filter(Boolean)
      .map((part) => {
        const style = getComputedStyle(part);
        return [style.outline, style.boxShadow, style.border, style.background, style.stroke].join();
      })
      .join();
  const atRest = new Map([...operable()].map(([element, key]) => [key, looks(element)]));
  window.keyboardWalk = { operable, looks, atRest };
  return [...atRest.keys()];
}

// Runs in the page: where the focus is, whether that shows, and whether something lies over it.
function focused() {
  const { operable, looks, atRest } = window.keyboardWalk;
  const element = document.activeElement;
  const key = operable().get(element);
  if (!key) return null;
  const box = element.getBoundingClientRect();
  const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const own = [element, element.labels?.[0]].filter(Boolean);
  return {
    key,
    what: element.outerHTML.slice(0, 120),
    shows: looks(element) !== atRest.get(key),
    covered: Boolean(over) && !own.some((part) => part.contains(over) || over.contains(part)),
  };
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
  assert.deepEqual([...wanted], [], `${path}: not reached by Tab`);
}
