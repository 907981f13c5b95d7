import type { Page } from 'playwright-core'

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

/** Waits until the newest answer in the log is this one, word for word. */
export async function answered(page: Page, request: string, body: string): Promise<void> {
  await page
    .getByRole('log')
    .locator('.entry:first-child', { hasText: request })
    .getByText(body, { exact: true })
    .waitFor()
}

/** Waits until the panel says this of the session. */
export async function panelSays(page: Page, term: string, value: string | RegExp): Promise<void> {
  const fact = page.locator('dl > div', { has: page.getByText(term, { exact: true }) })
  await fact.locator('dd', { hasText: value }).waitFor()
}

export async function logIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('用户名').fill(name)
  await button(page, '登录').click()
  await panelSays(page, '登录者', name)
}
