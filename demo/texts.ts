/** The languages of the page, in the order of each text below. */
export const LANGUAGES = ['zh', 'en'] as const
export type Language = (typeof LANGUAGES)[number]

/** Each text of the page, in Chinese and in English. `{0}` is filled in by the page. */
export const TEXTS = {
  title: ['Holdfast · 看得见的会话', 'Holdfast · A session you can see'],
  description: [
    'Holdfast：Express 的会话中间件，和一个看得见的会话',
    'Holdfast: session middleware for Express, and a session that you can see'
  ],
  tagline: [
    '说存了，就是存了；谁也不会抹掉谁。',
    'What it says it saved, it saved. No request undoes another.'
  ],
  language: ['语言', 'Language'],
  noscript: [
    '没有 JavaScript 时，两个登录表单照样可用，其余则不行。',
    'Without JavaScript both login forms still work; nothing else does.'
  ],

  session: ['您的会话', 'Your session'],
  anonymous: ['匿名', 'anonymous'],
  loggedIn: ['已登录', 'logged in'],
  elsewhere: ['已在别处退出', 'logged out elsewhere'],
  unavailable: ['存储无应答', 'store unavailable'],
  noSession: [
    '还没有会话：没有东西要记，就什么也不存。数一次，或登录，它就来了。',
    'No session yet: nothing is stored until there is something to keep. Count once, or log in.'
  ],
  endedElsewhere: [
    '另一个浏览器刚刚结束了这个会话。服务器当即告诉了这个页面。',
    'Another browser has just ended this session. The server told this page at once.'
  ],
  lastSeen: ['以下是上次看到的样子。', 'Below is what it looked like when it was last seen.'],
  user: ['登录者', 'Logged in as'],
  visits: ['次数', 'Visits'],
  handle: ['公开名', 'Handle'],
  age: ['已存在', 'Age'],
  since: ['自 {0}', 'since {0}'],
  idle: ['闲置还剩', 'Idle time left'],
  lifetime: ['寿命还剩', 'Lifetime left'],
  limit: ['共 {0}', 'of {0}'],
  days: ['{0} 天', '{0} days'],
  day: ['{0} 天', '{0} day'],
  store: ['保存在', 'Kept in'],
  json: ['所存的 JSON', 'The JSON as stored'],
  jsonNote: [
    '亮起的一行刚刚变过；“@”是 Holdfast 自己的记录。',
    'A lit line has just changed; “@” is Holdfast’s own.'
  ],
  cookie: ['拆开看 Cookie', 'The cookie, taken apart'],
  cookieId: ['会话 id', 'session id'],
  cookieIdNote: [
    '{0} 个随机字符，谁有它谁就是您，所以只露个头',
    '{0} random characters; its bearer is you, so this is only the beginning'
  ],
  cookieSignature: ['签名', 'signature'],
  cookieSignatureNote: [
    'HMAC-SHA256，刚刚验过；改一个字符，存储根本不会被问到',
    'HMAC-SHA256, just verified; change one character, and the store is not even asked'
  ],
  cookieSealed: ['封住的会话', 'sealed session'],
  cookieSealedNote: [
    '整个会话加了密，共 {0} 个字符；服务器上什么也没有',
    'the whole session, encrypted, {0} characters; nothing is on the server'
  ],
  httpOnly: ['页面脚本读不到', 'no script can read it'],
  sameSite: ['别的网站发不出它', 'other sites cannot send it'],
  secure: ['只走 HTTPS', 'over HTTPS only'],
  notSecure: ['这里没有 HTTPS，有的话自动加上', 'no HTTPS here; added by itself where there is'],
  unbound: ['没有绑定设备', 'not bound to a device'],
  unboundNote: ['抄走它的人，也能用它', 'a copy of it works elsewhere, too'],

  race: ['八个请求同时到达，留下几个？', 'Eight requests at once. How many are kept?'],
  raceNote: [
    '每个请求往同一个会话里存自己的一项。两边的代码只差这一行，存储是{0}。',
    'Each stores a key of its own in the same session. Both servers run the same code but for this line, on {0}.'
  ],
  raceMemory: ['各自包里自带的 MemoryStore', 'the MemoryStore that each package comes with'],
  raceRedis: ['同一个 Redis 上的 connect-redis', 'connect-redis on the same Redis'],
  run: ['开始比赛', 'Run the race'],
  runLogout: ['写到一半时退出', 'Log out while a write runs'],
  answers: ['回答', 'Answers'],
  inStore: ['存储里', 'In the store'],
  keptOf: ['留下 {0} / {1}', '{0} of {1} kept'],
  keysResult: [
    'express-session 答应了 {0} 次，留下 {1} 项；Holdfast 留下 {2} 项。',
    'express-session said 200 to {0} requests and kept {1} of them. Holdfast kept {2}.'
  ],
  stillIn: ['又登录了', 'logged in again'],
  staysOut: ['退出了', 'logged out'],
  bothOut: ['两边都退出了。', 'Both are logged out.'],
  logoutResult: [
    '退出之后，express-session 里那个没写完的请求把登录又写了回来；Holdfast 以 {0} 回绝了它。',
    'After the logout, the write that still ran brought the login back in express-session. Holdfast refused it with {0}.'
  ],
  raceHint: ['真的服务器，真的请求，真的数。', 'Real servers, real requests, real counts.'],
  slower: [
    '真的服务器，真的请求，真的数；先后各跑一遍，放慢 {0} 倍重放。',
    'Real servers, real requests, real counts; run one after the other, replayed {0} times slower.'
  ],
  write: ['写', 'write'],
  logoutRun: ['退出', 'log out'],
  raceFailed: ['这次没跑成，请再试。', 'It did not run this time. Try again.'],

  try: ['试一试', 'Try it'],
  count: ['计数', 'Count'],
  visit: ['第{0}次', 'visit {0}'],
  fifty: ['同时 50 次', '50 at once'],
  countNote: [
    '每次访问都算数，同时来多少次也不会少一次（只有 Cookie 存储做不到）。',
    'Every visit counts, however many arrive at once, except where cookies are the store.'
  ],
  login: ['登录', 'Log in'],
  loginNote: [
    '任何名字都能登录；密码不看、不存。',
    'Any name gets in; the password is neither looked at nor kept.'
  ],
  username: ['用户名', 'User name'],
  password: ['密码', 'Password'],
  logout: ['退出登录', 'Log out'],
  getUser: ['我是谁？', 'Who am I?'],
  numbers: ['{0} 个不同的数：{1}–{2}', '{0} different numbers: {1}–{2}'],

  path: ['请求走过的路', 'The path of a request'],
  pathNote: [
    '按上面任何一个按钮：每一站在请求真正经过时亮起，毫秒来自诊断频道。',
    'Press any button: each station lights as the request really passes, with the milliseconds that the diagnostics channels report.'
  ],
  browser: ['浏览器', 'browser'],
  signature: ['签名', 'signature'],
  load: ['读取', 'load'],
  handler: ['处理', 'handler'],
  held: ['扣住', 'held'],
  commit: ['提交', 'commit'],
  released: ['放行', 'released'],
  'bad signature': ['签名不对', 'bad signature'],
  unknown: ['存储里没有', 'unknown'],
  expired: ['已过期', 'expired'],
  gone: ['会话已结束', 'gone'],
  'commit failed': ['提交失败', 'commit failed'],
  timeline: ['存储的命令', 'Commands of the store'],
  noCommands: ['这个请求没有问过存储。', 'This request did not ask the store.'],
  whole: ['整个请求', 'request'],
  merged: ['与别的请求合并', 'merged with another request'],
  log: ['服务器的回答', 'Answers of the server'],
  clear: ['清空', 'Clear'],
  logEmpty: ['服务器的每个回答都写在这里。', 'Each answer of the server is written down here.'],
  unreachable: ['连不上服务器', 'the server cannot be reached'],

  browsers: ['两个浏览器，一个用户', 'Two browsers, one user'],
  browsersNote: [
    '两个都登录，再让一个赶走另一个：另一个不用刷新，马上就知道。',
    'Log in with both, then let one throw the other out: the other knows at once, without a reload.'
  ],
  first: ['这个页面', 'This page'],
  second: ['第二个浏览器，有自己的 Cookie', 'A second browser, its own cookie'],
  nobody: ['没有登录', 'Nobody is logged in'],
  enter: ['以 {0} 登录', 'Log in as {0}'],
  leave: ['退出', 'Log out here'],
  throwOut: ['赶走另一个', 'Throw the other out'],
  thrownOut: ['被另一个浏览器赶走了', 'Thrown out by the other browser'],
  knewAfter: ['点击之后 {0} 毫秒就知道了', 'knew it {0} ms after the click'],
  devices: ['我的设备', 'My devices'],
  devicesNobody: [
    '用户名登录后，这里列出用它登录着的每台设备。',
    'Log in with a user name to see each device that is logged in with it.'
  ],
  others: ['退出其他所有设备', 'Log out all others'],
  thisOne: ['这台', 'this one'],
  logoutOne: ['退出这台', 'Log out this one'],
  unknownBrowser: ['未知浏览器', 'unknown browser'],
  seen: ['首次 {0}\n最近 {1}', 'first {0}\nlast {1}'],

  freeze: ['冻住存储', 'Freeze the store'],
  freezeNote: [
    '存储不再应答时：先是一秒的等待，然后马上 503，谁也不用排队；一解冻，立刻恢复。',
    'When the store stops answering: one second of waiting, then 503 at once, and nobody queues. Thawed, it is well at once.'
  ],
  freezeOn: ['冻住', 'Freeze'],
  thaw: ['解冻', 'Thaw'],
  freezeHint: [
    '每一根是一个真的请求；高度是它等了多久。',
    'Each bar is a real request; its height is how long it took.'
  ],
  freezeWaiting: ['存储冻住了，第一批请求在等……', 'The store is frozen, and the first requests wait …'],
  freezeAtOnce: [
    '存储没有应答：{0} 个请求等了 {1} 毫秒，之后的 503 只要 {2} 毫秒。',
    'The store does not answer: {0} requests waited {1} ms; since then a 503 takes {2} ms.'
  ],
  freezeWell: ['解冻之后 {0} 毫秒，又有了 200。', 'A 200 again, {0} ms after the thaw.'],
  freezeChart: ['每个请求用了多久', 'How long each request took'],

  form: ['文档里的第二个应用', 'The document’s second app'],
  formNote: [
    'POST /login，只有 usr 和 psd 两栏：第一次记住名字，以后用它欢迎您。',
    'POST /login with the fields usr and psd: it keeps the name the first time, and greets you by it afterwards.'
  ],
  submit: ['提交', 'Submit']
} as const satisfies Record<string, readonly [zh: string, en: string]>

export function textsIn(language: Language): Record<string, string> {
  const index = LANGUAGES.indexOf(language)
  return Object.fromEntries(Object.entries(TEXTS).map(([key, texts]) => [key, texts[index]!]))
}
