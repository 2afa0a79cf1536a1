// What the tests do over and over by the console's own forms: a tenant, an instance.

export async function createTenant(visit, page, name) {
  await page.goto(visit.url('/tenants/new'));
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Create tenant' }).click();
  await page.waitForURL((url) => /^\/tenants\/[0-9a-f-]{36}$/.test(url.pathname));
  return new URL(page.url()).pathname.split('/').pop();
}

// Creates an instance with nothing but the defaults and a name; ends on its page.
export async function createInstance(visit, page, tenant, name) {
  await page.goto(visit.url(`/instances/new?tenant=${tenant}`));
  await page.getByLabel(/^Name/).fill(name);
  await page.getByRole('button', { name: 'Create instance' }).click();
  await page.waitForURL((url) => /^\/instances\/[a-z][a-z0-9]{11}$/.test(url.pathname));
  return new URL(page.url()).pathname.split('/').pop();
}

// The word in the badge beside the title of an instance's page.
export function health(page) {
  return page.locator('h1 [data-live="badge"]').textContent();
}

// Waits, on a page with scripts, until the instance is healthy; the page is never reloaded.
export function healthyLive(visit, page) {
  return visit.until('health', () => health(page), (word) => /healthy/.test(word), 30_000);
}

// The same on a page without scripts, by the link that refreshes it.
export async function healthyByRefreshing(visit, page) {
  await visit.until(
    'health',
    async () => {
      await page.getByRole('link', { name: 'Refresh' }).click();
      return health(page);
    },
    (word) => /healthy/.test(word),
    30_000,
  );
}
