import { AppProcess } from '../support/app-process'
import { REQUESTS, Rig } from './support/rig'
import { byStatus, load, Witness } from './support/witness'

test.each(['before', 'sent', 'answered', 'finished'])(
  'the process is killed around a write (%s), and Redis with it: what was acknowledged is there',
  async (point) => {
    const rig = await Rig.open({ args: ['--appendonly', 'yes', '--appendfsync', 'always'], visitors: 0 })
    const env = { REDIS_URL: rig.server.url }
    const requests = Math.ceil(REQUESTS / 4)
    const visitors = 5
    let app = await AppProcess.start('faults/child/main', {
      ...env,
      KILLED: point,
      AT: `${2 * visitors + Math.ceil(requests / 3)}`
    })
    for (let i = 0; i < visitors; i++) {
      const visitor = new Witness(() => app.port)
      expect((await visitor.ask('/login')).status).toBe(200)
      rig.visitors.push(visitor)
      // Acknowledged before the load, which may all be on its way when the process dies.
      expect((await visitor.use('save')).status).toBe(200)
    }
    const outcomes = await load(rig.visitors, requests, 300, ['mark', 'count', 'save'])
    expect(await app.ended).toBe('SIGKILL')
    expect(outcomes.some(({ status }) => status === 0)).toBe(true)

    await rig.server.restart()
    expect(await rig.audit()).toEqual([])
    app = await AppProcess.start('faults/child/main', env)
    const after = await load(rig.visitors, requests, 300)
    expect(byStatus(after)).toEqual({ 200: requests })
    expect(await app.stop()).toBe(0)
    expect(await rig.audit()).toEqual([])
  }
)
