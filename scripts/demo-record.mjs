import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { build, demo } from './build.mjs'
import { root } from './run.mjs'

const WebP = createRequire(import.meta.url)('node-webpmux')

// The moving picture of the race in the README, docs/race.webp: a race as it is really run, taken from the real page.
const WIDTH = 860
const QUALITY = 75
/** How long the beginning, each picture of the race and the result stay, in milliseconds. */
const BEFORE = 1200
const STEP = 50
const AFTER = 5000
/** Bytes that the file may have. */
const MOST = 2 * 1024 * 1024
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']
const file = join(root, 'docs', 'race.webp')

await build(demo)
const server = spawn(process.execPath, [join(root, demo.name, 'demo/server.js')], {
  env: { ...process.env, PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit']
})
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: FLAGS
})
try {
  await WebP.Image.save(file, { ...(await record(await address())), loops: 0 })
} finally {
  await browser.close()
  server.kill()
}
const { size } = statSync(file)
console.log(`docs/race.webp: ${Math.round(size / 1024)} KiB`)
if (size > MOST) throw new Error(`docs/race.webp is larger than ${MOST} bytes`)

/** What the server says it is reached at. The pipe stays open: it says more later. */
function address() {
  let said = ''
  return new Promise((resolve, reject) => {
    server.once('exit', () => reject(new Error(`the demo did not start:\n${said}`)))
    server.stdout.setEncoding('utf8').on('data', (chunk) => {
      said += chunk
      const url = /runs at (http:\S+)/.exec(said)?.[1]
      if (url) resolve(url)
    })
  })
}

async function record(url) {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 1200 }, locale: 'en-US' })
  // The race is run by the servers' clocks. Only its replay goes by the page's, which waits for each picture.
  await page.clock.install()
  await page.goto(url)
  await page.locator('#race-note:not(:empty)').waitFor()
  await page.clock.pauseAt(Date.now() + 60_000)
  const card = await boxOf(page.locator('.race'))
  const lanes = await boxOf(page.locator('#lanes'))
  const client = await page.context().newCDPSession(page)
  const frame = async (clip, delay) => {
    const options = { format: 'webp', quality: QUALITY, clip: { ...clip, scale: 1 } }
    const { data } = await client.send('Page.captureScreenshot', options)
    // The file counts them in steps of two pixels, and node-webpmux writes what it is given.
    const [x, y] = [(clip.x - card.x) / 2, (clip.y - card.y) / 2]
    return WebP.Image.generateFrame({ buffer: Buffer.from(data, 'base64'), x, y, delay, blend: true })
  }

  const frames = [await frame(card, BEFORE)]
  await page.locator('#race-keys').click()
  await page.mouse.move(0, 0)
  await page.locator('#race-slower', { hasText: 'times slower' }).waitFor()
  while ((await page.locator('#race-result').textContent()) === '') {
    frames.push(await frame(lanes, STEP))
    await page.clock.runFor(STEP)
  }
  // Its buttons fade back in.
  await page.evaluate('Promise.all(document.getAnimations().map(({ finished }) => finished))')
  frames.push(await frame(card, AFTER))
  return { width: card.width, height: card.height, frames }
}

/** Where something is, from even pixel to even pixel, as frames of WebP have to be. */
async function boxOf(locator) {
  const { x, y, width, height } = await locator.boundingBox()
  const even = (value) => 2 * Math.floor(value / 2)
  return { x: even(x), y: even(y), width: even(width) + 2, height: even(height) + 2 }
}
