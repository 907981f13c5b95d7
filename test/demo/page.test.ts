import { MemoryStore, type Store } from '../../lib/index'
import { visit } from './support/browser'
import { type Served, startDemo } from './support/demo'
import { answered, button, panelSays } from './support/page'

let store: Store
let demo: Served

beforeAll(async () => {
  store = new MemoryStore()
  demo = await startDemo({ store, storeName: '内存 / memory' })
})

const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }

it('shows the whole life of a session', async () => {
  await visit(demo.url, {}, async (page) => {
    await page.getByText('还没有会话').waitFor()
    await panelSays(page, '保存在', '内存')

    await button(page, '计数').click()
    await answered(page, 'GET /count', '第1次')
    await panelSays(page, '次数', '1')
    await page.getByText('匿名', { exact: true }).waitFor()

    await page.getByLabel('用户名').fill('张三')
    await page.getByLabel('密码').fill('hunter2')
    await button(page, '登录').click()
    await answered(page, 'POST /users/login', '{"ok":1,"message":"成功"}')
    await panelSays(page, '登录者', '张三')
    await page.locator('#state', { hasText: '已登录' }).waitFor()
    const handle = await page.locator('#handle').textContent()

    await button(page, '我是谁？').click()
    await answered(page, 'GET /users/getUser', '{"ok":1,"message":"成功","userinfo":"张三"}')

    await button(page, '计数').click()
    await answered(page, 'GET /count', '第2次')
    const json = page.getByRole('region', { name: '所存的 JSON' })
    await json.locator('.changed', { hasText: '"count": 2' }).waitFor()
    expect(await json.textContent()).toContain('"userinfo": "张三"')
    expect(await json.textContent()).toContain(`"handle": "${handle}"`)

    await button(page, '退出登录').click()
    await answered(page, 'POST /users/logout', '{"ok":1,"message":"退出成功"}')
    await page.getByText('还没有会话').waitFor()
    await button(page, '我是谁？').click()
    await answered(page, 'GET /users/getUser', '{"ok":1,"message":"成功","userinfo":null}')

    await button(page, '清空').click()
    await page.getByRole('log').locator('.entry').first().waitFor({ state: 'detached' })
    expect(await page.content()).not.toContain('hunter2')
  })
})

it('counts the life down', async () => {
  await visit(demo.url, {}, async (page) => {
    await button(page, '计数').click()
    await panelSays(page, '闲置还剩', /23:5\d:\d\d/)
    await panelSays(page, '寿命还剩', /29 天 23:5\d:\d\d/)
    const idle = page.locator('#idle')
    const first = (await idle.textContent()) as string
    await idle.filter({ hasNotText: first }).waitFor()
    expect(((await idle.textContent()) as string) < first).toBe(true)
  })
})

it('counts fifty visits at once, exactly', async () => {
  await visit(demo.url, {}, async (page) => {
    await button(page, '同时 50 次').click()
    await answered(page, '50 × GET /count', '50 个不同的数：2–51')
    await button(page, '计数').click()
    await answered(page, 'GET /count', '第52次')
  })
})

it('greets at the form, without leaving the page, and shows markup as text', async () => {
  await visit(demo.url, {}, async (page) => {
    const name = '<img src=x onerror=alert(1)>'
    for (const answer of ['您第一次登录系统', `欢迎，${name}`]) {
      await page.getByLabel('usr').fill(name)
      await page.getByLabel('psd').fill('hunter2')
      await button(page, '提交').click()
      await answered(page, 'POST /login', answer)
    }
    await panelSays(page, '登录者', name)
    expect(page.url()).toBe(`${demo.url}/`)
    expect(await page.locator('img').count()).toBe(1)
  })
})

it('lets the form be sent without JavaScript', async () => {
  await visit(demo.url, { javaScriptEnabled: false }, async (page) => {
    for (const answer of ['您第一次登录系统', '欢迎，张三']) {
      await page.goto(demo.url)
      await page.getByLabel('usr').fill('张三')
      await button(page, '提交').click()
      await page.getByText(answer, { exact: true }).waitFor()
    }
  })
})

it('shows what the server refuses', async () => {
  await visit(demo.url, {}, async (page, complaints) => {
    await page.getByLabel('用户名').fill('   ')
    await button(page, '登录').click()
    const refused = page
      .getByRole('log')
      .locator('.entry.bad', { hasText: 'username 不能为空 / username is empty' })
    await refused.getByText('400', { exact: false }).waitFor()
    await page.getByText('还没有会话').waitFor()
    // Chromium reports every 400 on its console; nothing else may be there.
    expect(complaints.splice(0)).toEqual([expect.stringContaining('400 (Bad Request)')])
  })
})

it('can be used by keyboard alone, and shows where the focus is', async () => {
  await visit(demo.url, {}, async (page) => {
    const focused = page.locator(':focus-visible')
    /** Goes on to the element with this id. */
    const tabTo = async (id: string) => {
      for (let step = 0; step < 20; step++) {
        await page.keyboard.press('Tab')
        if ((await focused.getAttribute('id')) === id) break
        expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
      }
      expect(await focused.getAttribute('id')).toBe(id)
    }
    await tabTo('count')
    await page.keyboard.press('Enter')
    await answered(page, 'GET /count', '第1次')
    await tabTo('username')
    await page.keyboard.type('test')
    await tabTo('password')
    await page.keyboard.type('x')
    await page.keyboard.press('Enter')
    await answered(page, 'POST /users/login', '{"ok":1,"message":"成功"}')
    await tabTo('logout')
    await page.keyboard.press('Space')
    await answered(page, 'POST /users/logout', '{"ok":1,"message":"退出成功"}')
    await tabTo('clear')
    await page.keyboard.press('Enter')
    await page.getByText('服务器的每个回答都写在这里').waitFor()
  })
})

it('fits a phone', async () => {
  await visit(demo.url, phone, async (page) => {
    const overflow = () =>
      page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    expect(await overflow()).toBe(0)
    await page.getByLabel('用户名').fill('W'.repeat(64))
    await button(page, '登录').tap()
    await panelSays(page, '登录者', 'W'.repeat(64))
    await button(page, '同时 50 次').tap()
    await answered(page, '50 × GET /count', '50 个不同的数：2–51')
    expect(await overflow()).toBe(0)
    for (const box of await page.locator('button:visible, input:visible').all()) {
      expect((await box.boundingBox())?.height).toBeGreaterThanOrEqual(44)
    }
  })
})

it('keeps its log one announcement an answer, and labels every field', async () => {
  await visit(demo.url, {}, async (page) => {
    expect(await page.getByRole('log').getAttribute('aria-live')).toBe('polite')
    expect(await page.locator('[aria-live]').count()).toBe(1)
    const unlabelled = await page.evaluate(
      "[...document.querySelectorAll('input')].filter(({ labels }) => labels.length === 0).length"
    )
    expect(unlabelled).toBe(0)
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
  })
})
