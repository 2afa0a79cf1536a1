// Who visits: the first owner, made by the one-time set-up link, and how anybody signs in. The
// owner's session is kept so that tests about other things need not sign in again.

export const owner = {
  name: 'Ada Owner',
  email: 'ada@example.test',
  password: 'a long enough passphrase for the tests',
};

let session;

export function remembered() {
  return session;
}

export async function remember(page) {
  session = await page.context().storageState();
}

// Follows the set-up link and fills in its form.
export async function makeOwner(visit, page) {
  await page.goto(visit.options.setupLink);
  await page.getByLabel('Your name').fill(owner.name);
  await page.getByLabel('Email address').fill(owner.email);
  await page.getByLabel('Password').fill(owner.password);
  await page.getByRole('button', { name: 'Create owner' }).click();
  await page.waitForURL((url) => !url.pathname.startsWith('/setup'));
}

export async function fillSignIn(page, person) {
  await page.getByLabel('Email address').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
