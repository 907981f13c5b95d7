import type { Page } from 'playwright-core'
import { life } from '../../demo/app'
import { openStore } from '../../demo/store'
import { MemoryStore } from '../../lib/index'
import { visit } from './support/browser'
import { startDemo } from './support/demo'
import { answered, button, logIn, panelSays } from './support/page'

const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0'
const devices = (page: Page) => page.getByRole('list', { name: '我的设备' }).getByRole('listitem')
const others = '退出其他所有设备'

/** Two profiles, with cookies of their own, on the same page. The second one says that it is another browser. */
async function two(url: string, look: (one: Page, other: Page) => Promise<void>): Promise<void> {
  await visit(url, {}, (one) => visit(url, { userAgent: firefox }, (other) => look(one, other)))
}

/** Waits until the page knows no more than so many devices, and no fewer. */
async function hasDevices(page: Page, count: number): Promise<void> {
  await devices(page)
    .nth(count - 1)
    .waitFor()
  await devices(page).nth(count).waitFor({ state: 'detached' })
}

/** Asks who is logged in, by the page's own button. */
async function isUser(page: Page, userinfo: string | null): Promise<void> {
  await button(page, '我是谁？').click()
  await answered(page, 'GET /users/getUser', JSON.stringify({ ok: 1, message: '成功', userinfo }))
}

it('lists the devices, and logs out one of them, or all but this one', async () => {
  // The page does not know its store; devices.test.ts asks both of them.
  const demo = await startDemo({ store: new MemoryStore() })
  await two(demo.url, async (one, other) => {
    await one.getByText('用户名登录后，这里列出').waitFor()
    await logIn(one, '张三')
    await hasDevices(one, 1)
    await devices(one).getByText('这台', { exact: true }).waitFor()
    expect(await button(one, others).isVisible()).toBe(false)

    await logIn(other, '张三')
    await hasDevices(other, 2)
    await isUser(one, '张三')
    await hasDevices(one, 2)
    const there = devices(one).filter({ hasText: 'Firefox · Windows' })
    const here = devices(one).filter({ hasText: 'Chrome · Linux' })
    await here.getByText('这台', { exact: true }).waitFor()
    expect(await there.getByText('这台', { exact: true }).isVisible()).toBe(false)
    await there.getByText(/首次 .*\d:\d\d:\d\d\s最近 .*\d:\d\d:\d\d/).waitFor()

    await button(one, '退出这台').and(there.getByRole('button')).click()
    await answered(one, 'POST /users/devices/logout', '{"ok":1,"message":"退出成功","ended":1}')
    await hasDevices(one, 1)
    await one.locator('#devices-title:focus').waitFor()
    await isUser(other, null)
    await other.getByText('还没有会话').waitFor()
    await isUser(one, '张三')

    await logIn(other, '张三')
    await hasDevices(other, 2)
    await button(other, others).click()
    await answered(other, 'POST /users/devices/logout-others', '{"ok":1,"message":"退出成功","ended":1}')
    await hasDevices(other, 1)
    await isUser(one, null)
    await isUser(other, '张三')

    await devices(other).getByRole('button').click()
    await answered(other, 'POST /users/devices/logout', '{"ok":1,"message":"退出成功","ended":1}')
    await other.getByText('还没有会话').waitFor()
    await other.getByText('用户名登录后，这里列出').waitFor()
  })
})

it('says why cookies make no list, and logs out all others all the same', async () => {
  const { name, ...opened } = await openStore({ store: 'cookie', redisUrl: undefined }, life.idleTimeout)
  const demo = await startDemo({ ...opened, storeName: name })
  await two(demo.url, async (one, other) => {
    await panelSays(one, '保存在', '各自的 Cookie')
    await button(one, '计数').click()
    await answered(one, 'GET /count', '第1次')
    await logIn(one, '张三')
    await logIn(other, '张三')
    await one.getByText('所以列不出设备').waitFor()
    expect(await devices(one).count()).toBe(0)

    await button(one, others).click()
    await answered(one, 'POST /users/devices/logout-others', '{"ok":1,"message":"退出成功","ended":null}')
    await isUser(other, null)
    await isUser(one, '张三')
    await button(one, '计数').click()
    await answered(one, 'GET /count', '第2次')
    await button(one, '退出登录').click()
    await answered(one, 'POST /users/logout', '{"ok":1,"message":"退出成功"}')
    await one.getByText('还没有会话').waitFor()
  })
})
