// One test's visit: a fresh browser context whose pages are watched. Whatever a page complains
// about (an error on the console, a refused or failed request, a script error, an answer of 400 or
// above) fails the test at its end unless the test said that it expects it.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { violations } from './accessibility.mjs';
import { makeOwner, remembered, remember } from './people.mjs';

export const WIDTHS = [320, 390, 1280, 1920];
export const SCHEMES = ['light', 'dark'];

const HEIGHTS = { 320: 640, 390: 844, 1280: 800, 1920: 1080 };
const PATIENCE = 15_000;
const DOCS = fileURLToPath(new URL('../../docs/images/', import.meta.url));

export class Visit {
  constructor(browser, options) {
    this.browser = browser;
    this.options = options;
    this.contexts = [];
    this.complaints = [];
    this.expected = [];
  }

  // ---- pages ----

  // A page of a fresh context, signed in as the owner unless `anonymous`. With scripts its
  // islands have been woken.
  async open(path, options = {}) {
    const page = await this.blank(options);
    await page.goto(this.url(path));
    if (options.scripts !== false) await page.locator('html[data-awake]').waitFor();
    return page;
  }

  async blank({ anonymous = false, scripts = true, scheme = 'light', width = 1280 } = {}) {
    if (!anonymous && !remembered()) await this.#becomeOwner();
    const context = await this.browser.newContext({
      javaScriptEnabled: scripts,
      colorScheme: scheme,
      viewport: { width, height: HEIGHTS[width] ?? 800 },
      locale: 'en-GB',
      timezoneId: 'UTC',
      storageState: anonymous ? undefined : remembered(),
    });
    context.setDefaultTimeout(PATIENCE);
    if (scripts) await context.addInitScript(watchLayout);
    this.contexts.push(context);
    context.on('page', (page) => this.#watch(page));
    return context.newPage();
  }

  async #becomeOwner() {
    const page = await this.blank({ anonymous: true });
    await makeOwner(this, page);
    await remember(page);
    await page.context().close();
  }

  url(path) {
    return new URL(path, this.options.base).href;
  }

  // ---- what may go wrong on purpose ----

  // Complaints that match are part of the test.
  expect(pattern) {
    this.expected.push(pattern);
  }

  #complain(text) {
    this.complaints.push(text);
  }

  #watch(page) {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        this.#complain(`console ${message.type()} on ${page.url()}: ${message.text()}`);
      }
    });
    page.on('pageerror', (error) => this.#complain(`script error on ${page.url()}: ${error}`));
    page.on('requestfailed', (request) => {
      // Leaving a page ends its event stream and what it was still loading.
      if (request.failure()?.errorText === 'net::ERR_ABORTED') return;
      this.#complain(`request failed: ${request.url()}: ${request.failure()?.errorText}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) {
        this.#complain(`answer ${response.status()}: ${response.url()}`);
      }
    });
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith('http') && url.origin !== new URL(this.options.base).origin) {
        this.#complain(`request to another server: ${request.url()}`);
      }
    });
  }

  assertQuiet() {
    const unexpected = this.complaints.filter(
      (text) => !this.expected.some((pattern) => pattern.test(text)),
    );
    assert.deepEqual(unexpected, [], 'pages complained');
  }

  // ---- waiting ----

  // Reads until the reading satisfies `enough`, and gives it back.
  async until(what, read, enough, patience = PATIENCE) {
    const deadline = Date.now() + patience;
    let last;
    for (;;) {
      last = await read();
      if (enough(last)) return last;
      if (Date.now() > deadline) assert.fail(`${what}: still ${JSON.stringify(last)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  // ---- looking ----

  // No rule of WCAG 2.0 to 2.2, level A and AA, is broken on the page as it stands.
  async assertAccessible(page, what = page.url()) {
    const found = await violations(page);
    assert.deepEqual(found, [], `accessibility of ${what}`);
  }

  // How much of the page has moved by itself since it was loaded (cumulative layout shift).
  layoutShift(page) {
    return page.evaluate(() => window.watchedLayoutShift);
  }

  async assertNoSidewaysScroll(page, what = page.url()) {
    const [content, window] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    assert.ok(content <= window, `${what} is ${content} px wide in a window of ${window} px`);
  }

  // Pictures of the page at every width in both colour schemes, checked for content that sticks out
  // and for accessibility (in both schemes, since colours differ, and once more on a phone).
  async pictures(page, name) {
    for (const width of WIDTHS) {
      for (const scheme of SCHEMES) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
        await page.setViewportSize({ width, height: HEIGHTS[width] });
        const path = join(this.options.screenshots, `${name}-${width}-${scheme}.png`);
        await page.screenshot({ path, fullPage: true, animations: 'disabled' });
        await this.assertNoSidewaysScroll(page, `${name} at ${width} px`);
        if (width === 1280 || (width === 390 && scheme === 'light')) {
          await this.assertAccessible(page, `${name} at ${width} px, ${scheme}`);
        }
      }
    }
    await page.setViewportSize({ width: 1280, height: HEIGHTS[1280] });
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
  }

  // A picture for README.md, of the part of the page that is `height` pixels high.
  async pictureForDocs(page, name, height) {
    mkdirSync(DOCS, { recursive: true });
    await page.setViewportSize({ width: 1280, height });
    await page.screenshot({ path: join(DOCS, `${name}.png`), animations: 'disabled' });
  }

  async pictureOfFailure(name) {
    const pages = this.contexts.flatMap((context) => context.pages());
    const file = `failed-${name.replace(/[^a-z0-9]+/gi, '-')}.png`;
    // The test has failed already; a picture that cannot be taken must not hide why.
    await pages.at(-1)?.screenshot({ path: join(this.options.screenshots, file) }).catch(() => {});
  }

  async close() {
    await Promise.all(this.contexts.map((context) => context.close().catch(() => {})));
  }
}

function watchLayout() {
  window.watchedLayoutShift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (!entry.hadRecentInput) window.watchedLayoutShift += entry.value;
    }
  }).observe({ type: 'layout-shift', buffered: true });
}
