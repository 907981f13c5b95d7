import { AppProcess } from '../support/app-process'
import { REQUESTS, Rig } from './support/rig'
import { byStatus, load, Witness } from './support/witness'

test('the process is killed around a write, and Redis with it: what was acknowledged is there', async () => {
  const rig = await Rig.open({ args: ['--appendonly', 'yes', '--appendfsync', 'always'], visitors: 0 })
  const start = () => AppProcess.start('faults/child/main', { REDIS_URL: rig.server.url })
  let app = await start()
  for (let i = 0; i < 5; i++) rig.visitors.push(new Witness(() => app.port))
  for (const visitor of rig.visitors) expect((await visitor.ask('/login')).status).toBe(200)

  const requests = Math.ceil(REQUESTS / 4)
  for (const point of ['before', 'sent', 'answered', 'finished']) {
    // Acknowledged before the load, which may all be on its way when the process dies.
    for (const visitor of rig.visitors) expect((await visitor.use('save')).status).toBe(200)
    expect((await app.post(`/die/${point}/${Math.ceil(requests / 3)}`)).status).toBe(200)
    const outcomes = await load(rig.visitors, requests, 300, ['mark', 'count', 'save'])
    expect(await app.ended).toBe('SIGKILL')
    expect(outcomes.some(({ status }) => status === 0)).toBe(true)

    await rig.server.restart()
    expect([point, await rig.audit()]).toEqual([point, []])
    app = await start()
    const after = await load(rig.visitors, requests, 300)
    expect([point, byStatus(after)]).toEqual([point, { 200: requests }])
    expect([point, await rig.audit()]).toEqual([point, []])
  }
  expect(await app.stop()).toBe(0)
})
